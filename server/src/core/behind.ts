/**
 * The subscriptions of one session that are behind. As the connection drains the session reads on from their logs,
 * a helping a turn, path after path, and each becomes live in the same synchronous step that reaches the
 * end of its log. What is read here comes after all that was enqueued before and does not count as slow.
 */
import type { GapFrame } from '../../../protocol/frames.js';
import type { Counters } from './counters.js';
import { Frame } from './frame.js';
import type { Verdict } from './outbox.js';
import type { Gap } from './placement.js';
import type { Subscription } from './subscription.js';
import { isHiddenFrom, replayFrame } from './update.js';

/** Bytes read from logs in one turn of a connection. */
const HELPING_BYTES = 64 * 1024;

/** A reader over the logs of what is behind. */
export class Behind {
  readonly #enqueue: (frame: Frame) => Verdict;
  readonly #counters: Counters;
  /** In the order in which they have their turn. */
  readonly #subscriptions = new Set<Subscription>();

  constructor(enqueue: (frame: Frame) => Verdict, counters: Counters) {
    this.#enqueue = enqueue;
    this.#counters = counters;
  }

  /** Lets a subscription be behind from now on. */
  add(subscription: Subscription): void {
    subscription.isLive = false;
    this.#subscriptions.add(subscription);
  }

  /** Forgets a subscription that has ended. */
  remove(subscription: Subscription): void {
    this.#subscriptions.delete(subscription);
  }

  /** Forgets all. */
  clear(): void {
    this.#subscriptions.clear();
  }

  /** Reads one helping; true when more is left. */
  readOn(): boolean {
    let budget = HELPING_BYTES;
    for (const subscription of this.#subscriptions) {
      if (budget <= 0) break;
      const left = this.#read(subscription, budget);
      if (left === null) break;
      budget = left;
      this.#subscriptions.delete(subscription);
      if (!subscription.isLive) this.#subscriptions.add(subscription);
    }
    return this.#subscriptions.size > 0;
  }

  /** Reads from one log; answers what is left of the budget, null when the outbox took no more. */
  #read(subscription: Subscription, budget: number): number | null {
    const log = subscription.path.log;
    if (log !== null && subscription.cursor < log.floor) {
      // A gap that was not told yet grows: what it let begin has been evicted meanwhile.
      const gap = subscription.gap ?? {
        from: { epoch: log.epoch, offset: subscription.cursor },
        reason: 'evicted',
      };
      subscription.gap = { ...gap, to: { epoch: log.epoch, offset: log.floor } };
    }
    if (subscription.gap !== null) {
      if (this.#tellGap(subscription, subscription.gap) !== 'ok') return null;
    }
    let left = budget;
    for (let entry = log?.after(subscription.cursor); entry !== undefined; entry = log?.after(entry.offset)) {
      if (left <= 0) return 0;
      if (!isHiddenFrom(entry, subscription.session.id)) {
        if (this.#enqueue(replayFrame(entry, log?.epoch as string)) !== 'ok') return null;
        this.#counters.deliveries++;
        left -= entry.text.length;
      }
      subscription.cursor = entry.offset;
    }
    subscription.isLive = true;
    return Math.max(0, left);
  }

  #tellGap(subscription: Subscription, gap: Gap): Verdict {
    const frame: GapFrame = { type: 'gap', path: subscription.path.name, ...gap };
    const verdict = this.#enqueue(Frame.of(frame));
    if (verdict !== 'ok') return verdict;
    subscription.gap = null;
    if (gap.to !== null) subscription.cursor = Math.max(subscription.cursor, gap.to.offset);
    this.#counters.gaps++;
    return verdict;
  }
}
