/** Publishes numbered updates to every path, one at a time of each, and enters what the server acknowledged in the ledger. */
import { setTimeout as sleep } from 'node:timers/promises';

export class Publisher {
  #dobby;
  #ledger;
  #isOn = false;
  /** @type {Promise<unknown>} */
  #loops = Promise.resolve();

  /** @param {import('./dobby.mjs').Dobby} dobby @param {import('./ledger.mjs').Ledger} ledger */
  constructor(dobby, ledger) {
    this.#dobby = dobby;
    this.#ledger = ledger;
  }

  /** @param {readonly string[]} paths @param {import('../chance.mjs').Chance} chance */
  start(paths, chance) {
    this.#isOn = true;
    this.#loops = Promise.all(paths.map((path) => this.#loop(path, chance)));
  }

  /** Resolves when every update has been answered or given up. */
  async stop() {
    this.#isOn = false;
    await this.#loops;
  }

  /** Publishes one update; resolves with its number, null when it was not acknowledged. @param {string} path */
  async publish(path) {
    const n = this.#ledger.next(path);
    try {
      const { position } = await this.#dobby.api('update', { path, message: n });
      this.#ledger.acknowledge(path, n, position);
      return n;
    } catch {
      return null; // the server restarts: the update may exist, and nothing depends on it
    }
  }

  /** @param {string} path @param {import('../chance.mjs').Chance} chance */
  async #loop(path, chance) {
    while (this.#isOn) {
      await sleep(chance.between(100, 900));
      if (this.#isOn) await this.publish(path);
    }
  }
}
