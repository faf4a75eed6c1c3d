/** One connection of the fake network: two directions, each in order, with delays and faults of their own. */
import type { Dice } from './dice.js';
import type { Time } from './time.js';

/** What a connection goes through. All times are milliseconds from its beginning. */
export interface Conditions {
  readonly upMs: number;
  readonly downMs: number;
  readonly jitterMs: number;
  /** The first bytes of a direction wait so long: this is how an `open` comes too late. */
  readonly holdUpMs: number;
  readonly holdDownMs: number;
  /** Later a direction delivers nothing for a while, and then all of it. */
  readonly stall: { readonly afterMs: number; readonly ms: number; readonly isUp: boolean } | null;
  /** From then on a direction takes everything and delivers nothing; null for never. */
  readonly swallowUpAfterMs: number | null;
  readonly swallowDownAfterMs: number | null;
  readonly cut: Cut | null;
  /** A proxy passes the stream of an answer on when it has ended. */
  readonly isBuffered: boolean;
  /** It does not come about: refused with notice, without any (`mute`), or a proxy answers this HTTP status. */
  readonly refusal: 'refused' | 'mute' | number | null;
}

/** The end of a connection, and which sides notice it. */
export interface Cut {
  readonly afterMs: number;
  readonly tellsClient: boolean;
  readonly tellsServer: boolean;
}

/** The least time between two deliveries: keeps their order whatever the rounding. */
const TICK_MS = 1 / 1024;

/** One direction: delivers in order. */
export class Direction {
  readonly #time: Time;
  readonly #delayMs: () => number;
  #nextAt: number;
  #isDead = false;
  #buffer: (() => void)[] | null = null;

  constructor(time: Time, holdMs: number, delayMs: () => number) {
    this.#time = time;
    this.#delayMs = delayMs;
    this.#nextAt = holdMs > 0 ? time.now() + holdMs : 0;
  }

  /** Delivers later, by calling `deliver`; never when the direction is dead by then. */
  send(deliver: () => void): void {
    if (this.#buffer !== null) {
      this.#buffer.push(deliver);
      return;
    }
    const now = this.#time.now();
    const at = Math.max(this.#nextAt, now + this.#delayMs());
    this.#nextAt = at + TICK_MS;
    this.#time.after(at - now, () => {
      if (!this.#isDead) deliver();
    });
  }

  /** Delivers nothing that is sent from now on for `ms`. */
  stall(ms: number): void {
    this.#nextAt = Math.max(this.#nextAt, this.#time.now() + ms);
  }

  /** Gathers from now on. */
  buffer(): void {
    this.#buffer ??= [];
  }

  /** Delivers what was gathered, and gathers no more. */
  flush(): void {
    const gathered = this.#buffer ?? [];
    this.#buffer = null;
    for (const deliver of gathered) this.send(deliver);
  }

  /** Delivers nothing any more. */
  kill(): void {
    this.#isDead = true;
  }
}

/** A connection. */
export class Wire {
  readonly up: Direction;
  readonly down: Direction;
  readonly conditions: Conditions;
  /** The client notices that the connection was cut. */
  onClientEnd: () => void = () => {};
  /** The server notices it. */
  onServerEnd: () => void = () => {};
  #isCut = false;

  constructor(time: Time, conditions: Conditions, dice: Dice) {
    this.conditions = conditions;
    const { upMs, downMs, jitterMs, holdUpMs, holdDownMs, stall, cut } = conditions;
    const { swallowUpAfterMs, swallowDownAfterMs } = conditions;
    this.up = new Direction(time, holdUpMs, () => upMs + Math.floor(dice.next() * jitterMs));
    this.down = new Direction(time, holdDownMs, () => downMs + Math.floor(dice.next() * jitterMs));
    if (stall !== null) time.after(stall.afterMs, () => this[stall.isUp ? 'up' : 'down'].stall(stall.ms));
    if (swallowUpAfterMs !== null) time.after(swallowUpAfterMs, () => this.up.kill());
    if (swallowDownAfterMs !== null) time.after(swallowDownAfterMs, () => this.down.kill());
    if (cut !== null) time.after(cut.afterMs, () => this.cut(cut));
  }

  /** Ends it at once; what is on its way is lost. Idempotent. */
  cut({ tellsClient, tellsServer }: Omit<Cut, 'afterMs'>): void {
    if (this.#isCut) return;
    this.#isCut = true;
    this.up.kill();
    this.down.kill();
    if (tellsClient) this.onClientEnd();
    if (tellsServer) this.onServerEnd();
  }
}
