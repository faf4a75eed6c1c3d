/**
 * The subscriptions of one session that catch up. As the connection drains the session reads on from their logs, a helping a turn, path
 * after path; each becomes live in the same synchronous step that reaches the end of its tail. What is read here comes after all
 * that was enqueued before, and does not count as slow.
 *
 * Each path is read in this order: the rest of a snapshot that was begun, the gap that is owed, the log, and at its end the snapshot
 * that is due. So no change can fall between: a snapshot is of the very position that was reached. Entries that are older than the
 * tail are read from the store, for one subscription of the session at a time.
 */
import type { GapFrame } from '../../../../protocol/frames.js';
import { isPromise } from '../data/maybe-promise.js';
import type { LogPage } from '../log/broker.js';
import type { PathLog } from '../log/path-log.js';
import type { Gap } from '../log/resume-point.js';
import { isHiddenFrom, type LogEntry, replayFrame } from '../log/update.js';
import { Frame } from '../wire/frame.js';
import type { CoreContext } from './core-context.js';
import type { PathOwner } from './path-owner.js';
import type { Subscription } from './subscription.js';

/** Bytes read from logs and states in one turn of a connection. */
const HELPING_BYTES = 64 * 1024;
/** Characters of a frame beside its message: path and position. */
const ENVELOPE_CHARACTERS = 100;
/** What is read from the store at a time. */
const PAGE = { limit: 100, maxCharacters: HELPING_BYTES };
/** After a read that failed, in milliseconds. */
const READ_AGAIN_MS = 1_000;

/** What is left of a helping, 0 or less when it is used up; null when the outbox took no more. */
type Budget = number | null;

/** Reads on from logs. */
export class CatchUp {
  readonly #session: PathOwner;
  readonly #context: CoreContext;
  /** In the order in which they have their turn. */
  readonly #subscriptions = new Set<Subscription>();
  /** The one for which the store is being read. */
  #reading: Subscription | null = null;

  constructor(session: PathOwner, context: CoreContext) {
    this.#session = session;
    this.#context = context;
  }

  /** Lets a subscription catch up from now on. */
  add(subscription: Subscription): void {
    subscription.pause();
    this.#subscriptions.add(subscription);
  }

