/**
 * The subscriptions of one session that are behind. As the connection drains the session reads on from their logs,
 * a helping a turn, path after path, and each becomes live in the same synchronous step that reaches the
 * end of its log. What is read here comes after all that was enqueued before and does not count as slow.
 *
 * Of each path in this order: the rest of a snapshot that was begun, the gap that is owed, the log, and at its end the snapshot
 * that is due. So a snapshot cannot race with changes: it is of the very position that was reached.
 */
import type { GapFrame } from '../../../../protocol/frames.js';
import type { Counters } from '../data/counters.js';
import type { PathLog } from '../log/path-log.js';
import type { Gap } from '../log/resume-point.js';
import { isHiddenFrom, type LogEntry, replayFrame } from '../log/update.js';
import { Frame } from '../wire/frame.js';
import type { Verdict } from '../wire/outbox.js';
import type { Subscription } from './subscription.js';

/** Bytes read from logs and states in one turn of a connection. */
const HELPING_BYTES = 64 * 1024;

/** What is left of a helping, 0 or less when it is eaten up; null when the outbox took no more. */
type Budget = number | null;

/** A reader over the logs of what is behind. */
export class CatchUp {
  readonly #session: { enqueue(frame: Frame): Verdict };
  readonly #counters: Counters;
  /** In the order in which they have their turn. */
  readonly #subscriptions = new Set<Subscription>();

  constructor(session: { enqueue(frame: Frame): Verdict }, counters: Counters) {
    this.#session = session;
    this.#counters = counters;
  }

  /** Lets a subscription be behind from now on. */
  add(subscription: Subscription): void {
    subscription.pause();
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

  /** Reads from one path until it is live, the helping is eaten up, or the outbox took no more. */
  #read(subscription: Subscription, budget: number): Budget {
    const { log } = subscription.path;
    let left = this.#sendSnapshot(subscription, budget);
    if (left === null || left <= 0) return left;
    if (log !== null) {
      noteEvicted(subscription, log);
      left = this.#readLog(subscription, log, left);
    } else if (!this.#tellGap(subscription)) return null;
    if (left === null || left <= 0) return left;
    if (subscription.state?.isDue === true && log !== null) {
      beginSnapshot(subscription, log);
      left = this.#sendSnapshot(subscription, left);
      if (left === null || subscription.state.snapshot !== null) return left;
    }
    subscription.goLive();
    return Math.max(0, left);
  }

  /** Tells the gap and reads the log to its end. */
  #readLog(subscription: Subscription, log: PathLog, budget: number): Budget {
    let left = budget;
    let entry = log.after(subscription.cursor);
    while (entry !== undefined) {
      if (left <= 0) return left;
      if (subscription.isSkipping && isReplaced(entry, log, subscription)) {
        skip(subscription, entry, log.epoch);
        this.#counters.skipped++;
      } else if (!this.#tellGap(subscription)) return null;
      // A gap that reaches further has been told: there may be nothing left to send.
      else if (entry.offset > subscription.cursor) {
        if (!isHiddenFrom(entry, subscription.owner.id)) {
          if (this.#session.enqueue(replayFrame(entry, log.epoch)) !== 'ok') return null;
          this.#counters.deliveries++;
          left -= entry.text.length;
        }
        subscription.cursor = entry.offset;
      }
      entry = log.after(Math.max(entry.offset, subscription.cursor));
    }
    return this.#tellGap(subscription) ? left : null;
  }

  /** Sends parts of the snapshot that has been begun. */
  #sendSnapshot({ state }: Subscription, budget: number): Budget {
    let left = budget;
    while (state !== null && state.snapshot !== null && left > 0) {
      const frame = state.snapshot.part(state.part);
      if (this.#session.enqueue(frame) !== 'ok') return null;
      left -= frame.text.length;
      state.part++;
      if (state.part === state.snapshot.size) state.snapshot = null;
    }
    return left;
  }

  /** Tells the gap that is owed, if any; false when the outbox did not take it. */
  #tellGap(subscription: Subscription): boolean {
    const { gap: owed, path, state } = subscription;
    if (owed === null) return true;
    // A snapshot of the present is better than what the log still holds of the past.
    const gap: Gap = state === null || path.log === null ? owed : { ...owed, to: path.log.head };
    const frame: GapFrame = { type: 'gap', path: path.name, ...gap };
    if (this.#session.enqueue(Frame.of(frame)) !== 'ok') return false;
    if (gap.to !== null) subscription.cursor = Math.max(subscription.cursor, gap.to.offset);
    if (state !== null) state.isDue = true;
    subscription.gap = null;
    this.#counters.gaps++;
    this.#counters.gapsBy[gap.reason]++;
    return true;
  }
}

/** A gap that was not told yet grows: what it let begin has been evicted meanwhile. */
function noteEvicted(subscription: Subscription, log: PathLog): void {
  if (subscription.cursor >= log.floor) return;
  const from = { epoch: log.epoch, offset: subscription.cursor };
  const gap = subscription.gap ?? { from, reason: 'evicted' };
  subscription.gap = { ...gap, to: { epoch: log.epoch, offset: log.floor } };
}

/** Whether a newer update of the same key, or without one as this, stands in the log and is meant for this session too. */
function isReplaced(entry: LogEntry, log: PathLog, { owner }: Subscription): boolean {
  const newest = log.newestLike(entry);
  return newest !== entry && !isHiddenFrom(newest, owner.id);
}

/** Leaves an entry out. One that had no key is missed, and told of before whatever is sent next. */
function skip(subscription: Subscription, entry: LogEntry, epoch: string): void {
  if (entry.key === null && !isHiddenFrom(entry, subscription.owner.id)) {
    const from = { epoch, offset: subscription.cursor };
    const gap = subscription.gap ?? { from, reason: 'slow' };
    subscription.gap = { ...gap, to: { epoch, offset: entry.offset } };
  }
  subscription.cursor = entry.offset;
}

function beginSnapshot({ path, state }: Subscription, log: PathLog): void {
  if (state === null || path.state === null) return;
  state.isDue = false;
  state.snapshot = path.state.snapshot(path.name, log.head);
  state.part = 0;
}
