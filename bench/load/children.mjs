/** Child processes of a run, and theirs. All of them are killed when this process ends, however it ends short of SIGKILL. */
import { fork, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Fault, faultTold, within } from './fault.mjs';

/** The repository's folder, where servers are started. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const START_MS = 20_000;
const STOP_MS = 3_000;
const TAIL_CHARS = 4_000;

/** Parents before their children, so that none is started anew. @type {Set<number>} */
const living = new Set();

process.on('exit', () => killAll([...living]));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(130));

function killAll(pids) {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended already.
    }
  }
}

function track(child) {
  living.add(child.pid);
  child.once('exit', () => living.delete(child.pid));
  return child;
}

/** A server under test: `pids` of all its processes. @typedef {{port: number, pids: number[], output: () => string, stop: () => Promise<void>}} Server */

/**
 * @typedef {object} How
 * @property {string} command
 * @property {string[]} args
 * @property {Record<string, string>} env beside this process's own
 * @property {(output: string) => {port: number, pids: number[]} | null} [listening] reads from the output that it listens, and
 *   which processes it has started; by default it prints `http://127.0.0.1:<port>` and has started none
 */

/** Starts a server and waits until it listens. @param {How} how @returns {Promise<Server>} */
export async function startServer({ command, args, env, listening = printedUrl }) {
  const child = track(
    spawn(command, args, { cwd: ROOT, env: { ...serverEnv(), ...env }, stdio: ['ignore', 'pipe', 'pipe'] }),
  );
  let output = '';
  const opened = new Promise((resolve, reject) => {
    const hear = (chunk) => {
      output = (output + chunk).slice(-TAIL_CHARS);
      const found = listening(output);
      if (found !== null) resolve(found);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      reject(new Fault('closed', `the server ended with ${code ?? signal}:\n${output}`)),
    );
  });
  try {
    const { port, pids } = await within(
      opened,
      START_MS,
      () => `the server had not said where it listens:\n${output}`,
    );
    for (const pid of pids) living.add(pid);
    const stop = async () => {
      await stopChild(child, pids);
      for (const pid of pids) living.delete(pid);
    };
    return { port, pids: [child.pid ?? 0, ...pids], output: () => output, stop };
  } catch (error) {
    await stopChild(child);
    throw error;
  }
}

/** @param {string} output */
function printedUrl(output) {
  const line = /http:\/\/127\.0\.0\.1:(\d+)/.exec(output);
  return line === null ? null : { port: Number(line[1]), pids: [] };
}

/** What every server gets of this environment: nothing that would change how Node runs. */
function serverEnv() {
  const { NODE_OPTIONS: _options, ...env } = process.env;
  return { ...env, NODE_ENV: 'production' };
}

/** Asks it to end, which is to end `pids` too, and kills them all when that takes too long. */
async function stopChild(child, pids = []) {
  if (child.exitCode !== null || child.signalCode !== null) return killAll(pids);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await within(ended, STOP_MS, () => 'it was still running').catch(() => killAll([child.pid, ...pids]));
  await ended;
}

const DRIVER = new URL('./driver.mjs', import.meta.url);

/**
 * Has one order fulfilled by a fresh process (obey.mjs).
 * @template {object} O, R
 * @param {O} order for the load generator, if not for another program
 * @param {number} deadlineMs for all of it
 * @param {URL} [program]
 * @returns {Promise<R>}
 */
export async function drive(order, deadlineMs, program = DRIVER) {
  const child = track(fork(fileURLToPath(program), { execArgv: [] }));
  const answered = new Promise((resolve, reject) => {
    child.once('message', (message) => {
      if (message.type === 'result') resolve(message.result);
      else reject(faultTold(message));
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
