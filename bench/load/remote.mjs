/** A process that is called: this end, and `serve` for the other. */
import { fork } from 'node:child_process';
import { Fault, faultMessage, faultTold } from './fault.mjs';
import { endWithParent } from './parent.mjs';

/** This end of a process. */
export class Remote {
  #child;
  #calls = 0;
  /** What each unanswered call waits for. @type {Map<number, (value: unknown) => void>} */
  #awaited = new Map();
  #isClosed = false;

  /**
   * @param {string} file that calls `serve`
   * @param {object} order what it is given first
   * @param {{onFault: (fault: unknown) => void, onTold?: (message: object) => void}} told of what goes wrong there, and of what it says uncalled
   */
  constructor(file, order, { onFault, onTold }) {
    this.#child = fork(file, { execArgv: [], serialization: 'advanced' });
    this.#child.on('error', onFault);
    this.#child.on('exit', (code, signal) => {
      if (!this.#isClosed) onFault(new Fault('closed', `a process of clients ended with ${code ?? signal}`));
    });
    this.#child.on('message', ({ type, call, value }) => {
      if (type === 'told') onTold?.(value);
      else if (type === 'fault') onFault(faultTold(value));
      else this.#answered(call, value);
    });
    this.#child.send(order);
  }

  /** @param {string} type of the call @param {object} [data] @returns {Promise<any>} the answer */
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

  #answered(call, value) {
    this.#awaited.get(call)?.(value);
    this.#awaited.delete(call);
  }
}

/** Says something to whoever started this process, uncalled. @param {object} value */
export function tell(value) {
  send({ type: 'told', value });
}

/** Says that something went wrong here. @param {unknown} error */
export function fail(error) {
  send({ type: 'fault', value: faultMessage(error) });
}

/**
 * Takes an order, then calls, each answered by the method of its name; `guard` with the `pids` of the server is taken here.
 * @template O
 * @param {(order: O) => object} create
 */
export function serve(create) {
  /** @type {number[]} */
  let guarded = [];
  process.on('uncaughtException', fail);
  endWithParent(() => guarded);
  process.once('message', (order) => {
    const guard = ({ pids }) => {
      guarded = pids;
    };
    const calls = { ...bound(create(/** @type {O} */ (order))), guard };
    process.on('message', async ({ type, call, data }) => {
      try {
        send({ type: 'answer', call, value: await calls[type](data) });
      } catch (error) {
        fail(error);
      }
    });
  });
}

/** The methods of an object, by name. */
function bound(object) {
  const names = Object.getOwnPropertyNames(Object.getPrototypeOf(object)).filter(
    (name) => name !== 'constructor',
  );
  return Object.fromEntries(names.map((name) => [name, object[name].bind(object)]));
}

function send(message) {
  if (process.connected) process.send?.(message);
}
