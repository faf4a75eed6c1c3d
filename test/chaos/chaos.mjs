/** One run: starts everything, alternates busy and quiet periods, ends everything, and returns what was counted. */
import { createWriteStream } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Chance } from './chance.mjs';
import { checkQuiet } from './check/quiet.mjs';
import { Watch } from './check/watch.mjs';
import { Chromium } from './clients/chromium.mjs';
import { NodeClient } from './clients/node-client.mjs';
import { PageClient } from './clients/page-client.mjs';
import { Driver } from './driver.mjs';
import { Faults } from './network/faults.mjs';
import { HostileProxy } from './network/proxy.mjs';
import { BackEnd } from './world/back-end.mjs';
import { Dobby } from './world/dobby.mjs';
import { Fate } from './world/fate.mjs';
import { Ledger } from './world/ledger.mjs';
import { allPaths, pathsOf } from './world/paths.mjs';
import { Publisher } from './world/publisher.mjs';

/** Shorter than what users have, so that minutes hold what hours would. */
const SERVER_TIMES = { pingIntervalMs: 2_500, sessionTtlMs: 8_000, grantWaitMs: 3_000 };
const OPEN_TIMEOUT_MS = 2_000;
const RECONNECT = { baseMs: 50, maxMs: 1_000 };
/** A dead stream is noticed after two ping intervals; a view that never answers, and an attempt, take their bounds. */
const SETTLE_MS = 15_000;
const STORM_MS = [3_000, 9_000];
const STORM_SHARE = 0.5;
const TRANSPORTS = [
  ['websocket', 'event-stream', 'long-poll'],
  ['event-stream', 'long-poll', 'websocket'],
  ['long-poll', 'websocket', 'event-stream'],
  ['websocket'],
  ['event-stream'],
  ['long-poll'],
];

/** @typedef {{seed: number, minutes: number, pages: number, clients: number, busySeconds: number, log?: string | undefined}} Options */

export class Chaos {
  #options;
  #chance;
  #ledger = new Ledger();
  #watch;
  /** What ends when the run ends, last first. @type {(() => unknown)[]} */
  #stops = [];

  /** @param {Options} options */
  constructor(options) {
    this.#options = options;
    this.#chance = new Chance(options.seed);
    const log = options.log === undefined ? null : createWriteStream(options.log);
    this.#watch = new Watch(this.#ledger, (line) => log?.write(`${line}\n`));
  }

