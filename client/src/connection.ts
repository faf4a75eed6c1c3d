/**
 * The policy of staying connected: which transport, when to come back, with or without the ticket, or
 * not at all. At most one attempt is live; another may be opening (to replace it when a better
 * transport is probed). The ticket is kept here, in memory only, and given to nobody but transports.
 */
import type { OpenedFrame } from '../../protocol/frames.js';
import { Attempt } from './attempt.js';
import { Backoff } from './backoff.js';
import { afterClose, FINAL } from './close-codes.js';
import { PomonaError, type PomonaErrorCode } from './errors.js';
import type { Decoded } from './frames.js';
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
export interface ConnectionOwner {
  /** Done before each opening, which waits for it. Rejects with a TransportEnd: then the opening has failed. */
  prepare(): Promise<void>;
  /** The `open` frame as JSON, with this ticket if there is one. */
  firstFrame(ticket: string | undefined): string;
  opened(frame: OpenedFrame): void;
  frame(decoded: Decoded | null): void;
  accepted(n: number): void;
  state(state: PomonaState): void;
  /** A connection ended or could not be had; Pomona comes back by itself unless the state is `closed`. */
  error(error: PomonaError): void;
}

/** Keeps one session connected. */
export class Connection {
  readonly #settings: Settings;
  readonly #owner: ConnectionOwner;
  readonly #ladder: Ladder<TransportKind>;
  readonly #backoff: Backoff;
  #ticket: string | undefined;
  #number = 0;
  #live: Attempt | null = null;
  #trying: Attempt | null = null;
  #retryTimer: unknown;
  #probeTimer: unknown;
  /** Until then not even a wake-up makes Pomona come back: the server gave it this slot. */
  #notBefore = 0;
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

  /** Begins, or tries again now. */
  start(): void {
    this.#clearTimers();
    this.#attempt(this.#ladder.current);
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
    this.#live?.checkSilence();
    if (this.#state === 'waiting' && this.#settings.clock.now() >= this.#notBefore) this.start();
  }

  /** Ends for good. Idempotent. */
  close(farewell: boolean): void {
    if (this.#state === 'closed') return;
    this.#clearTimers();
    this.#trying?.close();
    this.#live?.close(farewell);
    this.#live = this.#trying = null;
    this.#ticket = undefined;
    this.#setState('closed');
  }

  #setState(state: PomonaState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#owner.state(state);
  }

  #clearTimers(): void {
    this.#settings.clock.clearTimeout(this.#retryTimer);
    this.#settings.clock.clearTimeout(this.#probeTimer);
  }

  #attempt(kind: TransportKind): void {
    const attempt = new Attempt(kind, this.#settings, {
      ...this.#owner,
      firstFrame: () => this.#owner.firstFrame(this.#ticket),
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
    clock.clearTimeout(this.#probeTimer);
    const probe = this.#ladder.nextProbe();
    if (probe !== null) this.#probeTimer = clock.setTimeout(() => this.#attempt(probe.rung), probe.afterMs);
  }

  #ended(attempt: Attempt, end: TransportEnd): void {
    const wasLive = attempt === this.#live;
    if (wasLive) this.#live = null;
    else this.#trying = null;
    // A probe failed, or a probe takes over from what it replaces (which may hear `taken_over` first).
    if (this.#live !== null) return this.#scheduleProbe();
    if (this.#trying !== null) return this.#setState('connecting');
    const next = !wasLive && end.isRefused ? 'stop' : afterClose(end.code);
    if (next === 'renew') this.#ticket = undefined;
    if (next === 'stop') this.close(false);
    else this.#retry(attempt, end);
    this.#owner.error(errorOf(attempt, end));
  }

  #retry(attempt: Attempt, end: TransportEnd): void {
    const { clock } = this.#settings;
    this.#clearTimers();
    if (attempt.openedAt === null) {
      const hasAnswered = end.error !== undefined || Number(end.code) >= 4000;
      if (!hasAnswered && this.#ladder.failed()) return this.start();
    } else if (clock.now() - attempt.openedAt >= STABLE_MS) this.#backoff.reset();
    const leastMs = Math.min(Number(end.reconnectAfterMs) || 0, MAX_WAIT_MS);
    this.#notBefore = clock.now() + leastMs;
    this.#retryTimer = clock.setTimeout(() => this.start(), Math.max(leastMs, this.#backoff.next()));
    this.#setState('waiting');
  }
}

function errorOf({ kind }: Attempt, end: TransportEnd): PomonaError {
  const { error, code = 0, message, cause = end } = end;
  const told = (error as PomonaErrorCode | undefined) ?? FINAL[code - 4200];
  return new PomonaError(told ?? 'transport_failed', `${kind.name}: ${message}`, { cause });
}
