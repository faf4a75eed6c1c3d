/** A server that runs out of file descriptors says so, and when it is over. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { end, eventually } from './server-process.js';

const MAIN = fileURLToPath(new URL('../../server/dist/server/src/cli/main.js', import.meta.url));
const OPEN_FILES = 256;
/** Longer than what the server does most rarely by itself, ten seconds: nothing of that may end it. */
const WITHOUT_MS = 11_000;
/** A limit below what is open: what is open stays, nothing more can be opened. */
const FEWER_THAN_OPEN = 3;
const NONE_LEFT = 'no file descriptor is left';
const SOME_AGAIN = 'there are file descriptors again';

it('a server lives while no file descriptor is left: a line says so, and another that there are some again', async () => {
  const { pid, output } = await startLimited();
  const allow = (files: number): void => {
    execFileSync('prlimit', [`--pid=${pid}`, `--nofile=${files}:${OPEN_FILES}`]);
  };
  allow(FEWER_THAN_OPEN);
  await eventually(
    () => output().includes(NONE_LEFT),
    () => `a line: ${output()}`,
  );
  await new Promise((resolve) => setTimeout(resolve, WITHOUT_MS));
  allow(OPEN_FILES);
  await eventually(
    () => output().includes(SOME_AGAIN),
    () => `another line: ${output()}`,
  );
  expect(output().split(NONE_LEFT).length - 1).toBe(1);
});

/** Starts a server that may open few files. */
async function startLimited() {
  const folder = mkdtempSync(join(tmpdir(), 'dobby-descriptors-'));
  const command = `ulimit -n ${OPEN_FILES}; exec "$0" "$@"`;
  const child = spawn('sh', ['-c', command, process.execPath, MAIN, '--port', '0'], {
    env: { ...process.env, DOBBY_STATE_DIR: join(folder, 'state') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(async () => {
    await end(child, 'SIGKILL');
    rmSync(folder, { recursive: true });
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += String(chunk);
    });
  }
  const port = (): string | undefined => /listens on http:\S+:(\d+)/.exec(output)?.[1];
  await eventually(
    () => port() !== undefined,
    () => output,
  );
  return { pid: Number(child.pid), port: Number(port()), output: () => output };
}
