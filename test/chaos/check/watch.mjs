/** Collects what the clients recorded, all the time, and hands it to the account of the life that recorded it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Account } from './account.mjs';

const EVERY_MS = 200;

/** @typedef {import('../clients/node-client.mjs').NodeClient | import('../clients/page-client.mjs').PageClient} Client */

export class Watch {
  /** @type {import('./account.mjs').Violation[]} */
  violations = [];
  #ledger;
  /** By client, the newest life last. @type {Map<string, {life: string, account: Account}[]>} */
  #lives = new Map();
  /** How far each client's recording was received. @type {Map<string, {recorder: string, next: number}>} */
  #received = new Map();
  /** One collection of a client at a time, so that its events keep their order. @type {Map<Client, Promise<void>>} */
  #turns = new Map();
  #isOn = true;
  #log;
  /** @type {Promise<unknown>} */
  #loops = Promise.resolve();

  /** @param {import('../world/ledger.mjs').Ledger} ledger @param {(line: string) => void} log takes every event */
  constructor(ledger, log) {
    this.#ledger = ledger;
    this.#log = log;
  }

  /** @param {readonly Client[]} clients */
  start(clients) {
    this.#loops = Promise.all(clients.map((client) => this.#loop(client)));
  }

  async stop() {
    this.#isOn = false;
    await this.#loops;
  }

  /** Takes what `client` recorded until now; resolves with the account of its present life. @param {Client} client */
  async collect(client) {
    const turn = (this.#turns.get(client) ?? Promise.resolve()).then(() => this.#collect(client));
    this.#turns.set(client, turn);
    await turn;
    return this.account(client);
  }

  /** Returns the account of the present life. @param {Client} client */
  account({ name }) {
    return this.#lives.get(name)?.at(-1)?.account ?? this.#begin(name, 'none');
  }

  /** Returns the sums of all lives. */
  get totals() {
    const accounts = [...this.#lives.values()].flat().map(({ account }) => account);
    /** @type {Record<string, number>} */
    const gaps = {};
    for (const account of accounts)
      for (const [reason, count] of account.gaps) gaps[reason] = (gaps[reason] ?? 0) + count;
    return {
      lives: accounts.length,
      deliveries: accounts.reduce((sum, { deliveries }) => sum + deliveries, 0),
      unasked: accounts.reduce((sum, { unasked }) => sum + unasked, 0),
      gaps,
    };
  }

  /** @param {Client} client */
  async #loop(client) {
    while (this.#isOn) {
      await sleep(EVERY_MS);
      await this.collect(client);
    }
  }

  /** @param {Client} client */
  async #collect(client) {
    // A page between two documents, or frozen, does not answer: its events wait there.
    const { recorder = null, next = 0 } = this.#received.get(client.name) ?? {};
    const recorded = await client.drain(recorder, next).catch(() => null);
    if (recorded === null) return;
    this.#received.set(client.name, { recorder: recorded.recorder, next: recorded.next });
    for (const event of recorded.events) this.#of(client.name, String(event[4])).take(event);
    this.#of(client.name, recorded.life);
  }

  /** The account of a life, which may begin now. @param {string} client @param {string} life */
  #of(client, life) {
    const last = this.#lives.get(client)?.at(-1);
    return last?.life === life ? last.account : this.#begin(client, life);
  }

  /** @param {string} client @param {string} life */
  #begin(client, life) {
    const account = new Account(client, {
      ledger: this.#ledger,
      report: (violation) => this.violations.push(violation),
      log: this.#log,
    });
    const lives = this.#lives.get(client) ?? [];
    this.#lives.set(client, lives);
    lives.push({ life, account });
    return account;
  }
}
