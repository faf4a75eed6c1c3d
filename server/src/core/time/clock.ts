/** Ports for time and randomness. Core uses nothing else for either, so tests control both. */
import { randomBytes } from 'node:crypto';

/** Cancels a timer. Idempotent. */
export type Cancel = () => void;

/** The time and the timers that core uses. */
export interface Clock {
  /** Returns milliseconds since 1970. */
  now(): number;
  /** Returns milliseconds that never decrease, with fractions. */
  monotonic(): number;
  /** Runs `task` once, `ms` from now. The timer does not keep the process alive. */
  after(ms: number, task: () => void): Cancel;
  /** Runs `task` after the event loop has handled the input of this turn. */
  soon(task: () => void): void;
}

/** The system clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, task) {
    const timer = setTimeout(task, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
  soon(task) {
    setImmediate(task);
  },
};

/**
 * The system clock at the start of the process plus the elapsed time. It dates what memory holds, whose age must not
 * change when the system clock is set. Tickets, tokens and revocations use `systemClock`.
 */
export const steadyClock: Clock = {
  ...systemClock,
  now: () => Math.floor(performance.timeOrigin + performance.now()),
};

/** Makes ids and random numbers. */
export interface IdSource {
  /** Returns a public session id: 22 characters, 128 random bits, never containing `->`. */
  sessionId(): string;
  /** Returns the name of a new epoch: 8 characters. */
  epoch(): string;
  /** Returns a random number in [0, 1), for spreading reconnects. */
  fraction(): number;
}

const EPOCH_ALPHABET = '0123456789abcdefghijklmnopqrstuv';

/** Ids from the system's secure generator. */
export const systemIds: IdSource = {
  sessionId: () => randomBytes(16).toString('base64url'),
  epoch: () => Array.from(randomBytes(8), (byte) => EPOCH_ALPHABET[byte & 31]).join(''),
  fraction: () => Math.random(),
};
