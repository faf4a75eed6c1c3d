/**
 * Closes dead connections: without a pong for two intervals, or with a socket that takes no byte. Ends sessions whose
 * client does not connect again in time.
 *
 * Checks every connection once a second: one of four buckets every 250 ms. Tens of thousands of connections cost one
 * timer, and an idle one only its place.
 */
import { closingFrame } from '../session/connection.js';
import type { CoreContext } from '../session/core-context.js';
import type { Session, SessionConnection } from '../session/session.js';
import type { WheelTimer } from '../time/timer-wheel.js';
import { Frame } from '../wire/frame.js';

const BUCKETS = 4;
const TICK_MS = 250;

/** Watches connections, and sessions without a connection. */
export class Liveness {
  readonly #context: CoreContext;
  readonly #onLook: (session: Session) => void;
  readonly #buckets: SessionConnection[][] = Array.from({ length: BUCKETS }, () => []);
  /** The bucket that was checked last. */
  #at = 0;
  #watched = 0;
  #isLookDue = false;
  #nextLookAt = 0;
  /** Timers of the sessions that wait for a connection. */
  readonly #expiries = new Map<Session, WheelTimer>();

  /** Calls `onLook` with the session of each connection at each check, about every second. */
  constructor(context: CoreContext, onLook: (session: Session) => void) {
    this.#context = context;
    this.#onLook = onLook;
  }

  /** Watches a session's new connection until it is `unwatch`ed. */
  watch(session: Session, connection: SessionConnection): void {
    this.forget(session);
    const now = this.#context.clock.monotonic();
    connection.pingDueAt = Math.floor(now + this.#context.settings.pingIntervalMs);
    connection.bucket = this.#at;
    connection.index = (this.#buckets[this.#at] as SessionConnection[]).push(connection) - 1;
    this.#watched++;
    if (this.#isLookDue) return;
    this.#nextLookAt = now + TICK_MS;
    this.#lookLater(now);
  }

  /** Stops watching a connection. Idempotent. */
  unwatch(connection: SessionConnection): void {
    if (connection.index < 0) return;
    const bucket = this.#buckets[connection.bucket] as SessionConnection[];
    const last = bucket.pop() as SessionConnection;
    if (last !== connection) {
      bucket[connection.index] = last;
      last.index = connection.index;
    }
    connection.index = -1;
    this.#watched--;
  }

  /** Calls `expire` if the session gets no connection within its time to live and `moreMs`. */
  expireUnlessResumed(session: Session, expire: () => void, moreMs = 0): void {
    this.forget(session);
    const timer = this.#context.wheel.after(this.#context.settings.sessionTtlMs + moreMs, () => {
      this.#expiries.delete(session);
      expire();
    });
    this.#expiries.set(session, timer);
  }

  /** Cancels the expiry of a session. */
  forget(session: Session): void {
    this.#expiries.get(session)?.cancel();
    this.#expiries.delete(session);
  }

  #lookLater(now: number): void {
    this.#isLookDue = true;
    this.#context.wheel.after(Math.max(0, this.#nextLookAt - now), () => this.#lookAtSome());
  }

  /** Checks every bucket that is due; a busy loop comes late. */
  #lookAtSome(): void {
    this.#isLookDue = false;
    const now = this.#context.clock.monotonic();
    for (let due = BUCKETS; due > 0 && this.#nextLookAt <= now; due--) {
      this.#nextLookAt += TICK_MS;
      this.#at = (this.#at + 1) % BUCKETS;
      const bucket = this.#buckets[this.#at] as SessionConnection[];
      // From the end: a removed connection leaves its place to one that was checked.
      for (let i = bucket.length - 1; i >= 0; i--) {
        const connection = bucket[i];
        if (connection !== undefined) this.#look(connection, now);
      }
    }
    if (this.#nextLookAt <= now) this.#nextLookAt = now + TICK_MS;
    if (this.#watched > 0) this.#lookLater(now);
  }

  #look(connection: SessionConnection, now: number): void {
    const { owner: session } = connection;
    if (session.connection !== connection || connection.isClosed) return this.unwatch(connection);
    if (this.#isStalled(connection, now)) return connection.close(closingFrame('stalled'));
    const isPingDue = now >= connection.pingDueAt;
    if (isPingDue && connection.isPingUnanswered) return connection.close(closingFrame('ping_timeout'));
    this.#onLook(session);
    if (!isPingDue) return;
    connection.pingDueAt = Math.floor(now + this.#context.settings.pingIntervalMs);
    this.#ping(connection);
  }

  #ping(connection: SessionConnection): void {
    if (!connection.carrier.isPinged) return connection.carrier.keepAlive();
    // A full outbox has traffic enough; the check for stalled sockets watches it.
    const { owner: session } = connection;
    const ping = Frame.of({ type: 'ping', received: session.received });
    // Its protocol has no ping.
    if (ping.size(connection.carrier.encoding) === 0) return connection.carrier.keepAlive();
    const verdict = session.enqueue(ping);
    connection.isPingUnanswered = verdict === 'ok';
  }

  /** Returns whether a socket with waiting bytes has taken no byte for `stallMs`. A missing poll is no stall. */
  #isStalled(connection: SessionConnection, now: number): boolean {
    if (!connection.outbox.isStalled) return false;
    const taken = connection.carrier.bytesTaken();
    if (connection.takenAt === 0 || taken !== connection.taken) {
      connection.taken = taken;
      connection.takenAt = now;
    }
    return now - connection.takenAt >= this.#context.settings.stallMs;
  }
}
