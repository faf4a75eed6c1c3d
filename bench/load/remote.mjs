/** Processes that put load on a server: `withLoad` at this end, `serve` and `notify` at the other. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Fault, faultFrom, faultMessage, within } from './fault.mjs';

const CALL_MS = 150_000;

/**
 * A process that puts load on a server: `call` calls a method of it; `onFault` is to be called with what fails at this end; `onNotice` may be set,
 * and is called with what the process sends uncalled.
 * @typedef {{call: (type: string, data?: object) => Promise<any>, onFault: (fault: unknown) => void, onNotice: (message: any) => void}} Load
 */

/**
 * Starts a process, gives it to `use`, ends it. A fault ends `use`.
 * @template T
 * @param {URL} program that calls `serve`
 * @param {{pids: number[]}} order `pids` of the server, which the process kills when this one dies
 * @param {(load: Load) => Promise<T>} use
 */
export async function withLoad(program, order, use) {
  let onFault = (_fault) => undefined;
  const failed = new Promise((_, reject) => {
    onFault = reject;
  });
  // While nothing is awaited a fault waits for the race below.
  failed.catch(() => undefined);
  const awaited = new Map();
  let isClosed = false;
  const child = fork(fileURLToPath(program), { execArgv: [], serialization: 'advanced' });
  child.on('error', onFault);
  child.on('exit', (code, signal) => {
    if (!isClosed) onFault(new Fault('closed', `a load generator ended with ${code ?? signal}`));
  });
  child.on('message', ({ type, call, value }) => {
    if (type === 'notice') return load.onNotice(value);
    if (type === 'fault') return onFault(faultFrom(value));
    awaited.get(call)?.(value);
    awaited.delete(call);
  });
  child.send(order);
  let calls = 0;
  const call = (type, data = {}) => {
    const answer = new Promise((resolve) => {
      awaited.set(++calls, resolve);
      child.send({ type, call: calls, data });
    });
    return within(answer, CALL_MS, () => `the load generator had not answered "${type}"`);
  };
  const load = { call, onFault, onNotice: (_message) => undefined };
  try {
    return await Promise.race([use(load), failed]);
  } finally {
    isClosed = true;
    child.kill('SIGKILL');
  }
}

/** Sends the process that started this one a notice, uncalled. @param {object} value */
export function notify(value) {
  send({ type: 'notice', value });
}

/**
 * Takes an order, then calls of methods of what `create` makes of it. `guard` names other processes of the server. An exception anywhere in
 * this process is a fault of the run. When the parent dies, the server is killed and this process ends.
 */
export function serve(create) {
  let pids = [];
  const fail = (error) => send({ type: 'fault', value: faultMessage(error) });
  process.on('uncaughtException', fail);
  process.on('disconnect', () => {
    try {
      for (const pid of pids) process.kill(pid, 'SIGKILL');
    } finally {
      process.exit(1);
    }
  });
  process.once('message', (order) => {
    pids = order.pids;
    const target = create(order);
    process.on('message', async ({ type, call, data }) => {
      try {
        if (type === 'guard') pids = data.pids;
        send({ type: 'answer', call, value: type === 'guard' ? null : await target[type](data) });
      } catch (error) {
        fail(error);
      }
    });
  });
}

function send(message) {
  if (process.connected) process.send?.(message);
}
