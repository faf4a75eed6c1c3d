/** Ends the server now and then: with SIGTERM, as a deployment does, or with SIGKILL, as a crash does. */
import { setTimeout as sleep } from 'node:timers/promises';

const WEIGHTS = { none: 45, SIGTERM: 35, SIGKILL: 20 };

export class Fate {
  #dobby;
  #chance;
  #phases = 0;

  /** @param {import('./dobby.mjs').Dobby} dobby @param {import('../chance.mjs').Chance} chance */
  constructor(dobby, chance) {
    this.#dobby = dobby;
    this.#chance = chance;
  }

  /** Decides for one busy period of `ms`; every run has one of each kind in its first two. Resolves when the server is up again. @param {number} ms */
  async rule(ms) {
    const drawn = this.#chance.weighted(WEIGHTS);
    const signal = /** @type {const} */ (['SIGTERM', 'SIGKILL'])[this.#phases++] ?? drawn;
    if (signal === 'none') return;
    await sleep(this.#chance.between(ms * 0.1, ms * 0.8));
    await this.#dobby.restart(signal);
  }
}
