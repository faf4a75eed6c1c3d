/** One random sequence with a Pomona of its own over real sockets; then the last wish must be what is heard. */
import { WebSocket } from 'ws';
import type { TransportName } from '../../../client/src/index.js';
import { Dice } from '../../../client/test/model/dice.js';
import { Press } from '../../../client/test/model/hearing.js';
import { WatchedPomona } from '../../../client/test/model/watched-pomona.js';
import type { Dobby } from '../../../server/src/index.js';
import { FaultyProxy } from './faulty-proxy.js';
import type { SlowBackEnd } from './slow-back-end.js';

/** What a sequence runs against. */
export interface Stage {
  readonly dobby: Dobby;
  readonly url: string;
  readonly backEnd: SlowBackEnd;
  readonly backEndUrl: string;
}

/** What came of a sequence. */
export interface Result {
  readonly seed: number;
  readonly violation: string | null;
  readonly trace: readonly string[];
  readonly figures: FaultyProxy['figures'];
  /** How long after the last fault all was well. */
  readonly quietAfterMs: number;
}

const NAMES = ['public-a', 'public-nolog-b', 'c', 'nolog-d'] as const;
const TRANSPORTS: readonly TransportName[] = ['websocket', 'event-stream', 'long-poll'];
const LEAST_STEPS = 4;
const MOST_STEPS = 18;
const LOOK_MS = 250;
const ARRIVAL_MS = 3_000;
/** Below the longest hold of the proxy: some `open` frames arrive when the client has given them up. Busy machines need so long. */
const OPEN_TIMEOUT_MS = 2_500;
/** A dead connection is noticed within 4 s, a view that does not answer within 10 s, and a lost session lives for 10 s. */
const QUIET_DEADLINE_MS = 60_000;

const pass = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Runs the sequence of a seed. */
export async function runSequence(seed: number, stage: Stage): Promise<Result> {
  const proxy = new FaultyProxy(stage.url, new Dice(seed, 'proxy'));
  const sequence = new Sequence(seed, stage, { proxy, url: await proxy.start() });
  await sequence.run();
  await proxy.stop();
  return {
    seed,
    violation: sequence.violation,
    trace: sequence.trace,
    figures: proxy.figures,
    quietAfterMs: sequence.quietAfterMs,
  };
}

class Sequence {
  readonly trace: string[] = [];
  violation: string | null = null;
  quietAfterMs = 0;
  readonly #prefix: string;
  readonly #dice: Dice;
  readonly #stage: Stage;
  readonly #proxy: FaultyProxy;
  readonly #press = new Press();
  readonly #client: WatchedPomona;
  readonly #startedAt = performance.now();

  constructor(seed: number, stage: Stage, { proxy, url }: { proxy: FaultyProxy; url: string }) {
    this.#prefix = `s${seed}`;
    this.#dice = new Dice(seed, 'steps');
    this.#stage = stage;
    this.#proxy = proxy;
    const watch = {
      page: { isGone: false },
      press: this.#press,
      note: this.#note,
      fail: this.#fail,
      mayBeRefused: (path: string) => stage.backEnd.refused.has(path),
    };
    const { backEndUrl } = stage;
    this.#client = new WatchedPomona(watch, {
      url: `${url}/comet`,
      connectUrl: `${backEndUrl}/connect`,
      ...(this.#dice.chance(0.8) ? { disconnectUrl: `${backEndUrl}/disconnect` } : {}),
      transports: shuffled(TRANSPORTS, this.#dice),
      WebSocket: WebSocket as never,
      openTimeoutMs: OPEN_TIMEOUT_MS,
      reconnect: { baseMs: 50, maxMs: 500 },
      random: new Dice(seed, 'client').next,
    });
  }

  async run(): Promise<void> {
    try {
      const steps = this.#dice.int(LEAST_STEPS, MOST_STEPS);
      for (let step = 0; step < steps && this.violation === null; step++) await this.#step();
      if (this.violation === null) await this.#becomeQuiet();
    } finally {
      this.#client.close();
    }
  }

