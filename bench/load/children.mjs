/** Child processes of a run. All of them are killed when this process ends, however it ends short of SIGKILL. */
import { fork, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Fault, within } from './fault.mjs';

const START_MS = 20_000;
const STOP_MS = 3_000;
const TAIL_CHARS = 4_000;

/** @type {Set<import('node:child_process').ChildProcess>} */
const children = new Set();

process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(130));

function track(child) {
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

/** A server under test. @typedef {{port: number, pids: number[], output: () => string, stop: () => Promise<void>}} Server */

/**
 * Starts a server and waits until it prints `http://127.0.0.1:<port>`.
 * @param {{command: string, args: string[], env: Record<string, string>, cwd: string}} how
 * @returns {Promise<Server>}
 */
export async function startServer({ command, args, env, cwd }) {
  const child = track(
    spawn(command, args, { cwd, env: { ...serverEnv(), ...env }, stdio: ['ignore', 'pipe', 'pipe'] }),
  );
  let output = '';
  const port = new Promise((resolve, reject) => {
    const hear = (chunk) => {
      output = (output + chunk).slice(-TAIL_CHARS);
      const line = /http:\/\/127\.0\.0\.1:(\d+)/.exec(output);
      if (line) resolve(Number(line[1]));
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      reject(new Fault('closed', `the server ended with ${code ?? signal}:\n${output}`)),
    );
  });
  const stop = () => stopChild(child);
  try {
    const opened = await within(port, START_MS, () => `the server had not said where it listens:\n${output}`);
    return { port: opened, pids: [child.pid ?? 0], output: () => output, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What every server gets of this environment: nothing that would change how Node runs. */
function serverEnv() {
  const { NODE_OPTIONS: _options, ...env } = process.env;
  return { ...env, NODE_ENV: 'production' };
}

async function stopChild(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await within(ended, STOP_MS, () => 'it was still running').catch(() => child.kill('SIGKILL'));
  await ended;
}

/**
 * Runs one order in a fresh driver process.
 * @param {import('./driver.mjs').Order} order
 * @param {number} deadlineMs for all of it
 * @returns {Promise<import('./driver.mjs').Result>}
 */
export async function drive(order, deadlineMs) {
  const child = track(fork(fileURLToPath(new URL('./driver.mjs', import.meta.url)), { execArgv: [] }));
  const answered = new Promise((resolve, reject) => {
    child.once('message', (message) => {
      if (message.type === 'result') resolve(message.result);
      else reject(Object.assign(new Fault(message.kind, ''), { message: message.message }));
    });
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      reject(new Fault('closed', `the load generator ended with ${code ?? signal}`)),
    );
  });
  try {
    child.send(order);
    return await within(answered, deadlineMs, () => 'the load generator had not answered');
  } finally {
    await stopChild(child);
  }
}
