/**
 * Runs all tests on a broker that answers at random times and fails once in fifty calls, as a store on another machine would. Short
 * form: the unit tests on Node 24 run so within `npm test`.
 *
 *     node scripts/test-random.mjs             with the seeds 1, 2 and 3
 *     node scripts/test-random.mjs 7 8         with these
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const HOOK = join(ROOT, 'server/test/support/random-broker-hook.mjs');
const seeds = process.argv.length > 2 ? process.argv.slice(2) : ['1', '2', '3'];

const PARTS = [
  { command: [join(ROOT, 'node_modules/.bin/vitest'), 'run', '--reporter=dot'], cwd: ROOT },
  { command: [join(ROOT, 'python/.venv/bin/pytest'), '-q'], cwd: join(ROOT, 'python') },
];

for (const seed of seeds) {
  for (const { command, cwd } of PARTS) {
    const [program, ...args] = command;
    const env = { ...process.env, RANDOM_BROKER: seed, NODE_OPTIONS: `--import=${HOOK}` };
    console.log(`── seed ${seed}: ${program.split('/').at(-1)}`);
    const { status } = spawnSync(program, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'], env });
    if (status !== 0) process.exitCode = 1;
  }
}