  /** Forgets a subscription that has ended. */
  remove(subscription: Subscription): void {
    this.#subscriptions.delete(subscription);
    if (this.#reading !== subscription) return;
    this.#reading = null;
    // Others may wait for this read to be over.
    this.#session.connection?.outbox.wake();
  }

  /** Forgets all. */
  clear(): void {
    this.#subscriptions.clear();
    this.#reading = null;
  }

  /** Enqueues one helping; true when more can be read in a later turn. */
  readOn(): boolean {
    let budget = HELPING_BYTES;
    for (const subscription of this.#subscriptions) {
      if (budget <= 0) break;
      if (this.#isWaiting(subscription)) continue;
      const left = this.#read(subscription, budget);
      if (left === null) break;
      budget = left;
      this.#subscriptions.delete(subscription);
      if (!subscription.isLive) this.#subscriptions.add(subscription);
    }
    for (const subscription of this.#subscriptions) if (!this.#isWaiting(subscription)) return true;
    return false;
  }

  /** Whether a subscription can go on only when the store has answered. */
  #isWaiting(subscription: Subscription): boolean {
    return this.#reading !== null && (this.#reading === subscription || needsStore(subscription));
  }

  /** Reads from one path until it is live, must wait for the store, the helping is used up, or the outbox took no more. */
  #read(subscription: Subscription, budget: number): Budget {
    const { log } = subscription.path;
    let left = this.#sendSnapshot(subscription, budget);
    if (left === null || left <= 0) return left;
    if (log !== null) left = this.#readLog(subscription, log, left);
    else if (!this.#tellGap(subscription)) return null;
    if (left === null || left <= 0 || this.#isWaiting(subscription)) return left;
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
    for (;;) {
      if (needsStore(subscription)) {
        // Another subscription may have begun to read in this very helping.
        if (this.#reading !== null || !this.#readStore(subscription, log)) return left;
      }
      const entry = nextEntry(subscription, log);
      if (entry === undefined) return this.#tellGap(subscription) ? left : null;
      if (left <= 0) return left;
      if (subscription.isSkipping && isReplaced(entry, log, subscription)) {
        skip(subscription, entry, log.epoch);
        this.#context.counters.skipped++;
      } else if (!this.#tellGap(subscription)) return null;
      // A gap that reaches further has been told: there may be nothing left to send.
      else if (entry.offset > subscription.cursor) {
        if (!isHiddenFrom(entry, subscription.owner.id)) {
          if (this.#session.enqueue(replayFrame(entry, subscription.path.name, log.epoch)) !== 'ok')
            return null;
          this.#context.counters.deliveries++;
          left -= ENVELOPE_CHARACTERS + entry.text.length;
        }
        subscription.cursor = entry.offset;
      }
    }
  }

  /** Reads what is older than the tail; true when it is there at once. */
  #readStore(subscription: Subscription, log: PathLog): boolean {
    const { broker, wheel } = this.#context;
    const { cursor, path } = subscription;
    const page = broker.read(path.name, { after: cursor, ...PAGE });
    if (!isPromise(page)) {
      takePage(subscription, page, log);
      return true;
    }
    this.#reading = subscription;
    const goOn = (answer: LogPage | null): void => {
      // It may have ended, or been placed anew, meanwhile.
      if (this.#reading !== subscription) return;
      this.#reading = null;
      if (answer !== null && subscription.cursor === cursor) takePage(subscription, answer, log);
      this.#session.connection?.outbox.wake();
    };
    page.then(goOn, () => wheel.after(READ_AGAIN_MS, () => goOn(null)));
    return false;
  }

  /** Sends parts of the snapshot that has been begun. */
  #sendSnapshot({ state }: Subscription, budget: number): Budget {
    let left = budget;
    while (state !== null && state.snapshot !== null && left > 0) {
      const { frame, characters } = state.snapshot.part(state.part);
      if (this.#session.enqueue(frame) !== 'ok') return null;
      left -= characters;
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
    const { counters } = this.#context;
    counters.gaps++;
    counters.gapsBy[gap.reason]++;
    return true;
  }
}

/** Whether what comes next is neither in the tail nor in what was read from the store. */
function needsStore({ path: { log }, page, cursor }: Subscription): boolean {
  return log !== null && cursor < log.floor && (page?.entries.at(-1)?.offset ?? 0) <= cursor;
}

/** Keeps the entries that the store has answered, and extends the gap by what it has evicted. */
function takePage(subscription: Subscription, page: LogPage | null, log: PathLog): void {
  const { epoch } = log;
  // A log that has begun anew meanwhile has nothing of what is missing.
  const isUseful = page !== null && page.head.epoch === epoch && page.entries.length > 0;
  const floor = isUseful ? page.floor : log.floor;
  subscription.page = isUseful ? page : null;
  const from = { epoch, offset: subscription.cursor };
  if (floor <= subscription.cursor) return;
  const gap = subscription.gap ?? { from, reason: 'evicted' };
  subscription.gap = { ...gap, to: { epoch, offset: floor } };
  subscription.cursor = floor;
}

/** Returns the next entry of the page that was read from the store, else of the tail. */
function nextEntry(subscription: Subscription, log: PathLog): LogEntry | undefined {
  const { page, cursor } = subscription;
  if (page === null || cursor >= log.floor) {
    subscription.page = null;
    return log.after(cursor);
  }
  return page.entries.find(({ offset }) => offset > cursor);
}

/** Whether a newer update of the same key, or without one as this, stands in the log and is meant for this session too. */
function isReplaced(entry: LogEntry, log: PathLog, { owner }: Subscription): boolean {
  const newest = log.newestLike(entry);
  return newest !== entry && !isHiddenFrom(newest, owner.id);
}

/** Leaves an entry out. One without a key is missed, and told before whatever is sent next. */
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
