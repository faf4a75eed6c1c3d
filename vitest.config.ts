/**
 * Two projects: `unit` (no sockets but on loopback, fast, in parallel) and `e2e` (real servers,
 * browsers and back ends; few files at a time, long deadlines). Nothing is ever retried: a flake
 * is a bug.
 */
import { configDefaults, defineConfig } from 'vitest/config';
import {
  ABOUT_COMMANDS,
  isWithoutCommands,
  withoutCommands,
} from './server/test/support/without-commands.mjs';

const END_TO_END = ['server/test/e2e/**/*.test.ts', 'test/e2e/**/*.test.ts', 'examples/**/test/**/*.test.ts'];
const ABOUT = ABOUT_COMMANDS.flatMap((name) => [name, `${name}/**`]);
const NEVER = [
  ...configDefaults.exclude,
  ...['**/dist/**', '**/.venv/**'],
  ...(isWithoutCommands ? ABOUT : []),
];

/** What takes long and rests on no version of Node: left out of the quick pass (scripts/test-node24.mjs). */
const LONG = [
  'client/test/model/**',
  'server/test/core/model.test.ts',
  'server/test/core/data/bounds-of-maps.test.ts',
  'server/test/transports/probe-leak.test.ts',
  'test/exports.test.ts',
];
const LEFT_OUT = process.env['QUICK_TESTS'] === undefined ? [] : LONG;

/** With the variable RANDOM_BROKER, a seed, whole servers have a broker that answers at random times. */
const random = {
  name: 'random-broker',
  enforce: 'pre' as const,
  resolveId(name: string, from: string | undefined) {
    const isBroker = name.endsWith('/memory-broker.js') && from?.endsWith('/server/src/assembly.ts');
    const file = new URL('server/test/support/random-broker-of-servers.ts', import.meta.url);
    return isBroker && process.env['RANDOM_BROKER'] !== undefined ? file.pathname : null;
  },
};

/** With the variable WITHOUT_COMMANDS servers have no commands. */
const without = {
  name: 'without-commands',
  enforce: 'pre' as const,
  transform(source: string, file: string) {
    return isWithoutCommands && file.endsWith('/server/src/features.ts') ? withoutCommands(source) : null;
  },
};

export default defineConfig({
  test: {
    retry: 0,
    projects: [
      {
        plugins: [random, without],
        test: {
          name: 'unit',
          include: ['protocol/test', 'client/test', 'server/test', 'test'].map(
            (dir) => `${dir}/**/*.test.ts`,
          ),
          exclude: [...NEVER, ...END_TO_END, ...LEFT_OUT],
          testTimeout: 10_000,
          hookTimeout: 10_000,
        },
      },
      {
        plugins: [random, without],
        test: {
          name: 'e2e',
          include: END_TO_END,
          exclude: NEVER,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
