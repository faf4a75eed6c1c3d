/** A server that a script of npm started ends when npm is told to end: npm's shell passes no signal on. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { eventually } from './server-process.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MAIN = join(ROOT, 'server/dist/server/src/cli/main.js');
const folders: string[] = [];
const children: ChildProcess[] = [];

afterEach(() => {
  for (const { pid } of children.splice(0)) {
    try {
      process.kill(-(pid ?? 0), 'SIGKILL');
    } catch {
      // it has ended, as it should
    }
  }
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'dobby-npm-'));
  folders.push(folder);
  return folder;
}

/** Starts a script in a process group of its own; resolves with its server's address once that listens. */
async function npmStart(cwd: string): Promise<{ npm: ChildProcess; url: string }> {
  const npm = spawn('npm', ['start'], {
    cwd,
    detached: true,
    env: { ...process.env, DOBBY_PORT: '0', DOBBY_STATE_DIR: join(tempFolder(), 'state') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(npm);
  let output = '';
  const take = (chunk: unknown): void => {
    output += String(chunk);
  };
  npm.stdout?.on('data', take);
  npm.stderr?.on('data', take);
  const url = (): string | undefined => /listens on (http:\S+)/.exec(output)?.[1];
  await eventually(
    () => url() !== undefined,
    () => `an address: ${output}`,
  );
  return { npm, url: url() ?? '' };
}

async function isGone(url: string): Promise<boolean> {
  return fetch(`${url}/health`).then(
    () => false,
    () => true,
  );
}

it.each<[string, () => string]>([
  ['npm start of this repository', () => ROOT],
  [
    'a script of a project of its own',
    () => {
      const folder = tempFolder();
      const scripts = { start: `node "${MAIN}"; true` };
      writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'app', private: true, scripts }));
      return folder;
    },
  ],
])('%s ends its server by SIGTERM', async (_what, folder) => {
  const { npm, url } = await npmStart(folder());
  expect(await isGone(url)).toBe(false);
  npm.kill('SIGTERM');
  let gone = false;
  const looking = setInterval(async () => {
    if (await isGone(url)) gone = true;
  }, 50);
  await eventually(
    () => gone,
    () => 'the end of the server',
    10_000,
  ).finally(() => clearInterval(looking));
});
