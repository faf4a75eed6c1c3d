/**
 * One sequence: a page, its Pomona, the network, Dobby and the back end on one clock. At the end all faults stop, and then the last wish
 * must be what is heard.
 */
import type { PomonaOptions, TransportName } from '../../src/index.js';
import { Dice } from './dice.js';
import { CONNECT_URL, DISCONNECT_URL, FakeBackEnd } from './fake-back-end.js';
import { fetchOf } from './fake-fetch.js';
import { FakePage } from './fake-page.js';
import { webSocketOf } from './fake-web-socket.js';
import { Press } from './hearing.js';
import { Host } from './host.js';
import { type Figures, Network } from './network.js';
import { PATHS, type Step } from './steps.js';
import { settled, Time } from './time.js';
import { WatchedPomona } from './watched-pomona.js';
import { Weather } from './weather.js';

/** What came of a sequence. */
export interface Outcome {
  /** Null when all is well. */
  readonly violation: string | null;
  readonly trace: readonly string[];
  /** How long after the last fault all was well, in milliseconds. */
  readonly quietAfterMs: number;
  readonly figures: Figures;
}

/** No connection is held for longer. */
const LATEST_MS = 22_000;
const QUIET_STEP_MS = 10_000;
const MOST_QUIET_MS = 240_000;
/** The time that a fresh update has to arrive. */
const ARRIVAL_MS = 5_000;
const TRANSPORTS: readonly [TransportName, ...TransportName[]] = ['websocket', 'event-stream', 'long-poll'];

class Violation extends Error {}

/** Runs the steps of a seed. */
export async function runSequence(seed: number, steps: readonly Step[], isTraced = false): Promise<Outcome> {
  const sequence = new Sequence(seed, isTraced);
  return sequence.run(steps);
}

class Sequence {
  readonly #trace: string[] = [];
  readonly #isTraced: boolean;
  readonly #host: Host;
  readonly #time: Time;
  readonly #page: FakePage;
  readonly #press = new Press();
  readonly #weather: Weather;
  readonly #network: Network;
  readonly #backEnd: FakeBackEnd;
  readonly #client: WatchedPomona;
  #violation: string | null = null;
  #quietAfterMs = 0;

  constructor(seed: number, isTraced: boolean) {
    this.#isTraced = isTraced;
    const dice = new Dice(seed, 'options');
    this.#host = new Host({ pingIntervalMs: dice.pick([25_000, 25_000, 5_000]) });
    this.#time = new Time(this.#host.world.clock);
    this.#page = new FakePage(this.#time);
    this.#page.install();
    this.#weather = new Weather(seed);
    const parts = { seed, time: this.#time, page: this.#page, host: this.#host, note: this.#note };
    const isWanted = (path: string): boolean => this.#client.wishes.has(path);
    this.#backEnd = new FakeBackEnd({ ...parts, fail: this.#fail, isWanted });
    this.#network = new Network({ ...parts, weather: this.#weather });
    this.#client = new WatchedPomona(
      {
        ...{ page: this.#page, press: this.#press, note: this.#note, fail: this.#fail },
        mayBeRefused: (path) => this.#backEnd.refused.has(path),
      },
      this.#options(dice, new Dice(seed, 'client')),
    );
  }

  async run(steps: readonly Step[]): Promise<Outcome> {
    try {
      for (const step of steps) {
        await this.#take(step);
        this.#check();
      }
      await this.#becomeQuiet();
      await this.#close();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
    } finally {
      this.#client.close();
      this.#page.remove();
    }
    return {
      violation: this.#violation,
      trace: this.#trace,
      quietAfterMs: this.#quietAfterMs,
      figures: this.#network.figures,
    };
  }

  #options(dice: Dice, random: Dice): PomonaOptions {
    const fetchDobby = fetchOf(this.#network);
    const first = dice.chance(0.5) ? 0 : dice.int(1, 2);
    return {
      url: 'http://dobby.test/comet',
      connectUrl: CONNECT_URL,
      ...(dice.chance(0.85) ? { disconnectUrl: DISCONNECT_URL } : {}),
      transports: dice.chance(0.7) ? TRANSPORTS.slice(first) : [dice.pick(TRANSPORTS)],
      WebSocket: webSocketOf(this.#network),
      fetch: (url, init) => {
        if (String(url).startsWith('http://app.test')) return this.#backEnd.fetch(String(url), init ?? {});
        return fetchDobby(url, init);
      },
      random: random.next,
      clock: this.#page,
    };
  }

  async #take(step: Step): Promise<void> {
    this.#note(`step ${JSON.stringify(step)}`);
    switch (step.do) {
      case 'connect':
        return this.#client.connect(step.path);
      case 'disconnect':
        return this.#client.disconnect(step.path);
      case 'flicker':
        return this.#flicker(step);
      case 'publish':
        for (let i = 0; i < step.count; i++) this.#publish(step.path);
        return;
      case 'pass':
        return this.#time.pass(step.ms);
      case 'cut':
        return this.#network.cutAll(step);
      case 'swallow':
        return this.#network.swallowAll(step.direction);
      case 'restart':
        return this.#restart(step);
      case 'kick':
        return void (await this.#host.world.sessions.admin.kick(this.#client.pomona.id ?? '', true));
      case 'spoil':
      case 'heal':
        return this.#weather[step.do]();
      case 'online':
      case 'show':
      case 'hide':
        return this.#page[step.do]();
      case 'sleep':
        this.#page.freeze(step.isAnnounced);
        await this.#time.pass(step.ms);
        return this.#page.thaw(step.isAnnounced);
      case 'away':
        return this.#away(step);
      default:
        return step satisfies never;
    }
  }

  async #flicker({ path, awayMs, times }: Extract<Step, { do: 'flicker' }>): Promise<void> {
    for (let i = 0; i < times; i++) {
      this.#client.connect(path);
      await this.#time.pass(awayMs);
      this.#client.disconnect(path);
      await this.#time.pass(awayMs / 2);
      this.#publish(path);
      await this.#time.pass(awayMs / 2);
    }
    this.#client.connect(path);
  }

  async #restart({ isOrderly, downMs }: Extract<Step, { do: 'restart' }>): Promise<void> {
    if (isOrderly) this.#host.handOver();
    else {
      this.#host.crash();
      this.#network.cutAll({ tellsClient: downMs % 3 !== 0, tellsServer: false });
    }
    this.#host.isDown = downMs > 0;
    await this.#time.pass(downMs);
    this.#host.isDown = false;
  }

