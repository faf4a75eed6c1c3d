/**
 * Finds connections that are dead: no pong for two intervals, or a socket that takes no byte. Lets sessions wait for
 * their next connection, and ends them when none comes.
 */
import type { Clock } from './clock.js';
import { type Connection, closingFrame } from './connection.js';
import { Frame } from './frame.js';
import type { Session } from './session.js';
import type { TimerWheel, WheelTimer } from './timer-wheel.js';

/** How often each connection is looked at. */
const LOOK_MS = 5_000;

/** What the watch stands on. */
export interface LivenessParts {
  readonly wheel: TimerWheel;
  readonly clock: Clock;
  readonly settings: {
    readonly pingIntervalMs: number;
    readonly stallMs: number;
    readonly sessionTtlMs: number;
  };
}

/** Watches connections and sessions without one. */
export class Liveness {
  readonly #parts: LivenessParts;
  readonly #onLook: (session: Session) => void;
  readonly #timers = new Map<Session, WheelTimer>();

  /** `onLook` is called with each session at each look, about every 5 s. */
  constructor(parts: LivenessParts, onLook: (session: Session) => void) {
    this.#parts = parts;
    this.#onLook = onLook;
  }

  /** Watches the session's new connection. */
  watch(session: Session, connection: Connection): void {
    const lookMs = Math.min(LOOK_MS, this.#parts.settings.pingIntervalMs);
    this.#next(session, connection, {
      lookMs,
      pingDueAt: this.#parts.clock.monotonic() + this.#parts.settings.pingIntervalMs,
    });
  }

  /** Calls `expire` when the session has no connection within its time to live. */
  expireUnlessResumed(session: Session, expire: () => void): void {
    this.#set(session, this.#parts.settings.sessionTtlMs, () => {
      this.#timers.delete(session);
      expire();
    });
  }

  /** Watches it no more. */
  forget(session: Session): void {
    this.#timers.get(session)?.cancel();
    this.#timers.delete(session);
  }

  #set(session: Session, ms: number, task: () => void): void {
    this.#timers.get(session)?.cancel();
    this.#timers.set(session, this.#parts.wheel.after(ms, task));
  }

  #next(session: Session, connection: Connection, state: { lookMs: number; pingDueAt: number }): void {
    this.#set(session, state.lookMs, () => this.#look(session, connection, state));
  }

  #look(session: Session, connection: Connection, state: { lookMs: number; pingDueAt: number }): void {
    if (session.connection !== connection || connection.isClosed) return;
    const now = this.#parts.clock.monotonic();
    if (this.#isStalled(connection, now)) return connection.close(closingFrame('stalled'));
    const isPingDue = now >= state.pingDueAt;
    if (isPingDue && connection.isPingUnanswered) return connection.close(closingFrame('ping_timeout'));
    this.#onLook(session);
    if (isPingDue) this.#ping(session, connection);
    const pingDueAt = isPingDue ? now + this.#parts.settings.pingIntervalMs : state.pingDueAt;
    this.#next(session, connection, { ...state, pingDueAt });
  }

  #ping(session: Session, connection: Connection): void {
    if (!connection.carrier.isPinged) return connection.carrier.keepAlive();
    // Where there is no room there is traffic enough; whether the socket takes it, the stall watch sees.
    const verdict = session.enqueue(Frame.of({ type: 'ping', received: session.received }));
    connection.isPingUnanswered = verdict === 'ok';
  }

  /** A socket that has bytes to take and took none for too long. A poll that is not there is no stall. */
  #isStalled(connection: Connection, now: number): boolean {
    const { outbox, carrier } = connection;
    if (!outbox.isStalled) return false;
    const taken = carrier.bytesTaken();
    if (connection.takenAt === 0 || taken !== connection.taken) {
      connection.taken = taken;
      connection.takenAt = now;
    }
    return now - connection.takenAt >= this.#parts.settings.stallMs;
  }
}
