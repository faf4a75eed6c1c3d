/**
 * Answers probes: clients that find out whether a transport carries frames, before they take a session over it. Step 1 is answered
 * at once, step 2 a second later (docs/protocol.md, "Probes"). Probes need no session, so they are counted by address and in all.
 */
import type { ServerResponse } from 'node:http';
import type { ProbedFrame, ProbeFrame } from '../../../protocol/frames.js';
import { LIMITS } from '../../../protocol/limits.js';
import type { TimerWheel } from '../core/time/timer-wheel.js';
import { endOfStream, eventOf, STREAM_HEADERS, STREAM_PADDING } from './sse.js';

/** How long after step 2 its answer follows. */
const SECOND_STEP_MS = 1_000;

/** Counts the probes under way and answers their steps. */
export class Probes {
  readonly #wheel: TimerWheel;
  readonly #byAddress = new Map<string, number>();
  #all = 0;

  constructor(wheel: TimerWheel) {
    this.#wheel = wheel;
  }

  /** Counts a probe of `address`; returns the function that ends it (idempotent), or null where there are too many. */
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

  /** Probes that are under way. */
  get size(): number {
    return this.#all;
  }

  /** Answers a step through `answer`; returns the function that cancels an answer still to come. */
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
   * Answers step 1 of an event stream: a stream that says both steps and stays open until the client leaves, since a proxy that buffers
   * passes everything on when it ends. `end` is called once it is over.
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
