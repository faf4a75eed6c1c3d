/**
 * When connections may be opened: a bucket of tokens, one second's worth, of which one half is kept for clients whose session lives here.
 * Whoever finds too few is told when to come back, each a later time than the one before, so that a stampede comes back as a stream
 * and the sessions that are open go on being served. The line is bounded, so that nobody can make it long for others: beyond
 * the bound places are given by chance. A server that stops opens nothing any more; its clients get slots of their own.
 */
import type { Clock, IdSource } from '../time/clock.js';

/** Why no connection may be opened just now, and when its client is to come back. */
export interface MustWait {
  readonly code: 'too_many_opens' | 'restarting';
  readonly reconnectAfterMs: number;
}

/** What admission stands on. */
export interface AdmissionParts {
  readonly clock: Clock;
  readonly ids: IdSource;
  /** Connections that may be opened in a second. */
  readonly perSecond: number;
  /** How long the line may be: who waits is to find the session alive. */
  readonly maxWaitMs: number;
}

/** The slots of a server that stops. */
interface Slots {
  readonly leastMs: number;
  readonly slotMs: number;
  readonly count: number;
  given: number;
}

/** Nobody is asked to come back sooner: by then the bucket has filled again. */
const LEAST_MS = 1_000;
/** However few clients there are when the server stops, they come back spread over this time. */
const MIN_SPREAD_MS = 1_000;
/** No slot is later, however many there are: tickets last a minute longer. */
const LAST_SLOT_MS = 4 * 60 * 1000;

/** Admits connections. */
export class Admission {
  readonly #parts: AdmissionParts;
  readonly #maxWaitMs: number;
  #tokens: number;
  #filledAt: number;
  /** When the last one in the line was told to come back. */
  #lineEndsAt = 0;
  /** Null until the server stops. */
  #slots: Slots | null = null;

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
    this.#maxWaitMs = Math.max(parts.maxWaitMs, 2 * LEAST_MS);
    this.#tokens = parts.perSecond;
    this.#filledAt = parts.clock.monotonic();
  }

  /** Null when a connection may be opened now. `isAtHome`: whether it is for a session that lives here. */
  admit(isAtHome: boolean): MustWait | null {
    if (this.#slots !== null) return { code: 'restarting', reconnectAfterMs: this.#anySlot(this.#slots) };
    this.#fill();
    const kept = isAtHome ? 0 : Math.floor(this.#parts.perSecond / 2);
    if (this.#tokens - kept < 1) return { code: 'too_many_opens', reconnectAfterMs: this.#place() };
    this.#tokens--;
    return null;
  }

  /** Opens nothing from now on: there are slots for `clients`, from `leastMs` on and no faster than connections are admitted. */
  freeze(leastMs: number, clients: number): void {
    const least = Math.min(leastMs, LAST_SLOT_MS / 2);
    const wanted = Math.max(1_000 / this.#parts.perSecond, MIN_SPREAD_MS / (clients + 1));
    const slotMs = Math.min(wanted, (LAST_SLOT_MS - least) / (clients + 1));
    this.#slots = { leastMs: least, slotMs, count: clients, given: 0 };
  }

  /** Whether nothing is opened any more. */
  get isFrozen(): boolean {
    return this.#slots !== null;
  }

  /** How long after the freezing the last client will be back, in milliseconds, when all are sent away at once. */
  get slotsMs(): number {
    return this.#slots === null ? 0 : this.#slots.leastMs + this.#slots.count * this.#slots.slotMs;
  }

  /** The slot of the next client that is sent away, in milliseconds from now; 0 as long as nothing is frozen. */
  nextSlot(): number {
    const slots = this.#slots;
    if (slots === null) return 0;
    slots.given++;
    return Math.round(slots.leastMs + (slots.given - this.#parts.ids.fraction()) * slots.slotMs);
  }

  /** Whoever comes late takes nobody's slot, and makes nobody's later. */
  #anySlot({ leastMs, slotMs, count }: Slots): number {
    return Math.round(leastMs + this.#parts.ids.fraction() * slotMs * Math.max(1, count));
  }

  #fill(): void {
    const { clock, perSecond } = this.#parts;
    const now = clock.monotonic();
    this.#tokens = Math.min(this.#tokens + ((now - this.#filledAt) / 1_000) * perSecond, perSecond);
    this.#filledAt = now;
  }

  /** The next place in the line, in milliseconds from now. */
  #place(): number {
    const { clock, ids, perSecond } = this.#parts;
    const now = clock.monotonic();
    const endsAt = Math.max(this.#lineEndsAt, now + LEAST_MS) + 1_000 / perSecond;
    if (endsAt > now + this.#maxWaitMs) {
      return Math.ceil(LEAST_MS + ids.fraction() * (this.#maxWaitMs - LEAST_MS));
    }
    this.#lineEndsAt = endsAt;
    return Math.ceil(endsAt - now);
  }
}
