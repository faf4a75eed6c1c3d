/** A Dobby as its users start it: the built command line, in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../server/dist/server/src/cli/main.js', import.meta.url));
const START_MS = 15_000;

/** A running server process. */
export interface ServerProcess {
  readonly url: string;
  readonly port: number;
  /** What it has printed. */
  readonly output: () => string;
  /** Ends it by a signal; resolves with its exit code, null when the signal ended it. */
  kill(signal: NodeJS.Signals): Promise<number | null>;
}

/** Starts a server with these flags and variables, and waits for nothing. */
export function spawnServer(flags: readonly string[], environment: Record<string, string> = {}) {
  if (!existsSync(MAIN)) throw new Error('the server has not been built: npm run build');
  return spawn(process.execPath, [MAIN, ...flags], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Starts a server with these flags and variables; resolves when it listens. */
export async function startServer(
  flags: readonly string[],
  environment: Record<string, string> = {},
): Promise<ServerProcess> {
  const child = spawnServer(flags, environment);
  let output = '';
  const url = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`no address within ${START_MS} ms: ${output}`));
    }, START_MS);
    const take = (chunk: unknown): void => {
      output += String(chunk);
      const found = /listens on (http:\S+)/.exec(output)?.[1];
      if (found === undefined) return;
      clearTimeout(timer);
      resolve(found);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('exit', (code) => reject(new Error(`the server ended with ${code}: ${output}`)));
  });
  return { url, port: Number(new URL(url).port), output: () => output, kill: (signal) => end(child, signal) };
}

/** Ends a process by a signal; resolves with its exit code, null when the signal ended it. */
export function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((resolve) => {
    child.once('exit', (code) => resolve(code));
    child.kill(signal);
  });
}

/** Waits until `isTrue`. Rejects after `ms`, with `missing()` in the message. */
export async function eventually(isTrue: () => boolean, missing: () => string, ms = 20_000): Promise<void> {
  const deadline = Date.now() + ms;
  while (!isTrue()) {
    if (Date.now() > deadline) throw new Error(`not within ${ms} ms: ${missing()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
