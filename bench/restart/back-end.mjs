/** The app beside the server: grants every path that a client asks for, by `connect`, and counts how often it is asked. */
import { Fault } from '../load/fault.mjs';
import { KeepAlive } from '../load/http.mjs';
import { KEY } from '../peers/key.mjs';

const LANES = 8;

export class BackEnd {
  /** Requests of clients so far. */
  asked = 0;
  #port;
  #onFault;
  /** @type {{id: string, paths: string[]}[]} */
  #waiting = [];
  /** @type {KeepAlive[]} */
  #free = [];
  #started = 0;

  /** @param {number} port of the server @param {(fault: Fault) => void} onFault */
  constructor(port, onFault) {
    this.#port = port;
    this.#onFault = onFault;
  }

  /** A client asks for paths. @param {string} id of its session @param {string[]} paths */
  ask(id, paths) {
    this.asked++;
    this.#waiting.push({ id, paths });
    this.#next();
  }

  #next() {
    if (this.#waiting.length === 0) return;
    const connection = this.#connection();
    if (connection === null) return;
    const body = JSON.stringify(this.#waiting.shift());
    const head =
      `POST /api/connect HTTP/1.1\r\nHost: 127.0.0.1:${this.#port}\r\nAuthorization: Bearer ${KEY}\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
    connection.request(head + body, (failure, status, answer) => {
      if (status === 200) this.#free.push(connection);
      else this.#started--;
      // A session that has ended meanwhile asks again as a new one; anything else is a fault of the server.
      const isGone = failure !== null || status === 404 || status === 503;
      if (status !== 200 && !isGone)
        this.#onFault(new Fault('refused', `connect: status ${status} ${answer}`));
      this.#next();
    });
  }

  #connection() {
    for (let free = this.#free.pop(); free !== undefined; free = this.#free.pop()) {
      if (!free.isClosed) return free;
      this.#started--;
    }
    if (this.#started >= LANES) return null;
    this.#started++;
    return new KeepAlive(this.#port);
  }

  close() {
    this.#waiting = [];
    for (const connection of this.#free) connection.close();
  }
}