  async run() {
    const beganMs = performance.now();
    try {
      const world = await this.#start();
      const settled = await this.#alternate(world, beganMs + this.#options.minutes * 60_000);
      return {
        seconds: (performance.now() - beganMs) / 1000,
        settled,
        network: world.proxy.counts,
        pages: world.pages.map(({ counts }) => counts),
        views: world.backEnd.counts,
        server: { restarts: world.dobby.restarts, crashes: world.dobby.crashes, output: world.dobby.output },
        published: this.#ledger.published,
        ...this.#watch.totals,
        problems: world.drivers.flatMap(({ problems }) => problems),
        violations: this.#watch.violations,
      };
    } finally {
      for (const stop of this.#stops.reverse()) await stop();
    }
  }

  async #start() {
    const { pages, clients } = this.#options;
    const pageNames = Array.from({ length: pages }, (_, i) => `page${i}`);
    const names = [...pageNames, ...Array.from({ length: clients }, (_, i) => `node${i}`)];
    const backEnd = new BackEnd(this.#chance.fork('back end'));
    await backEnd.listen();
    this.#stops.push(() => backEnd.stop());
    const origins = pageNames.map((name) => `http://${name}.localhost:${backEnd.port}`);
    const dobby = await Dobby.start({ origins, ...SERVER_TIMES });
    this.#stops.push(() => dobby.stop());
    backEnd.serve(dobby);
    const faults = new Faults(this.#chance.fork('network'), OPEN_TIMEOUT_MS);
    const proxy = new HostileProxy(faults, () => dobby.port);
    await proxy.listen();
    this.#stops.push(() => proxy.stop());
    const opened = await this.#openPages(pageNames, backEnd.port, proxy.port);
    const others = names.slice(pages).map((name, i) => {
      const url = `http://127.0.0.1:${proxy.port}/comet`;
      const options = { url, ...optionsOf(i, name, `http://127.0.0.1:${backEnd.port}`) };
      return new NodeClient(name, options, this.#options.log !== undefined);
    });
    const all = [...opened, ...others];
    const drivers = all.map((client, i) => {
      const paths = pathsOf(client.name, names[(i + 1) % names.length]);
      return new Driver(client, paths, this.#chance.fork(client.name), this.#watch);
    });
    const publisher = new Publisher(dobby, this.#ledger);
    this.#watch.start(all);
    this.#stops.push(() => this.#watch.stop());
    const world = { backEnd, dobby, proxy, publisher, drivers, watch: this.#watch };
    return { ...world, pages: opened, clients: all, paths: allPaths(names) };
  }

  /** @param {readonly string[]} names @param {number} backEndPort @param {number} proxyPort */
  async #openPages(names, backEndPort, proxyPort) {
    if (names.length === 0) return [];
    const chromium = await Chromium.start();
    this.#stops.push(() => chromium.stop());
    const pages = [];
    const logging = this.#options.log === undefined ? '' : '&log';
    for (const [i, name] of names.entries()) {
      // A host name of its own gives each page its own pool of connections.
      const origin = `http://${name}.localhost:${backEndPort}`;
      const options = { url: `http://${name}.localhost:${proxyPort}/comet`, ...optionsOf(i, name, '') };
      const session = await chromium.open(
        `${origin}/?options=${encodeURIComponent(JSON.stringify(options))}${logging}`,
      );
      const page = new PageClient({ name, session, origin }, this.#chance.fork(`${name} as a page`));
      await page.start();
      pages.push(page);
    }
    return pages;
  }

  /** Resolves with how long the clients took to settle in each quiet period. @param {Awaited<ReturnType<Chaos['#start']>>} world @param {number} untilMs */
  async #alternate(world, untilMs) {
    const { proxy, backEnd, publisher, drivers, dobby, paths } = world;
    const fate = new Fate(dobby, this.#chance.fork('fate'));
    const chance = this.#chance.fork('periods');
    /** @type {number[]} */
    const settled = [];
    while (settled.length === 0 || performance.now() < untilMs) {
      const busyMs = chance.between(650, 1_000) * this.#options.busySeconds;
      proxy.calm.set(false);
      backEnd.isCalm = false;
      publisher.start(paths, chance);
      for (const driver of drivers) driver.start();
      await Promise.all([this.#storms(proxy, chance, busyMs), fate.rule(busyMs)]);
      proxy.calm.set(true);
      backEnd.isCalm = true;
      await Promise.all([...drivers.map((driver) => driver.stop()), publisher.stop()]);
      settled.push(await checkQuiet(world, SETTLE_MS));
    }
    return settled;
  }

  /** Cuts half of the connections now and then, for `ms`. @param {HostileProxy} proxy @param {Chance} chance @param {number} ms */
  async #storms(proxy, chance, ms) {
    const endMs = performance.now() + ms;
    for (;;) {
      const waitMs = chance.between(STORM_MS[0], STORM_MS[1]);
      const leftMs = endMs - performance.now();
      await sleep(Math.max(0, Math.min(waitMs, leftMs)));
      if (waitMs >= leftMs) return;
      proxy.storm(STORM_SHARE);
    }
  }
}

/** @param {number} index @param {string} name @param {string} backEnd its origin */
function optionsOf(index, name, backEnd) {
  return {
    connectUrl: `${backEnd}/connect?client=${name}`,
    disconnectUrl: `${backEnd}/disconnect?client=${name}`,
    transports: TRANSPORTS[index % TRANSPORTS.length],
    openTimeoutMs: OPEN_TIMEOUT_MS,
    reconnect: RECONNECT,
  };
}