  async #step(): Promise<void> {
    const dice = this.#dice;
    const path = `${this.#prefix}/${dice.pick(NAMES)}`;
    const chance = dice.next();
    if (chance < 0.25) this.#client.connect(path);
    else if (chance < 0.37) this.#client.disconnect(path);
    else if (chance < 0.55) await this.#flicker(path);
    else if (chance < 0.65) this.#cut();
    else if (chance < 0.7) this.#swallow();
    else await this.#publish(path);
    await pass(dice.pick([0, dice.int(0, 40), dice.int(0, 400), dice.int(0, 1_200)]));
  }

  async #flicker(path: string): Promise<void> {
    for (let times = this.#dice.int(1, 3); times > 0; times--) {
      this.#client.connect(path);
      await pass(this.#dice.int(0, 350));
      this.#client.disconnect(path);
      // Around a second: then the release is under way.
      await pass(
        this.#dice.pick([0, this.#dice.int(0, 40), this.#dice.int(0, 350), this.#dice.int(950, 1_400)]),
      );
    }
    this.#client.connect(path);
  }

  #cut(): void {
    this.#note('the proxy cuts every connection');
    this.#proxy.cut();
  }

  #swallow(): void {
    const direction = this.#dice.pick(['up', 'down'] as const);
    this.#note(`the proxy swallows ${direction}`);
    this.#proxy.swallow(direction);
  }

  async #publish(path: string): Promise<number> {
    const number = this.#press.next();
    const position = await this.#stage.dobby.update(path, number);
    this.#press.add(path, { number, position });
    this.#note(`published ${number} on ${path}`);
    return number;
  }

  async #becomeQuiet(): Promise<void> {
    this.#note('all faults stop');
    this.#proxy.calm();
    this.#stage.backEnd.calm(this.#prefix);
    const from = performance.now();
    for (;;) {
      const wrong = await this.#wrongs();
      if (wrong.length === 0) wrong.push(...(await this.#unheard()));
      this.quietAfterMs = performance.now() - from;
      if (wrong.length === 0 || this.violation !== null) return;
      if (this.quietAfterMs > QUIET_DEADLINE_MS)
        return this.#fail(`${QUIET_DEADLINE_MS} ms after the last fault ${wrong.join('; ')}`);
      await pass(LOOK_MS);
    }
  }

  /** What is not as it is wanted. */
  async #wrongs(): Promise<string[]> {
    const { pomona, wishes } = this.#client;
    if (pomona.state !== 'open') return [`Pomona is ${pomona.state}`];
    const wanted = [...wishes.values()].filter(({ isRefused }) => !isRefused);
    const wrong = wanted
      .filter(({ subscription }) => subscription.state !== 'subscribed')
      .map(({ hearing, subscription }) => `${hearing.path} is wanted and ${subscription.state}`);
    const wants = wanted.map(({ hearing }) => hearing.path).sort();
    const names = NAMES.map((name) => `${this.#prefix}/${name}`);
    const has = await this.#subscribed(names);
    if (String(wants) !== String(has)) wrong.push(`wanted are [${wants}], the server has [${has}]`);
    return wrong;
  }

  /** The paths that the server has subscriptions of: no other client hears them. */
  async #subscribed(names: readonly string[]): Promise<string[]> {
    const { paths } = await this.#call<{ paths: { path: string; subscriptions: number }[] }>('paths', {
      names,
    });
    return paths
      .filter(({ subscriptions }) => subscriptions > 0)
      .map(({ path }) => path)
      .sort();
  }

  async #unheard(): Promise<string[]> {
    const fresh: { path: string; number: number }[] = [];
    for (const name of NAMES) {
      const path = `${this.#prefix}/${name}`;
      fresh.push({ path, number: await this.#publish(path) });
    }
    const isUnheard = ({ path, number }: { path: string; number: number }): boolean => {
      const wish = this.#client.wishes.get(path);
      return wish !== undefined && !wish.isRefused && wish.hearing.last !== number;
    };
    const deadline = performance.now() + ARRIVAL_MS;
    while (fresh.some(isUnheard) && performance.now() < deadline) await pass(LOOK_MS / 10);
    return fresh
      .filter(isUnheard)
      .map(({ path, number }) => `${path}: ${number} was published and not heard`);
  }

  async #call<T>(method: string, body: object): Promise<T> {
    const { url, dobby } = this.#stage;
    const headers = { Authorization: `Bearer ${dobby.apiKey.key}`, 'Content-Type': 'application/json' };
    const answer = await fetch(`${url}/api/${method}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    });
    return (await answer.json()) as T;
  }

  readonly #note = (what: string): void => {
    this.trace.push(`${(performance.now() - this.#startedAt).toFixed(0).padStart(6)} ${what}`);
  };

  /** The first violation counts. */
  readonly #fail = (what: string): void => {
    this.violation ??= what;
    this.#note(`VIOLATION ${what}`);
  };
}

function shuffled<T>(items: readonly T[], dice: Dice): T[] {
  return items
    .map((item) => [dice.next(), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item);
}
