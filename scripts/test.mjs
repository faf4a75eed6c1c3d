/**
 * Runs the tests in one of two sizes. All parts run, whatever fails. The exit code is 0 only when no test failed, every part ended
 * well, and each suite had tests.
 *
 *     node scripts/test.mjs                        what CI runs: everything, some of it in a short form; 10 minutes on two cores
 *     node scripts/test.mjs --all                  everything in its long form; an hour
 *     node scripts/test.mjs --all --only chaos,vitest
 *     node scripts/test.mjs --list                 the names of the parts
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT, runParts } from './run-parts.mjs';

const node = (...args) => [process.execPath, ...args];
/** A script of package.json. */
const script = (name, ...args) => ['npm', 'run', '--silent', name, '--', ...args];
/** Tests with random input run many times as long: test/size.ts, python/tests/conftest.py. */
const LONG_TESTS = { LONG_TESTS: '1' };

/** @type {readonly (import('./run-parts.mjs').Part & { long?: Partial<import('./run-parts.mjs').Part> })[]} `long`: what is other in the long form */
const PARTS = [
  { name: 'prepare', minutes: 0.1, command: node('scripts/prepare-tests.mjs'), isNeeded: true },
  { name: 'check', minutes: 0.6, command: node('scripts/check.mjs', '--without-vitest') },
  {
    ...{ name: 'vitest', minutes: 6, hasTests: true },
    command: [
      join(ROOT, 'node_modules/.bin/vitest'),
      ...['run', '--reporter=default', '--reporter=./scripts/vitest-summary.mjs'],
    ],
    long: { minutes: 12, env: LONG_TESTS },
  },
  {
    // On the random broker in its short form; in the long form others of these parts run on that.
    ...{
      name: 'node24',
      minutes: 1.5,
      command: node('scripts/test-node24.mjs'),
      env: { RANDOM_BROKER: '1' },
    },
    long: { minutes: 3, command: node('scripts/test-node24.mjs', '--all'), env: {} },
  },
  {
    ...{ name: 'pytest', minutes: 1, hasTests: true },
    ...{ command: [join(ROOT, 'python/.venv/bin/pytest'), '-q'], cwd: join(ROOT, 'python') },
    long: { minutes: 2, env: LONG_TESTS },
  },
];

/** What `npm test` has in a short form only, within the suites. */
const LONG_PARTS = [
  ...['2', '3'].map((seed) => ({
    ...{ name: `random-${seed}`, minutes: 9, hasTests: true },
    command: node('scripts/test-random.mjs', seed),
  })),
  {
    ...{ name: 'without-commands', minutes: 7, hasTests: true },
    command: node('scripts/test-without-commands.mjs'),
  },
  { name: 'chaos', minutes: 5, command: script('chaos', '--seed', '2', '--minutes', '5') },
  ...['8', '48'].map((sockets) => ({
    ...{ name: `attack-${sockets}`, minutes: 2.2 },
    command: script('attack', '--sockets', sockets, '--seconds', '60'),
  })),
  { name: 'bench-self-test', minutes: 0.1, command: script('bench', 'self-test') },
  { name: 'bench-faults', minutes: 2, command: script('bench', 'faults', '--short') },
];

const { values } = parseArgs({
  options: { all: { type: 'boolean' }, only: { type: 'string' }, list: { type: 'boolean' } },
});
const forms = values.all
  ? [...PARTS.map(({ long, ...part }) => ({ ...part, ...long })), ...LONG_PARTS]
  : PARTS;
const names = values.only?.split(',') ?? forms.map(({ name }) => name);
const unknown = names.filter((name) => !forms.some((part) => part.name === name));
if (values.list) {
  for (const { name, minutes } of forms) console.log(`${name.padEnd(18)} ${minutes} min`);
} else if (unknown.length > 0) {
  console.error(
    `There is no part ${unknown.join(', ')}; there are ${forms.map(({ name }) => name).join(', ')}.`,
  );
  process.exitCode = 2;
} else runParts(forms.filter(({ name }) => names.includes(name)));
