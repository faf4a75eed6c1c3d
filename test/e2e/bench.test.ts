/** The benches in their short form: whether they run and every delivery is right, not how fast. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

it('fan-out delivers every update to everybody, unaltered and in order, with all its peers', {
  timeout: 120_000,
}, async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['bench/run.mjs', 'fanout', '--short', '--seconds', '1'],
    {
      cwd: ROOT,
      timeout: 110_000,
    },
  );
  for (const system of ['dobby', 'ws-loop', 'uws', 'socketio']) {
    expect(stdout).toMatch(new RegExp(`^${system} +100 +1 `, 'm'));
    expect(stdout).toMatch(new RegExp(`^${system} +100 +32 `, 'm'));
  }
});
