/**
 * The policy of staying connected: which transport, when to come back, with or without the ticket, or
 * not at all. At most one attempt is live; another may be opening (a better transport that has proved
 * itself). The ticket is kept here, in memory only, and given to transports only.
 */
import type { OpenedFrame } from '../../protocol/frames.js';
import { Attempt, type AttemptOwner } from './attempt.js';
import { Backoff } from './backoff.js';
import { afterClose, FINAL, isOfDobby, PING_TIMEOUT, TAKEN_OVER } from './close-codes.js';
import { PomonaError, type PomonaErrorCode } from './errors.js';
import { Ladder } from './ladder.js';
import type { Settings } from './options.js';
import type { TransportEnd, TransportKind } from './transports/transport.js';

/** A connection that lasted so long was a success: the next wait is short again. */
const STABLE_MS = 10_000;
/** No server asks for more. */
const MAX_WAIT_MS = 10 * 60_000;

/** `waiting` is between two tries; `closed` is final. */
export type PomonaState = 'connecting' | 'open' | 'waiting' | 'closed';

/** What a connection asks of and tells the session. */
export interface ConnectionOwner extends Pick<AttemptOwner, 'prepare' | 'opened' | 'frame' | 'accepted'> {
  /** The `open` frame as JSON; `attempt` counts those of this Pomona, from 1. */
  firstFrame(ticket: string | undefined, attempt: number): string;
  state(state: PomonaState): void;
  /** A connection ended or could not be had; Pomona comes back by itself unless the state is `closed`. */
  ended(error: PomonaError, end: TransportEnd): void;
}

/** Keeps one session connected. */
export class Connection {
  readonly #settings: Settings;
  readonly #owner: ConnectionOwner;
  readonly #ladder: Ladder<TransportKind>;
  readonly #backoff: Backoff;
  #ticket: string | undefined;
  #number = 0;
  /** `open` frames that were sent. */
  #attempts = 0;
  /** Whether one of them was given up since the last `opened`: it may still arrive, and take the session over. */
  #hasAbandoned = false;
  #live: Attempt | null = null;
  #trying: Attempt | null = null;
  /** Of the next try, or, while a connection is open, of the next probe. */
  #timer: unknown;
  /** Until then not even a wake-up makes Pomona come back: the server gave it this slot. */
  #notBefore = 0;
  /** A wake-up may cut one wait short; the next one only after a wait that was waited for. */
  #hasFreeTry = true;
  /** Whether the page has gone, perhaps to be restored. */
  #isSuspended = false;
  #state: PomonaState = 'connecting';

  constructor(settings: Settings, owner: ConnectionOwner) {
    this.#settings = settings;
    this.#owner = owner;
    this.#ladder = new Ladder(settings.transports);
    this.#backoff = new Backoff(settings.reconnect);
  }

  get state(): PomonaState {
    return this.#state;
  }

  /** The name of the transport in use. */
  get transport(): string | null {
    return this.#live?.kind.name ?? null;
  }

  set ticket(ticket: string) {
    this.#ticket = ticket;
  }

