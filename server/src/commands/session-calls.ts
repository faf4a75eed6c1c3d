/** The running commands of one session: how many there are, and which wait for each other. */

import type { CallRecord } from './call-record.js';
import type { TokenBucket } from './token-bucket.js';

/** The part of a call that ordering needs. */
export interface OrderedCall {
  readonly path: string;
  readonly handler: { readonly isOrdered: boolean };
  /** Whether the call is over. */
  readonly isOver: boolean;
  /** Runs its handler. */
  begin(): void;
}

/** Bounds and orders the calls of a session. */
export class SessionCalls<Call extends OrderedCall = OrderedCall> {
  readonly bucket: TokenBucket;
  readonly record: CallRecord;
  readonly #calls = new Set<Call>();
  /** Ordered calls by path; the first one runs. */
  readonly #lines = new Map<string, Call[]>();

  constructor(bucket: TokenBucket, record: CallRecord) {
    this.bucket = bucket;
    this.record = record;
  }

  /** Returns the number of commands that run or wait, answered or not. */
  get size(): number {
    return this.#calls.size;
  }

  /** Begins no call from now on; returns the unfinished ones. */
  end(): readonly Call[] {
    this.#lines.clear();
    return [...this.#calls];
  }

  /** Begins a call, or queues it. */
  add(call: Call): void {
    if (!call.handler.isOrdered) {
      call.begin();
      // Many calls are done by now.
      if (!call.isOver) this.#calls.add(call);
      return;
    }
    this.#calls.add(call);
    const line = this.#lines.get(call.path);
    if (line !== undefined) return void line.push(call);
    this.#lines.set(call.path, [call]);
    call.begin();
  }

  /** Removes a call that is over; the next one in its queue begins. */
  remove(call: Call): void {
    this.#calls.delete(call);
    const line = call.handler.isOrdered ? this.#lines.get(call.path) : undefined;
    if (line === undefined) return;
    const isFirst = line[0] === call;
    line.splice(line.indexOf(call), 1);
    if (line.length === 0) this.#lines.delete(call.path);
    else if (isFirst) line[0]?.begin();
  }
}
