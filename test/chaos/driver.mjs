/** Decides by the seed what each client does next: joins and leaves paths, quickly or not, and what only pages or Node clients do. */
import { setTimeout as sleep } from 'node:timers/promises';

const WEIGHTS = { toggle: 35, twice: 25, burst: 8 };
const PAUSE_MS = 900;
const TWICE_MS = 50;
const BURST = 5;
const FIRST_WISHES = 4;

/** @typedef {import('./check/watch.mjs').Client} Client */

export class Driver {
  /** Failures of the driver itself, not of what it tests. @type {string[]} */
  problems = [];
  #client;
  #paths;
  #chance;
  #watch;
  #isOn = false;
  #life = '';
  /** @type {Promise<void>} */
  #loop = Promise.resolve();

  /** @param {Client} client @param {readonly string[]} paths @param {import('./chance.mjs').Chance} chance @param {import('./check/watch.mjs').Watch} watch */
  constructor(client, paths, chance, watch) {
    this.#client = client;
    this.#paths = paths;
    this.#chance = chance;
    this.#watch = watch;
  }

  start() {
    this.#isOn = true;
    this.#loop = this.#run();
  }

  /** Resolves when the last action is over and nothing that it did to the page lasts. */
  async stop() {
    this.#isOn = false;
    await this.#loop;
    await this.#client.settle();
    await this.#wishFirst();
    await sleep(2 * TWICE_MS);
  }

  async #run() {
    while (this.#isOn) {
      try {
        await this.#wishFirst();
        await sleep(this.#chance.between(20, PAUSE_MS));
        await this.#act();
      } catch (error) {
        this.problems.push(`${this.#client.name}: ${error instanceof Error ? error.message : error}`);
        await sleep(PAUSE_MS);
      }
    }
  }

  /** A new life has no wishes: gives it some. */
  async #wishFirst() {
    const { life } = await this.#client.status();
    if (life === this.#life) return;
    this.#life = life;
    await this.#client.run('connect', this.#chance.shuffled(this.#paths).slice(0, FIRST_WISHES));
  }

  async #act() {
    const chance = this.#chance;
    const client = this.#client;
    /** @type {Record<string, number>} */
    const weights = { ...WEIGHTS, ...client.actions };
    const action = chance.weighted(weights);
    if (action === 'toggle') await client.run('toggle', [chance.pick(this.#paths)]);
    else if (action === 'burst') await client.run('toggle', chance.shuffled(this.#paths).slice(0, BURST));
    else if (action === 'twice')
      await client.run(
        'twice',
        chance.shuffled(this.#paths).slice(0, chance.between(1, 2)),
        chance.between(0, TWICE_MS),
      );
    else {
      await this.#watch.collect(client);
      this.#watch.account(client).note(`${action} begins`);
      await client.perform(action);
      this.#watch.account(client).note(`${action} is over`);
    }
  }
}
