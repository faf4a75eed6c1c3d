/** The suites of TypeScript and Python with a hook of Node, which changes the servers of all tests in whatever process they run. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const REPORTERS = ['--reporter=dot', '--reporter=./scripts/vitest-summary.mjs'];

/**
 * Runs vitest, then pytest; sets the exit code to 1 when one fails.
 * @param {string} hook below `server/test/support`
 * @param {Record<string, string>} variables
 * @param {string[]} [leftOut] files of Python's tests, below the root
 */
export function runSuites(hook, variables, leftOut = []) {
  const env = {
    ...process.env,
    ...variables,
    NODE_OPTIONS: `--import=${join(ROOT, 'server/test/support', hook)}`,
  };
  const suites = [
    { command: [join(ROOT, 'node_modules/.bin/vitest'), 'run', ...REPORTERS], cwd: ROOT },
    {
      command: [
        join(ROOT, 'python/.venv/bin/pytest'),
        '-q',
        ...leftOut.map((file) => `--ignore=${join(ROOT, file)}`),
      ],
      cwd: join(ROOT, 'python'),
    },
  ];
  for (const { command, cwd } of suites) {
    const [program, ...args] = command;
    console.log(`── ${JSON.stringify(variables)}: ${program.split('/').at(-1)}`);
    const { status } = spawnSync(program, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'], env });
    if (status !== 0) process.exitCode = 1;
  }
}
