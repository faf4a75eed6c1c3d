/**
 * Tells when the process has no file descriptor left. Then the system accepts connections and drops them, and Node says nothing of it:
 * clients see resets, and no line would say why.
 */
import { closeSync, openSync } from 'node:fs';
import type { Cancel, Clock } from '../core/time/clock.js';
import type { Log } from './log.js';

const LOOK_MS = 1_000;

/** Looks for a free descriptor once a second. */
export class DescriptorWatch {
  readonly #clock: Pick<Clock, 'after'>;
  readonly #log: Log;
  readonly #probe: () => void;
  #cancel: Cancel | null = null;
  #isExhausted = false;

  /** `probe` opens and closes something, and throws what that throws. */
  constructor(clock: Pick<Clock, 'after'>, log: Log, probe: () => void = openAndClose) {
    this.#clock = clock;
    this.#log = log;
    this.#probe = probe;
  }

  /** Begins. Idempotent. */
  start(): void {
    this.#cancel ??= this.#clock.after(LOOK_MS, () => {
      this.#cancel = null;
      this.#look();
      this.start();
    });
  }

  /** Ends. Idempotent. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  /** Logs an error of the listening socket. */
  failed(error: Error): void {
    this.#log.error({ error: String(error) }, 'a connection could not be accepted');
  }

  #look(): void {
    const code = faultOf(this.#probe);
    const isExhausted = code === 'EMFILE' || code === 'ENFILE';
    if (isExhausted === this.#isExhausted) return;
    this.#isExhausted = isExhausted;
    if (!isExhausted)
      return this.#log.info({}, 'there are file descriptors again: new connections are taken');
    this.#log.error(
      { code },
      'no file descriptor is left: new connections are dropped; allow more (ulimit -n, LimitNOFILE)',
    );
  }
}

/** Returns the code of the error that `probe` throws. */
function faultOf(probe: () => void): string | undefined {
  try {
    probe();
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
}

function openAndClose(): void {
  closeSync(openSync(process.execPath, 'r'));
}
