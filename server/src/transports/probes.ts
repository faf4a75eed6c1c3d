/**
 * Answers probes, by which clients test whether a transport carries frames before they move a session to it. Step 1 is
 * answered at once, step 2 a second later (docs/protocol.md, "Probes"). Probes need no session: they are counted by
 * address and in all.
 */
import type { ServerResponse } from 'node:http';
import type { ProbedFrame, ProbeFrame } from '../../../protocol/frames.js';
import { LIMITS } from '../../../protocol/limits.js';
import { AddressCounter } from '../core/data/address-counter.js';
import type { TimerWheel, WheelTimer } from '../core/time/timer-wheel.js';
import { EVENT_STREAM, endOfStream, eventOf, streamHeaders } from './sse.js';

/** The delay of the answer to step 2. */
const SECOND_STEP_MS = 1_000;

/** Counts probes. */
export class Probes {
  readonly #wheel: TimerWheel;
  readonly #addresses = new AddressCounter({ perAddress: LIMITS.probesPerAddress, inAll: LIMITS.probes });

  constructor(wheel: TimerWheel) {
    this.#wheel = wheel;
  }

  /** Begins a probe of `address`; returns null above the bound. */
  begin(address: string): Probe | null {
    if (!this.#addresses.take(address)) return null;
    return new Probe(this.#wheel, () => this.#addresses.release(address));
  }
}

/** A probe under way. */
export class Probe {
  readonly #wheel: TimerWheel;
  readonly #onEnd: () => void;
  #later: WheelTimer | null = null;
  #isOver = false;

  constructor(wheel: TimerWheel, onEnd: () => void) {
    this.#wheel = wheel;
    this.#onEnd = onEnd;
  }

  /** Answers a step through `answer`, in place of a later answer to the step before. */
  answer({ step }: ProbeFrame, answer: (frame: ProbedFrame) => void): void {
    this.#later?.cancel();
    if (step === 1) answer({ type: 'probed', step });
    else this.#later = this.#wheel.after(SECOND_STEP_MS, () => answer({ type: 'probed', step }));
  }

  /**
   * Answers step 1 of an event stream: sends both steps and stays open until the client leaves. A buffering proxy would
   * pass on a stream that ends.
   */
  stream(response: ServerResponse, headers: Record<string, string>): void {
    response.writeHead(200, { ...streamHeaders(EVENT_STREAM), ...headers });
    response.write(EVENT_STREAM.padding);
    for (const step of [1, 2] as const) {
      this.answer({ type: 'probe', step }, (frame) => void response.write(eventOf(frame)));
    }
    const over = this.#wheel.after(LIMITS.probeMs, () => endOfStream(response, this.#wheel));
    response.on('close', () => over.cancel());
  }

  /** Ends it, without a later answer. Idempotent. */
  end(): void {
    this.#later?.cancel();
    if (!this.#isOver) this.#onEnd();
    this.#isOver = true;
  }
}
