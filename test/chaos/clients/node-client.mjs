/** A client in this process: Pomona's build with the WebSocket of the package ws. */
import { WebSocket } from 'ws';
import { Pomona } from '../../../client/dist/client/src/index.js';
import { recordingNetwork } from './frames.mjs';
import { Recorder } from './recorder.mjs';

/** @typedef {{life: string, id: string | null, state: string, transport: string | null, wishes: [string, string][]}} Status */

export class NodeClient {
  name;
  /** What only such a client does, with its weight beside those of all clients. */
  actions = { renew: 2 };
  #recorder;

  /** @param {string} name @param {object} options of Pomona @param {boolean} isLogging its frames too */
  constructor(name, options, isLogging) {
    this.name = name;
    this.#recorder = new Recorder((note) => {
      const network = isLogging
        ? recordingNetwork(note, WebSocket)
        : { WebSocket: /** @type {any} */ (WebSocket) };
      return new Pomona({ ...options, ...network });
    });
  }

  /** @param {string} operation of the recorder @param {readonly string[]} paths @param {number} [ms] */
  async run(operation, paths, ms) {
    this.#recorder.run(/** @type {any} */ (operation), [...paths], ms);
  }

  /** @param {string | null} recorder @param {number} next */
  async drain(recorder, next) {
    return this.#recorder.drain(recorder, next);
  }

  /** @returns {Promise<Status>} */
  async status() {
    return /** @type {Status} */ (this.#recorder.status());
  }

  /** Closes the Pomona and begins with another. @param {string} _name */
  async perform(_name) {
    await this.run('renew', []);
  }

  /** Nothing is done to such a client that would last. */
  async settle() {
    await undefined;
  }

  async close() {
    await this.run('close', []);
  }
}