  async #away({ ms, isFrozen, isCut, path }: Extract<Step, { do: 'away' }>): Promise<void> {
    this.#page.leave();
    this.#backEnd.forget();
    await settled();
    const begun = this.#network.figures.connections;
    if (isFrozen) this.#page.freeze(true);
    if (isCut) this.#network.cutAll({ tellsClient: true, tellsServer: true });
    await this.#time.pass(ms / 2);
    this.#publish(path);
    await this.#time.pass(ms / 2);
    const tries = this.#network.figures.connections - begun;
    if (tries > 0) this.#fail(`${tries} connections were begun between pagehide and pageshow`);
    if (isFrozen) this.#page.thaw(true);
    this.#page.comeBack();
  }

  #publish(path: string): number | null {
    if (this.#host.isDown) return null;
    const number = this.#press.next();
    const { position } = this.#host.world.publish(path, number);
    this.#press.add(path, { number, position });
    this.#note(`published ${number} on ${path}, ${position?.epoch}:${position?.offset}`);
    return number;
  }

  /** All faults stop; in the end everything must be as it is wanted. */
  async #becomeQuiet(): Promise<void> {
    this.#note('all faults stop');
    this.#weather.calm();
    this.#backEnd.calm();
    this.#page.show();
    const from = this.#time.now();
    await this.#time.pass(LATEST_MS);
    for (;;) {
      this.#check();
      const wrong = this.#wrongs();
      this.#quietAfterMs = this.#time.now() - from;
      // A dead connection whose end is not noticed yet looks well until something is published.
      if (wrong.length === 0) wrong.push(...(await this.#unheard()));
      if (wrong.length === 0) return;
      if (this.#quietAfterMs > MOST_QUIET_MS)
        this.#fail(`${this.#quietAfterMs} ms after the last fault ${wrong.join('; ')}`);
      this.#check();
      await this.#time.pass(QUIET_STEP_MS);
    }
  }

  /** What is not as it is wanted. */
  #wrongs(): string[] {
    const { pomona } = this.#client;
    if (pomona.state !== 'open') return [`Pomona is ${pomona.state}`];
    const session = this.#host.world.sessions.all.get(pomona.id ?? '');
    if (session === undefined) return ['the server does not know the session'];
    const wanted = [...this.#client.wishes.values()].filter(({ isRefused }) => !isRefused);
    const wrong = wanted
      .filter(({ subscription }) => subscription.state !== 'subscribed')
      .map(({ hearing, subscription }) => `${hearing.path} is wanted and ${subscription.state}`);
    const wants = wanted.map(({ hearing }) => hearing.path).sort();
    const has = [...session.paths.subscriptions.keys()].sort();
    if (String(wants) !== String(has)) wrong.push(`wanted are [${wants}], the server has [${has}]`);
    return wrong;
  }

  /** Publishes on every path, and says what is then not as it is wanted. */
  async #unheard(): Promise<string[]> {
    const fresh = PATHS.map((path) => [path, this.#publish(path)] as const);
    await this.#time.pass(ARRIVAL_MS);
    const unheard = fresh.filter(([path, number]) => {
      const wish = this.#client.wishes.get(path);
      return wish !== undefined && !wish.isRefused && wish.hearing.last !== number;
    });
    const wrong = unheard.map(([path, number]) => `${path}: ${number} was published and not heard`);
    return [...wrong, ...this.#wrongs()];
  }

  async #close(): Promise<void> {
    const begun = this.#network.figures.connections;
    this.#client.close();
    await settled();
    const { timers, listeners } = this.#page;
    if (timers > 0) this.#fail(`${timers} timers are left after close()`);
    if (listeners > 0) this.#fail(`${listeners} listeners of the page are left after close()`);
    // At most the farewell of a transport that posts.
    if (this.#network.figures.connections - begun > 1) this.#fail('connections were begun after close()');
    this.#check();
  }

  readonly #note = (what: string): void => {
    if (!this.#isTraced) return;
    const short = what.replace(/"ticket":"[^"]{8}[^"]*([^"]{6})"/g, '"ticket":"…$1"');
    this.#trace.push(`${(this.#time?.now() ?? 0).toFixed(1).padStart(9)} ${short}`);
  };

  /** The first violation counts. */
  readonly #fail = (what: string): void => {
    this.#violation ??= what;
    this.#note(`VIOLATION ${what}`);
  };

  /** Ends a sequence that has failed. */
  #check(): void {
    if (this.#violation !== null) throw new Violation(this.#violation);
  }
}
