/**
 * The broker of one machine: paths in memory, and on disk unless it is given none. An update is stored, then it is
 * delivered, then its publisher is answered. Offsets are given, and versions checked, with what is being written in
 * mind. A path is read from disk at its first use.
 */
import { type ErrorBody, errorBody, type Outcome } from '../../../../protocol/codes.js';
import type { Position } from '../../../../protocol/positions.js';
import type { MaybePromise } from '../../core/data/maybe-promise.js';
import { pageOf } from '../../core/data/page.js';
import type {
  Broker,
  Deliver,
  LogPage,
  Published,
  StatePage,
  StateRange,
  Tail,
} from '../../core/log/broker.js';
import type { IdempotencyRecord } from '../../core/log/idempotency.js';
import type { LogRange } from '../../core/log/path-log.js';
import type { PathPolicy } from '../../core/log/path-policy.js';
import type { Change } from '../../core/log/path-state.js';
import type { StateEntry } from '../../core/log/state-snapshot.js';
import { type Draft, type LogEntry, logEntry, Update } from '../../core/log/update.js';
import type { TimerWheel, WheelTimer } from '../../core/time/timer-wheel.js';
import { IdempotencyRecords } from '../memory/idempotency-records.js';
import { faultOf } from '../memory/state-bounds.js';
import type { Disk, Found, Operation } from './disk.js';
import {
  deleteEntries,
  deleteHead,
  deleteRequest,
  entriesOf,
  HEADS,
  putEntry,
  putHead,
  putRequest,
  putStateEntry,
  REQUESTS,
  readEntry,
  readHead,
  readRequest,
  readStateEntry,
  stateOf,
} from './records.js';
import { Staging } from './staging.js';
import { type StoredPath, StoredPaths, type StoredPathsOptions } from './stored-paths.js';

/** Options of `LocalBroker`. */
export interface LocalBrokerOptions extends StoredPathsOptions {
  readonly wheel: TimerWheel;
  /** The most bytes of all states together. */
  readonly maxStateBytes: number;
  /** Called when a state has changed. */
  readonly onState?: () => void;
  /** Null to keep nothing. */
  readonly disk?: Disk | null;
}

/** An accepted draft: where it goes, and what it changes. */
interface Accepted {
  readonly draft: Draft;
  readonly position: Position | null;
  readonly entry: LogEntry | null;
}

/** Accepted drafts of one path; null for one without a log. */
interface Stored {
  readonly stored: StoredPath | null;
  readonly accepted: readonly Accepted[];
}

const SWEEP_MS = 10_000;
/** Deletions that wait for a write of something else. */
const MAX_LATER = 1_000;

