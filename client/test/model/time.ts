/** The one clock of client, network, server and back end. It runs every task by itself, with all promises that the task leads to. */
import type { FakeClock } from '../../../server/test/support/fake-clock.js';

/** Time that passes only when the model lets it pass. */
export class Time {
  readonly clock: FakeClock;
  #isTouched = false;

  constructor(clock: FakeClock) {
    this.clock = clock;
  }

  /** Milliseconds on the monotonic clock. */
  now(): number {
    return this.clock.monotonic();
  }

  /** Runs `task` after `ms`, as a task of its own; returns the function that cancels it. */
  after(ms: number, task: () => void): () => void {
    return this.clock.after(Math.max(0, ms), () => {
      this.#isTouched = true;
      task();
    });
  }

  /** Lets time pass, task by task. */
  async pass(ms: number): Promise<void> {
    const end = this.now() + ms;
    await settled();
    while (this.clock.step(end)) {
      if (!this.#isTouched) continue; // a tick of the server's wheel alone resolves no promise
      this.#isTouched = false;
      await settled();
    }
  }
}

/** All promises that can be resolved now have been. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
