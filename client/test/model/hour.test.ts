/**
 * An hour behind a proxy that spoils one or two transports for good, on the fake network: after the first fallback nothing is interrupted, however
 * often the better transports are probed, and no update is later than a second.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { Pomona } from '../../src/index.js';
import { Dice } from './dice.js';
import { fetchOf } from './fake-fetch.js';
import { FakePage } from './fake-page.js';
import { webSocketOf } from './fake-web-socket.js';
import { Host } from './host.js';
import { Network } from './network.js';
import { Time } from './time.js';
import { CALM, type Spoilt } from './weather.js';

const HOUR_MS = 3_600_000;
const EVERY_MS = 500;
/** The handshake of a WebSocket passes, its first frame does not arrive, or is not answered. */
const AFTER_HANDSHAKE_MS = 50;
const PATH = 'public-a';

interface Proxy {
  readonly websocket: Spoilt;
  readonly 'event-stream'?: Spoilt;
}

/** A page behind a proxy: what it heard, and what became of its connection. */
class Hour {
  readonly #host = new Host({ pingIntervalMs: 25_000 });
  readonly #time = new Time(this.#host.world.clock);
  readonly #page = new FakePage(this.#time);
  readonly #pomona: Pomona;
  readonly states: string[] = [];
  readonly delaysMs: number[] = [];
  readonly #publishedAt = new Map<number, number>();
  /** WebSockets that were tried. */
  webSockets = 0;

  constructor(proxy: Proxy) {
    this.#page.install();
    const next = (purpose: string) => {
      if (purpose === 'websocket') this.webSockets++;
      const conditions = { ...CALM, ...proxy[purpose as keyof Proxy] };
      return { conditions, dice: new Dice(1, 'connection', this.webSockets) };
    };
    const parts = { time: this.#time, page: this.#page, host: this.#host, note: () => undefined };
    const network = new Network({ ...parts, weather: { next } });
    this.#pomona = new Pomona({
      url: 'http://dobby.test/comet',
      WebSocket: webSocketOf(network),
      fetch: fetchOf(network),
      random: new Dice(1, 'client').next,
      clock: this.#page,
    });
    this.#pomona.on('state', (state) => this.states.push(state));
    this.#pomona.connect<number>(PATH, (number) => {
      this.delaysMs.push(this.#time.now() - (this.#publishedAt.get(number) ?? 0));
    });
  }

  get transport(): string | null {
    return this.#pomona.transport;
  }

  /** Lets time pass, with an update every half a second; returns how many. */
  async pass(ms: number): Promise<number> {
    const from = this.#publishedAt.size;
    for (let passed = 0; passed < ms; passed += EVERY_MS) {
      const number = this.#publishedAt.size + 1;
      this.#publishedAt.set(number, this.#time.now());
      this.#host.world.publish(PATH, number);
      await this.#time.pass(EVERY_MS);
    }
    return this.#publishedAt.size - from;
  }

  end(): void {
    this.#pomona.close();
    this.#page.remove();
  }
}

let hour: Hour | null = null;
afterEach(() => hour?.end());

describe('an hour behind a proxy', () => {
  it.each<[string, Proxy, string]>([
    [
      'swallows what WebSockets carry upstream',
      { websocket: { swallowUpAfterMs: AFTER_HANDSHAKE_MS } },
      'event-stream',
    ],
    [
      'swallows what WebSockets carry downstream',
      { websocket: { swallowDownAfterMs: AFTER_HANDSHAKE_MS } },
      'event-stream',
    ],
    [
      'swallows WebSockets upstream and buffers event streams',
      { websocket: { swallowUpAfterMs: AFTER_HANDSHAKE_MS }, 'event-stream': { isBuffered: true } },
      'long-poll',
    ],
    [
      'swallows WebSockets downstream and buffers event streams',
      { websocket: { swallowDownAfterMs: AFTER_HANDSHAKE_MS }, 'event-stream': { isBuffered: true } },
      'long-poll',
    ],
    [
      'refuses WebSockets and buffers event streams',
      { websocket: { refusal: 502 }, 'event-stream': { isBuffered: true } },
      'long-poll',
    ],
  ])(
    'that %s has no interruption after the first fallback, and no update later than a second',
    async (_what, proxy, transport) => {
      hour = new Hour(proxy);
      await hour.pass(60_000);
      expect([hour.transport, hour.states]).toEqual([transport, ['open']]);
      hour.delaysMs.length = 0;
      const published = await hour.pass(HOUR_MS);
      expect([hour.transport, hour.states, hour.delaysMs.length]).toEqual([transport, ['open'], published]);
      expect(Math.max(...hour.delaysMs)).toBeLessThan(1_000);
      expect(hour.webSockets).toBeGreaterThan(3);
    },
  );

  it('that lets WebSockets pass for a minute each and then swallows them ends on the event stream, which goes on', async () => {
    hour = new Hour({ websocket: { swallowDownAfterMs: 60_000 } });
    await hour.pass(HOUR_MS);
    expect(hour.transport).toBe('event-stream');
    // Three silences, and one after each probe that passes: 1, 2, 4, 8, 16 minutes apart.
    expect(hour.states.filter((state) => state === 'waiting').length).toBeLessThan(10);
  });
});
