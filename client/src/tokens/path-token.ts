/**
 * The token of one path: named with the path, and renewed by naming the path once more. The position is the path's own, so
 * that an expiry costs no update: what is wanted again is wanted from what was processed last.
 */
import { emit } from '../delivery.js';
import type { Track } from '../track.js';
import { isRefusal, Token, type TokenCore, type TokenReason } from './token.js';

/** A token that was good for so long may be refused: another is asked for. One that was not is the last. */
const STABLE_MS = 10_000;

/** The token of one path of a Pomona. */
export class PathToken extends Token {
  readonly #track: Track;
  #isAsking = false;
  /** From then on a refusal is the first of its kind; so it is on a new connection, for which Pomona waited. */
  trustedAt = 0;

  constructor(track: Track, core: TokenCore, source: (reason: TokenReason) => unknown) {
    super(core, source);
    this.#track = track;
  }

  /** Whether the path can be named with what is held; else that is asked for, unless it waits to be. */
  get isReady(): boolean {
    const isReady = !this.needs || this.needs === 'renew';
    if (!isReady && this.#track.hold !== 'retry') void this.renew();
    return isReady;
  }

  /** Gets another, and lets the path be named with it. */
  async renew(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    await this.ask().catch((cause) => this.#failed(cause));
    this.#isAsking = false;
  }

  protected override received(): void {
    this.#track.isDue = true;
    this.core.changed();
  }

  /** The path is heard. */
  override taken(expiresInMs: unknown): void {
    super.taken(expiresInMs);
    this.trustedAt = Math.min(this.trustedAt, this.now + STABLE_MS);
  }

  /** The server refuses the path; says whether it is asked again with another token. */
  refused(code: string, message: string): boolean {
    const track = this.#track;
    if (!track.isHearing || !this.value) return false;
    // It is about the token that has expired: the path was not named since.
    if (!track.asked && this.needs === 'refused') return true;
    // What is heard is heard on as long as the token before is good.
    const isHeard = track.asked === 'heard';
    if (isHeard && code === 'keys_unavailable') this.#failed(message);
    else if (!isRefusal(code) || !this.#mayAskAgain()) return false;
    else {
      if (!isHeard) this.#lose();
      void this.renew();
    }
    return true;
  }

  /** The token has expired, and the subscription with it; says whether the path is wanted again. */
  expired(): boolean {
    if (!this.#track.isHearing || !this.value) return false;
    this.#lose();
    if (this.#mayAskAgain()) void this.renew();
    else this.#failed('It expired at once.');
    return true;
  }

  /** It is over for the path, or for its visitor: should it be connected again, a token is asked for again. */
  override discard(): void {
    super.discard();
    this.#isAsking = false;
    this.trustedAt = 0;
  }

  #mayAskAgain(): boolean {
    const isFirst = this.now >= this.trustedAt;
    this.trustedAt = Infinity;
    this.needs = 'refused';
    return isFirst;
  }

  /** It is not heard any more; where it was processed to is known. */
  #lose(): void {
    this.#track.asked = false;
    this.#track.state = 'asking';
    this.#track.tellState();
  }

  #failed(why: unknown): void {
    const track = this.#track;
    const { path } = track;
    const code = 'token_failed';
    const message = `No token of "${path}": ${why}`;
    if (track.asked !== 'heard') return this.core.subscriptions.refuse([path], code, message);
    if (!track.isHearing) return;
    this.wait();
    emit(this.core.events, track, 'refused', { path, code, message, retryable: true });
  }
}
