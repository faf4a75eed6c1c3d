/** The app beside the server: grants every path that a client asks for, by `connect`, and counts how often it is asked. */
import { Agent, request } from 'node:http';
import { Fault } from '../load/fault.mjs';
import { KEY } from './server.mjs';

const CONNECTIONS = 8;

export class BackEnd {
  /** Requests of clients so far. */
  asked = 0;
  #port;
  #onFault;
  #agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });

  /** @param {number} port of the server @param {(fault: Fault) => void} onFault */
  constructor(port, onFault) {
    this.#port = port;
    this.#onFault = onFault;
  }

  /** A client asks for paths. @param {string} id of its session @param {string[]} paths */
  ask(id, paths) {
    this.asked++;
    const headers = { Authorization: `Bearer ${KEY}`, 'Content-Type': 'application/json' };
    const where = { port: this.#port, host: '127.0.0.1', path: '/api/connect', agent: this.#agent };
    const asking = request({ ...where, method: 'POST', headers }, (answer) => {
      answer.resume();
      // A session that has ended meanwhile asks again as a new one; anything else is a fault of the server.
      const { statusCode = 0 } = answer;
      if (![200, 404, 503].includes(statusCode))
        this.#onFault(new Fault('refused', `connect: status ${statusCode}`));
    });
    // The server is being restarted.
    asking.on('error', () => undefined);
    asking.end(JSON.stringify({ id, paths }));
  }

  close() {
    this.#agent.destroy();
  }
}
