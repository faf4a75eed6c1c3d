/** Processes that put load on a server: this end (`Remote`, `drive`), and `serve` for the other. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Failure, Fault, faultMessage, faultTold, within } from './fault.mjs';

export class Remote {
  #child;
  #calls = 0;
  /** @type {Map<number, (value: unknown) => void>} */
  #awaited = new Map();
  #isClosed = false;

  /**
   * @param {URL} program that calls `serve`
   * @param {{pids: number[]}} order `pids` of the server, which the process kills when this one dies
   * @param {{onFault: (fault: unknown) => void, onTold?: (message: object) => void}} told of faults there, and of what it tells uncalled
   */
  constructor(program, order, { onFault, onTold }) {
    this.#child = fork(fileURLToPath(program), { execArgv: [], serialization: 'advanced' });
    this.#child.on('error', onFault);
    this.#child.on('exit', (code, signal) => {
      if (!this.#isClosed) onFault(new Fault('closed', `a load generator ended with ${code ?? signal}`));
    });
    this.#child.on('message', ({ type, call, value }) => {
      if (type === 'told') return onTold?.(value);
      if (type === 'fault') return onFault(faultTold(value));
      this.#awaited.get(call)?.(value);
      this.#awaited.delete(call);
    });
    this.#child.send(order);
  }

  /** Calls a method there. @param {string} type @param {object} [data] @returns {Promise<any>} its answer */
  call(type, data = {}) {
    return new Promise((resolve) => {
      const call = this.#calls++;
      this.#awaited.set(call, resolve);
      this.#child.send({ type, call, data });
    });
  }

  close() {
    this.#isClosed = true;
    this.#child.kill('SIGKILL');
  }
}

/** Has a fresh process fulfil one order with its method `run`. @param {URL} program @param {object} order @param {number} deadlineMs */
export async function drive(program, order, deadlineMs) {
  const failure = new Failure();
  const remote = new Remote(program, order, { onFault: (fault) => failure.fail(fault) });
  try {
    const late = () => 'the load generator had not answered';
    return await failure.during(within(remote.call('run'), deadlineMs, late));
  } finally {
    remote.close();
  }
}

/** Tells the process that started this one something, uncalled. @param {object} value */
export function tell(value) {
  send({ type: 'told', value });
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
