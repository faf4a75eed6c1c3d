/**
 * Admits connections by a token bucket of one second's size. Half of it is reserved for clients whose session lives on
 * this server. A refused client gets a time to come back, each a later one, so that a stampede is spread and open
 * sessions are served. The queue of these times is bounded; beyond it times are random, so that an attacker cannot
 * delay other clients. A server that stops admits no connection, and gives its clients slots to come back in.
 */
import type { CoreContext, SessionSettings } from '../session/core-context.js';
import { TokenBucket } from '../time/token-bucket.js';

/** Why a connection is refused, and when its client should come back. */
export interface MustWait {
  readonly code: 'too_many_opens' | 'restarting';
  readonly reconnectAfterMs: number;
}

/** What `Admission` needs of the context of core. */
export type AdmissionContext = Pick<CoreContext, 'clock' | 'ids'> & {
  readonly settings: Pick<SessionSettings, 'maxOpensPerSecond' | 'sessionTtlMs'>;
};

/** The slots for the clients of a server that stops. */
interface Slots {
  readonly leastMs: number;
  readonly slotMs: number;
  readonly count: number;
  given: number;
}

/** The earliest time to come back: by then the bucket is full again. */
const LEAST_MS = 1_000;
/** The slots of a server that stops cover at least this time. */
const MIN_SPREAD_MS = 1_000;
/** A session outlives the latest time to come back by this long. */
const MARGIN_MS = 5_000;
/** The latest slot: tickets last a minute longer. */
const LAST_SLOT_MS = 4 * 60 * 1000;

export class Admission {
  readonly #context: AdmissionContext;
  readonly #perSecond: number;
  readonly #maxWaitMs: number;
  readonly #bucket: TokenBucket;
  /** The last time in the queue. */
  #queueEndsAt = 0;
  /** Null until the server stops. */
  #slots: Slots | null = null;

  constructor(context: AdmissionContext) {
    const { maxOpensPerSecond, sessionTtlMs } = context.settings;
    this.#context = context;
    this.#perSecond = maxOpensPerSecond;
    this.#maxWaitMs = Math.max(sessionTtlMs - MARGIN_MS, 2 * LEAST_MS);
    this.#bucket = new TokenBucket(maxOpensPerSecond, context.clock);
  }

  /** Returns null when a connection may be opened now. `isAtHome`: for a session that lives on this server. */
  admit(isAtHome: boolean): MustWait | null {
    if (this.#slots !== null) return { code: 'restarting', reconnectAfterMs: this.#randomSlot(this.#slots) };
    const reserved = isAtHome ? 0 : Math.floor(this.#perSecond / 2);
    if (this.#bucket.take(reserved)) return null;
    return { code: 'too_many_opens', reconnectAfterMs: this.#enqueue() };
  }

  /** Stops admitting; provides slots for `clients`, from `leastMs` on and at most at the rate of admission. */
  freeze(leastMs: number, clients: number): void {
    const least = Math.min(leastMs, LAST_SLOT_MS / 2);
    const wanted = Math.max(1_000 / this.#perSecond, MIN_SPREAD_MS / (clients + 1));
    const slotMs = Math.min(wanted, (LAST_SLOT_MS - least) / (clients + 1));
    this.#slots = { leastMs: least, slotMs, count: clients, given: 0 };
  }

  /** Returns whether admission has stopped. */
  get isFrozen(): boolean {
    return this.#slots !== null;
  }

  /** Returns the milliseconds from `freeze` to the last slot. */
  get slotsMs(): number {
    return this.#slots === null ? 0 : this.#slots.leastMs + this.#slots.count * this.#slots.slotMs;
  }

  /** Returns the slot of the next client that is disconnected, in milliseconds from now; 0 before `freeze`. */
  nextSlot(): number {
    const slots = this.#slots;
    if (slots === null) return 0;
    slots.given++;
    return Math.round(slots.leastMs + (slots.given - this.#context.ids.fraction()) * slots.slotMs);
  }

  /** Returns a random slot for a client that connects after `freeze`, without using up a slot. */
  #randomSlot({ leastMs, slotMs, count }: Slots): number {
    return Math.round(leastMs + this.#context.ids.fraction() * slotMs * Math.max(1, count));
  }

  /** Returns the next time in the queue, in milliseconds from now. */
  #enqueue(): number {
    const { clock, ids } = this.#context;
    const now = clock.monotonic();
    const endsAt = Math.max(this.#queueEndsAt, now + LEAST_MS) + 1_000 / this.#perSecond;
    if (endsAt > now + this.#maxWaitMs) {
      return Math.ceil(LEAST_MS + ids.fraction() * (this.#maxWaitMs - LEAST_MS));
    }
    this.#queueEndsAt = endsAt;
    return Math.ceil(endsAt - now);
  }
}
