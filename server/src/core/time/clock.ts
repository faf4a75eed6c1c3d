/**
 * Time and chance, injected: nothing in core reads a clock or makes an id by itself, so tests hold
 * both still.
 */
import { randomBytes } from 'node:crypto';

/** Undoes what a timer call has set up; calling it again does nothing. */
export type Cancel = () => void;

/** The time and the timers that core uses. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Milliseconds that only rise, with fractions. */
  monotonic(): number;
  /** Runs `task` once, `ms` from now. The timer does not keep the process alive. */
  after(ms: number, task: () => void): Cancel;
  /** Runs `task` once this turn of the loop has handled its input. */
  soon(task: () => void): void;
}

/** The machine's own clock. */
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
 * The machine's clock as it was when the process began, and what has elapsed since: setting it makes nothing that lives in memory older or
 * younger. For the ages of what is kept; tickets, tokens and revocations follow the clock of the machine.
 */
export const steadyClock: Clock = {
  ...systemClock,
  now: () => Math.floor(performance.timeOrigin + performance.now()),
};

/** Makes the server's ids. */
export interface IdSource {
  /** A public session id: 22 characters, 128 random bits, never containing `->`. */
  sessionId(): string;
  /** The name of a new epoch: 8 characters. */
  epoch(): string;
  /** A number from 0 up to 1, for spreading reconnects. */
  fraction(): number;
}

const EPOCH_ALPHABET = '0123456789abcdefghijklmnopqrstuv';

/** Ids from the system's secure generator. */
export const systemIds: IdSource = {
  sessionId: () => randomBytes(16).toString('base64url'),
  epoch: () => Array.from(randomBytes(8), (byte) => EPOCH_ALPHABET[byte & 31]).join(''),
  fraction: () => Math.random(),
};
