/**
 * What tokens of sessions and of paths have in common: what is held, why another is needed, and when it is to be renewed. A
 * token is kept in memory only. Its source is asked one question at a time.
 */
import type { LIMITS } from '../../../protocol/limits.js';
import { Backoff } from '../backoff.js';
import { isCount, isString } from '../checks.js';
import type { Core } from '../features.js';

/** Why a token is asked for: none is held; most of its time is over; the last one was refused, has expired, or the session was ended. */
export type TokenReason = 'open' | 'renew' | 'refused';

/** What tokens work with. */
export interface TokenCore extends Core {
  /** The time of a renewal was set. */
  arm(): void;
}

const MAX_CHARACTERS = 16_384 satisfies (typeof LIMITS)['tokenCharacters'];
/** The part of its time after which a token is renewed, and the least time, lest short lives make a loop. */
const RENEWED_AFTER = 0.8;
const LEAST_MS = 1_000;
/** How long a source may take. */
const SOURCE_MS = 30_000;

/** Whether the server says with `code` that it needs another token. */
export const isRefusal = (code: string): boolean => /^(bad|expired|revoked)_token$/.test(code);

/** A token and its renewal. */
export abstract class Token {
  /** Null: none is needed. Undefined: there was none yet. */
  value: string | null | undefined;
  /** Why another is needed before the next opening or naming; null: what is held will do. */
  needs: TokenReason | null = 'open';
  /** When to renew it, by the clock. */
  dueAt = Infinity;
  protected readonly core: TokenCore;
  readonly #source: (reason: TokenReason) => unknown;
  readonly #backoff: Backoff;
  #asking: Promise<void> | null = null;
  /** Raised when another visitor may be here: an answer for the one before does not count. */
  #visitor = 0;

  constructor(core: TokenCore, source: (reason: TokenReason) => unknown) {
    this.core = core;
    this.#source = source;
    this.#backoff = new Backoff(core.settings.reconnect);
  }

  /** It is due. */
  abstract renew(): Promise<void>;

  /** The server took it, and says how long it is good; without that it is not renewed. Whoever calls this arms. */
  taken(expiresInMs: unknown): void {
    this.#backoff.reset();
    this.dueAt = isCount(expiresInMs) ? this.now + Math.max(LEAST_MS, expiresInMs * RENEWED_AFTER) : Infinity;
  }

  protected get now(): number {
    return this.core.settings.clock.now();
  }

  /** Asks for another, or joins who does already. Rejects with what the source threw, or because it gave no token. */
  protected ask(): Promise<void> {
    if (this.#asking === null) {
      const asking = this.#ask().finally(() => {
        if (this.#asking === asking) this.#asking = null;
      });
      this.#asking = asking;
    }
    return this.#asking;
  }

  /** Another visitor may be here: what is held, and what is being asked, counts no more. */
  discard(): void {
    this.#visitor++;
    this.#asking = null;
    this.needs = 'open';
    this.dueAt = Infinity;
  }

  /** There is another, from now on. */
  protected received?(): void;

  /** It could not be renewed: that is tried again after a while. */
  protected wait(): void {
    this.dueAt = this.now + this.#backoff.next();
    this.core.arm();
  }

  async #ask(): Promise<void> {
    this.dueAt = Infinity;
    this.needs ??= 'renew';
    const visitor = this.#visitor;
    const reason = this.needs;
    let value: unknown;
    try {
      value = (await this.core.within(SOURCE_MS, async () => this.#source(reason))) ?? null;
    } catch (cause) {
      if (visitor === this.#visitor) throw cause;
    }
    if (visitor !== this.#visitor) return this.ask();
    if (value !== null && !(isString(value) && value && value.length <= MAX_CHARACTERS))
      throw new TypeError('That is no token.');
    this.value = value as string | null;
    this.needs = null;
    this.received?.();
  }
}
