/** A server whose file descriptors have run out says so, and when it is over. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { end, eventually } from './server-process.js';

const MAIN = fileURLToPath(new URL('../../server/dist/server/src/cli/main.js', import.meta.url));

it('file descriptors that run out leave a line, and that there are some again leaves another', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'dobby-descriptors-'));
  const child = spawn('sh', ['-c', 'ulimit -n 256; exec "$0" "$@"', process.execPath, MAIN, '--port', '0'], {
    env: { ...process.env, DOBBY_STATE_DIR: join(folder, 'state') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const sockets: Socket[] = [];
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
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
  for (let i = 0; i < 320; i++) sockets.push(connect(Number(port()), '127.0.0.1').on('error', () => {}));
  await eventually(
    () => output.includes('no file descriptor is left'),
    () => `a line: ${output}`,
  );
  for (const socket of sockets) socket.destroy();
  await eventually(
    () => output.includes('there are file descriptors again'),
    () => `another line: ${output}`,
  );
  expect(output.match(/no file descriptor is left/g)?.length).toBe(1);
});