export class LocalBroker implements Broker {
  readonly #options: LocalBrokerOptions;
  readonly #disk: Disk | null;
  readonly #paths: StoredPaths;
  /** The records of updates with idempotency keys. */
  readonly #requests: IdempotencyRecords;
  readonly #staging = new Staging();
  /** Deletions of what was evicted. */
  #later: Operation[] = [];
  #deliver: Deliver = () => {
    throw new Error('the broker has not been started');
  };
  #sweep: WheelTimer | null = null;

  constructor(options: LocalBrokerOptions) {
    this.#options = options;
    this.#disk = options.disk ?? null;
    this.#requests = new IdempotencyRecords(options.clock, (record) =>
      this.#deletes([deleteRequest(record)]),
    );
    this.#paths = new StoredPaths(options, {
      evicted: (path, after, upTo) => this.#deletes(deleteEntries(path, after, upTo)),
      dropped: (path, after, upTo) => this.#deletes([deleteHead(path), ...deleteEntries(path, after, upTo)]),
    });
  }

  /** Reads heads and requests. With a loss every path gets a new epoch, and what is stored keeps its offsets. */
  async open({ mayHaveLost }: Found): Promise<void> {
    const disk = this.#disk;
    if (disk === null) return;
    const heads: ReturnType<typeof readHead>[] = [];
    for await (const [key, value] of disk.entries(HEADS)) heads.push(readHead(key, value));
    heads.sort((a, b) => a.record.usedAt - b.record.usedAt);
    const renewed: Operation[] = [];
    for (const { path, record } of heads) {
      const epoch = mayHaveLost ? this.#options.ids.epoch() : record.head.epoch;
      const head = { epoch, offset: record.head.offset };
      if (mayHaveLost) renewed.push(putHead(path, { ...record, head }));
      this.#paths.restore(path, { ...record, head });
    }
    if (renewed.length > 0) await disk.store(renewed);
    const requests: IdempotencyRecord[] = [];
    for await (const [, value] of disk.entries(REQUESTS)) requests.push(readRequest(value));
    this.#requests.restore(requests.sort((a, b) => a.at - b.at));
  }

  /** Returns the bytes of all logs. */
  get totalBytes(): number {
    return this.#paths.totalBytes;
  }

  /** Returns the bytes of all states. */
  get stateBytes(): number {
    return this.#paths.stateBytes;
  }

  /** Notes that a crash has lost states. Called before anything is published. */
  loseStates(): void {
    this.#paths.loseStates();
  }

  start(deliver: Deliver): void {
    this.#deliver = deliver;
    this.#sweepLater();
  }

  stop(): void {
    this.#sweep?.cancel();
    this.#sweep = null;
    this.#paths.leaveAll();
  }

  policyOf(path: string): PathPolicy {
    return this.#options.policyOf(path);
  }

  publish(drafts: readonly Draft[]): MaybePromise<Outcome<readonly Published[]>> {
    const path = drafts[0]?.path ?? '';
    return this.#prepared(this.#paths.use(path), (stored) => this.#publish(path, stored, drafts));
  }

  join(path: string): MaybePromise<Tail | null> {
    return this.#prepared(this.#paths.join(path), (stored) => stored);
  }

  leave(path: string): void {
    this.#paths.leave(path);
  }

  read(path: string, range: LogRange): MaybePromise<LogPage | null> {
    return this.#prepared(this.#paths.use(path), (stored) => {
      if (stored === null) return null;
      const { head, floor } = stored.log;
      return { head, floor, entries: stored.log.read(range) };
    });
  }

  readState(path: string, range: StateRange): MaybePromise<StatePage | null> {
    return this.#prepared(this.#paths.use(path), (stored) =>
      stored === null ? null : statePage(stored, range),
    );
  }

  complete(path: string): MaybePromise<boolean> {
    return this.#prepared(this.#paths.use(path), (stored) => {
      if (stored === null || !this.#paths.complete(stored)) return false;
      if (this.#disk === null) return true;
      return this.#disk.store([putHead(path, this.#paths.recordOf(stored))]).then(() => true);
    });
  }

  /** Drops the inboxes of sessions that did not come back. */
  dropInboxes(): void {
    this.#paths.dropInboxes();
  }

  #publish(
    path: string,
    stored: StoredPath | null,
    drafts: readonly Draft[],
  ): MaybePromise<Outcome<readonly Published[]>> {
    const under = this.#staging.requestOf(drafts);
    // The same request is being stored: what it answers is answered again.
    if (under !== null) return under.then(() => this.publish(drafts));
    const repeated = drafts.map(({ idempotency: key }) => key && this.#requests.find(key, path));
    if (repeated.some((record, i) => record !== undefined && record.digest !== digestOf(drafts[i])))
      return { error: errorBody('idempotency_key_reused', { field: 'idempotencyKey' }) };
    const fresh = drafts.filter((_, i) => repeated[i] === undefined);
    const fault = this.#faultOf(stored, fresh);
    if (fault !== null) return { error: fault };
    const accepted = this.#accept(stored, fresh);
    let next = 0;
    const value = repeated.map((record) => ({
      position: record === undefined ? (accepted[next++] as Accepted).position : record.position,
      isRepeated: record !== undefined,
    }));
    const operations = this.#disk === null ? [] : this.#operationsOf(stored, accepted);
    if (this.#disk === null || operations.length === 0) {
      if (stored !== null) this.#staging.end(stored);
      this.#commit(stored, accepted);
      return { value };
    }
    const answer = this.#store(this.#disk, { stored, accepted, operations }).then(() => ({ value }));
    this.#staging.addRequests(fresh, answer);
    return answer;
  }

  /** Gives offsets to drafts. */
  #accept(stored: StoredPath | null, drafts: readonly Draft[]): Accepted[] {
    if (stored === null) return drafts.map((draft) => ({ draft, position: null, entry: null }));
    this.#staging.begin(stored);
    return drafts.map((draft) => {
      const offset = this.#staging.add(stored, draft);
      const position = { epoch: stored.log.epoch, offset };
      return { draft, position, entry: logEntry(draft, offset, stored.usedAt) };
    });
  }

  #store(
    disk: Disk,
    { stored, accepted, operations }: { readonly operations: Operation[] } & Stored,
  ): Promise<void> {
    if (stored !== null) this.#paths.hold(stored);
    const settle = (): void => {
      if (stored === null) return;
      this.#staging.end(stored);
      this.#paths.release(stored);
    };
    return new Promise((resolve, reject) => {
      disk.write({
        operations,
        stored: () => {
          settle();
          this.#commit(stored, accepted);
          resolve();
        },
        refused: reject,
        dropped: settle,
      });
    });
  }

  #operationsOf(stored: StoredPath | null, accepted: readonly Accepted[]): Operation[] {
    const operations: Operation[] = [];
    let bytes = 0;
    for (const { draft, position, entry } of accepted) {
      const { path, key, text, idempotency } = draft;
      if (idempotency !== undefined)
        operations.push(putRequest(this.#requests.recordOf(idempotency, { path, position })));
      if (stored === null || entry === null) continue;
      bytes += entry.bytes;
      operations.push(putEntry(path, entry));
      if (key !== null) operations.push(putStateEntry(path, { key, text, offset: entry.offset }));
    }
    const offset = accepted.at(-1)?.position?.offset;
    if (stored !== null && offset !== undefined)
      operations.push(putHead(stored.name, this.#paths.recordOf(stored, { offset, bytes })));
    return operations.length === 0 ? operations : [...this.#later.splice(0), ...operations];
  }

  /** Makes stored updates visible, and delivers them. */
  #commit(stored: StoredPath | null, accepted: readonly Accepted[]): void {
    for (const { draft, position, entry } of accepted) {
      if (stored !== null && entry !== null) this.#paths.append(stored, entry);
      if (entry !== null && entry.key !== null) this.#options.onState?.();
      const { idempotency, path } = draft;
      if (idempotency !== undefined) this.#requests.add(idempotency, { path, position });
    }
    for (const { draft, position } of accepted) this.#deliver(new Update(draft, position));
  }

  /** Returns why drafts of a path may not be published together, or null. */
  #faultOf(stored: StoredPath | null, drafts: readonly Draft[]): ErrorBody | null {
    const keyed = drafts.filter((draft): draft is Draft & Change => draft.key !== null);
    if (keyed.length === 0) return null;
    if (stored === null || stored.state === null) return errorBody('no_state', { field: 'key' });
    const { maxStateBytes } = this.#options;
    const stateBytes = this.#paths.stateBytes + this.#staging.bytes;
    return faultOf(stored.state, keyed, {
      reserved: this.#staging.reserved(stored),
      maxStateBytes,
      stateBytes,
    });
  }

  /** Calls `run` when a path is in memory and its epoch is on disk; in the order of the calls. */
  #prepared<T, P extends StoredPath | null>(stored: P, run: (stored: P) => MaybePromise<T>): MaybePromise<T> {
    const disk = this.#disk;
    if (disk === null || stored === null) return run(stored);
    if (stored.preparing === null) {
      if (stored.isOnDisk && stored.unloaded === null) return run(stored);
      stored.preparing = { done: this.#prepare(disk, stored), calls: 0 };
    }
    const { preparing } = stored;
    preparing.calls++;
    this.#paths.hold(stored);
    const over = (): void => {
      if (--preparing.calls === 0) stored.preparing = null;
      this.#paths.release(stored);
    };
    return preparing.done.then(
      () => {
        // First, so that the path is not dropped before the call has taken effect.
        const answer = run(stored);
        over();
        return answer;
      },
      (error) => {
        over();
        throw error;
      },
    );
  }

  async #prepare(disk: Disk, stored: StoredPath): Promise<void> {
    const { name } = stored;
    if (!stored.isOnDisk) {
      // Deletions come first: a path of this name may have been dropped just now.
      await disk.store([...this.#later.splice(0), putHead(name, this.#paths.recordOf(stored))]);
      stored.isOnDisk = true;
      return;
    }
    const entries: LogEntry[] = [];
    for await (const [key, value] of disk.entries(entriesOf(name))) entries.push(readEntry(key, value));
    const state: StateEntry[] = [];
    for await (const [key, value] of disk.entries(stateOf(name)))
      state.push(readStateEntry(name, key, value));
    this.#paths.load(stored, entries, state);
  }

  /** Deletes with the next write, or soon. */
  #deletes(operations: readonly Operation[]): void {
    if (this.#disk === null) return;
    this.#later.push(...operations);
    if (this.#later.length > MAX_LATER) this.#flush(this.#disk);
  }

  #flush(disk: Disk): void {
    const operations = this.#later.splice(0);
    if (operations.length === 0) return;
    // What is left over costs room only, and is deleted when its path is loaded.
    disk.store(operations).catch(() => undefined);
  }

  #sweepLater(): void {
    this.#sweep = this.#options.wheel.after(SWEEP_MS, () => {
      this.#paths.evictAged();
      if (this.#disk !== null) this.#flush(this.#disk);
      this.#sweepLater();
    });
  }
}

const digestOf = (draft: Draft | undefined): string | undefined => draft?.idempotency?.digest;

function statePage(
  { state, log }: StoredPath,
  { keys, maxCharacters, ...range }: StateRange,
): StatePage | null {
  if (state === null) return null;
  const wanted = keys && new Set(keys);
  const entries = [...state.entries].filter(([key]) => wanted?.has(key) !== false);
  const { items, next } = pageOf(entries, {
    ...range,
    maxCharacters,
    charactersOf: ({ text }) => text.length,
  });
  return { head: log.head, entries: items.map(([, entry]) => entry), next, isPartial: state.isPartial };
}