  /** Begins, or tries again now. Without an address nothing is ever opened. */
  start(): void {
    if (this.#settings.httpUrl === '') return;
    this.#settings.clock.clearTimeout(this.#timer);
    this.#attempt(this.#ladder.current, false);
    this.#setState('connecting');
  }

  /** Sends encoded frames; without a live connection they are not sent. */
  send(frames: readonly string[]): void {
    this.#live?.send(frames);
  }

  /** Gives the connection up and comes back with the ticket. */
  drop(message: string): void {
    this.#live?.close();
    if (this.#live !== null) this.#ended(this.#live, { message });
  }

  /** The network or the page is back: looks at once whether all is well. */
  wake(): void {
    if (this.#isSuspended) return;
    this.#live?.verify();
    if (this.#state !== 'waiting' || !this.#hasFreeTry) return;
    if (this.#settings.clock.now() < this.#notBefore) return;
    this.#hasFreeTry = false;
    this.start();
  }

  /** The page goes: lets go of everything in silence, and tries nothing until `resume`. */
  suspend(): void {
    if (this.#state === 'closed') return;
    this.#isSuspended = true;
    this.#letGo(false);
    this.#setState('waiting');
  }

  /** The page is back. */
  resume(): void {
    if (!this.#isSuspended) return;
    this.#isSuspended = false;
    if (this.#state !== 'closed') this.#startIn(this.#notBefore - this.#settings.clock.now());
  }

  /** Ends the session and opens another, also after Dobby has closed this Pomona. */
  reopen(): void {
    this.#letGo(true);
    this.#ticket = undefined;
    this.#notBefore = 0;
    this.#hasFreeTry = true;
    this.#backoff.reset();
    if (this.#isSuspended) this.#setState('waiting');
    else this.start();
  }

  /** Ends for good. Idempotent. */
  close(farewell: boolean): void {
    if (this.#state === 'closed') return;
    this.#letGo(farewell);
    this.#ticket = undefined;
    this.#setState('closed');
  }

  #setState(state: PomonaState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#owner.state(state);
  }

  #letGo(farewell: boolean): void {
    this.#settings.clock.clearTimeout(this.#timer);
    this.#hasAbandoned ||= this.#trying?.hasAsked === true;
    this.#trying?.close();
    this.#live?.close(farewell);
    this.#live = this.#trying = null;
  }

  #attempt(kind: TransportKind, isProbe: boolean): void {
    const attempt = new Attempt(kind, this.#settings, {
      ...this.#owner,
      isProbe,
      firstFrame: () => this.#owner.firstFrame(this.#ticket, ++this.#attempts),
      session: () => ({ ticket: this.#ticket ?? '', connection: this.#number }),
      opened: (frame) => this.#opened(attempt, frame),
      ended: (end) => this.#ended(attempt, end),
    });
    this.#trying = attempt;
    void attempt.start();
  }

  #opened(attempt: Attempt, frame: OpenedFrame): void {
    this.#live?.close();
    this.#live = attempt;
    this.#trying = null;
    this.#hasAbandoned = false;
    this.#hasFreeTry = true;
    this.#ticket = frame.ticket;
    this.#number = frame.connection;
    this.#ladder.opened(attempt.kind);
    this.#notBefore = 0;
    this.#scheduleProbe();
    this.#owner.opened(frame);
    if (this.#live === attempt) this.#setState('open');
  }

  #scheduleProbe(): void {
    const { clock } = this.#settings;
    clock.clearTimeout(this.#timer);
    const probe = this.#ladder.nextProbe;
    if (probe === null) return;
    this.#timer = clock.setTimeout(() => {
      this.#ladder.probing();
      this.#attempt(probe.rung, true);
    }, probe.afterMs);
  }

  #ended(attempt: Attempt, end: TransportEnd): void {
    const wasLive = attempt === this.#live;
    if (wasLive) this.#live = null;
    else {
      this.#trying = null;
      this.#hasAbandoned ||= attempt.hasAsked;
    }
    if (this.#live !== null) return this.#scheduleProbe(); // a probe failed
    // A probe that has asked for the session takes over from what it replaces, which may hear `taken_over` first.
    const isTaken = end.code === TAKEN_OVER;
    if (this.#trying?.hasAsked && (isTaken || !isOfDobby(end.code))) return this.#setState('connecting');
    this.#letGo(false);
    // A browser repeats a POST whose connection has broken, and both may arrive.
    const isByOwnAttempt = isTaken && (this.#hasAbandoned || end.attempt === this.#attempts);
    const next = isByOwnAttempt ? 'resume' : afterClose(end.code);
    if (next === 'renew') this.#ticket = undefined;
    if (next === 'stop') this.close(false);
    else this.#retry(attempt, end);
    this.#owner.ended(errorOf(attempt, end), end);
  }

  #retry(attempt: Attempt, end: TransportEnd): void {
    const { clock } = this.#settings;
    if (attempt.openedAt === null) {
      const isOfTransport = attempt.isPrepared && !isOfDobby(end.code);
      if (isOfTransport && this.#ladder.failed()) return this.start();
    } else {
      const lastedMs = clock.now() - attempt.openedAt;
      const isSilent = end.isSilent === true || end.code === PING_TIMEOUT;
      this.#ladder.ended(attempt.kind, lastedMs, isSilent);
      if (lastedMs >= STABLE_MS) this.#backoff.reset();
    }
    const leastMs = Math.min(Number(end.reconnectAfterMs) || 0, MAX_WAIT_MS);
    this.#notBefore = clock.now() + leastMs;
    this.#startIn(Math.max(leastMs, this.#backoff.next()));
  }

  #startIn(ms: number): void {
    if (ms <= 0) return this.start();
    this.#timer = this.#settings.clock.setTimeout(() => {
      this.#hasFreeTry = true;
      this.start();
    }, ms);
    this.#setState('waiting');
  }
}

function errorOf({ kind }: Attempt, end: TransportEnd): PomonaError {
  const { error, code = 0, message, cause = end } = end;
  const known = (error as PomonaErrorCode | undefined) ?? FINAL[code - 4200];
  return new PomonaError(known ?? 'transport_failed', `${kind.name}: ${message}`, { cause });
}
