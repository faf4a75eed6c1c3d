/**
 * Answers probes, by which clients test whether a transport carries frames before they move a session to it. Step 1 is
 * answered at once, step 2 a second later (docs/protocol.md, "Probes"). Probes need no session: they are counted by
 * address and in all.
 */
import type { ServerResponse } from 'node:http';
import type { ProbedFrame, ProbeFrame } from '../../../protocol/frames.js';
import { LIMITS } from '../../../protocol/limits.js';
import type { TimerWheel } from '../core/time/timer-wheel.js';
import { endOfStream, eventOf, STREAM_HEADERS, STREAM_PADDING } from './sse.js';

/** The delay of the answer to step 2. */
const SECOND_STEP_MS = 1_000;

/** Counts probes and answers their steps. */
export class Probes {
  readonly #wheel: TimerWheel;
  readonly #byAddress = new Map<string, number>();
  #all = 0;

  constructor(wheel: TimerWheel) {
    this.#wheel = wheel;
  }

  /** Counts a probe of `address`; returns a function that ends it (idempotent), or null above the bound. */
  begin(address: string): (() => void) | null {
    const count = this.#byAddress.get(address) ?? 0;
    if (count >= LIMITS.probesPerAddress || this.#all >= LIMITS.probes) return null;
    this.#byAddress.set(address, count + 1);
    this.#all++;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#all--;
      const left = (this.#byAddress.get(address) ?? 1) - 1;
      if (left === 0) this.#byAddress.delete(address);
      else this.#byAddress.set(address, left);
    };
  }

  /** Returns the number of probes under way. */
  get size(): number {
    return this.#all;
  }

  /** Answers a step through `answer`; returns a function that cancels a later answer. */
  answer({ step }: ProbeFrame, answer: (frame: ProbedFrame) => void): () => void {
    const frame: ProbedFrame = { type: 'probed', step };
    if (step === 2) {
      const timer = this.#wheel.after(SECOND_STEP_MS, () => answer(frame));
      return () => timer.cancel();
    }
    answer(frame);
    return () => undefined;
  }

  /**
   * Answers step 1 of an event stream: sends both steps and stays open until the client leaves. A buffering proxy would
   * pass on a stream that ends. Calls `end` at the end.
   */
  stream(response: ServerResponse, headers: Record<string, string>, end: () => void): void {
    response.writeHead(200, { ...STREAM_HEADERS, ...headers });
    response.write(STREAM_PADDING);
    response.write(eventOf({ type: 'probed', step: 1 }));
    const second = this.#wheel.after(SECOND_STEP_MS, () =>
      response.write(eventOf({ type: 'probed', step: 2 })),
    );
    const over = this.#wheel.after(LIMITS.probeMs, () => endOfStream(response, this.#wheel));
    response.on('close', () => {
      second.cancel();
      over.cancel();
      end();
    });
  }
}
