/** Leaves everything to the next server, and restores what the server before has left. A fault is logged and costs what a crash costs. */
import type { IdempotencyRecord } from '../../core/log/idempotency.js';
import type { PathSnapshot } from '../../core/log/path-snapshot.js';
import type { SessionSnapshot } from '../../core/session/session-snapshot.js';
import type { RestoreTimes } from '../../core/sessions/restore.js';
import type { Clock } from '../../core/time/clock.js';
import type { Log } from '../../observe/log.js';
import { HandoffFile } from './handoff-file.js';
import type { ReadHandoff } from './reader.js';

/** What has records that outlive a server. */
interface Restorable<T, Times = void> {
  snapshots(): Iterable<T>;
  restore(records: Iterable<T>, times: Times): void;
}

/** The logs and states, as far as they outlive a server. */
export interface RestorablePaths extends Restorable<PathSnapshot> {
  unused(): Iterable<PathSnapshot>;
  /** Begins to keep a path in an epoch, unless it is kept already. */
  restoreUnused(path: string, epoch: string): void;
  dropInboxes(): void;
  readonly areStatesLost: boolean;
  loseStates(): void;
}

/** What is left and restored. */
export interface HandoffParts {
  readonly paths: RestorablePaths;
  readonly sessions: Restorable<SessionSnapshot, RestoreTimes> & { readonly slotsMs: number };
  readonly requests: Restorable<IdempotencyRecord>;
}

/** What a handoff store is given. */
export interface HandoffStoreOptions extends HandoffParts {
  readonly file: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether a server had states before. */
  readonly marker: { readonly isSet: boolean };
}

const LOADED_BYTES_PER_SECOND = 256 * 1024 * 1024;
const LOADED_SUBSCRIPTIONS_PER_SECOND = 100_000;

/** Returns how long a server may take to load so many bytes of logs and states, and so many subscriptions, in milliseconds. */
export function loadingMs(bytes: number, subscriptions: number): number {
  return 1_000 * (bytes / LOADED_BYTES_PER_SECOND + subscriptions / LOADED_SUBSCRIPTIONS_PER_SECOND);
}

/** Restores a handoff: paths first, since sessions join them. */
export function restoreHandoff(handoff: ReadHandoff, { paths, sessions, requests }: HandoffParts): void {
  if (handoff.areStatesLost) paths.loseStates();
  paths.restore(handoff.paths);
  for (const { subscriptions } of handoff.sessions) {
    for (const { path, start, isUnused } of subscriptions) {
      if (isUnused && start !== null) paths.restoreUnused(path, start.epoch);
    }
  }
  sessions.restore(handoff.sessions, handoff);
  paths.dropInboxes();
  requests.restore(handoff.requests);
}

/** The file that one server leaves to the next. */
export class HandoffStore {
  readonly #options: HandoffStoreOptions;
  readonly #file: HandoffFile;

  constructor(options: HandoffStoreOptions) {
    this.#options = options;
    this.#file = new HandoffFile(options.file);
  }

  /** Restores what the server before has left, if it has. */
  restore(): void {
    const { log, paths, clock, marker } = this.#options;
    const startedAt = clock.monotonic();
    let isRestored = false;
    try {
      this.#file.take((handoff) => {
        restoreHandoff(handoff, this.#options);
        isRestored = true;
        const ms = Math.round(clock.monotonic() - startedAt);
        const { length } = handoff.sessions;
        log.info({ paths: handoff.paths.length, sessions: length, ms }, 'restored a handoff');
      });
    } catch (error) {
      log.warn(
        { error: String(error) },
        'the handoff cannot be used: every position that is held gets a gap',
      );
    }
    if (isRestored || !marker.isSet) return;
    paths.loseStates();
    log.warn(
      {},
      'the server before has crashed: states are partial until the back end publishes them anew and says "complete"',
    );
  }

  /** Writes everything, which must not change any more. What is not written at `deadline`, on the monotonic clock, is left out. */
  async write(deadline: number): Promise<void> {
    const { log, paths, sessions, requests, clock } = this.#options;
    const at = clock.now();
    const deadlineAt = at + deadline - clock.monotonic();
    const handoff = {
      at,
      backBy: Math.ceil(deadlineAt + sessions.slotsMs),
      areStatesLost: paths.areStatesLost,
      paths: paths.snapshots(),
      unused: paths.unused(),
      sessions: sessions.snapshots(),
      requests: requests.snapshots(),
    };
    try {
      const leftOut = await this.#file.write(handoff, () => deadline - clock.monotonic());
      if (Object.values(leftOut).every((count) => count === 0)) return;
      log.warn(
        leftOut,
        'the handoff took too long: these paths with their states, requests, sessions and updates were left out',
      );
    } catch (error) {
      log.error(
        { error: String(error) },
        'the handoff cannot be written: the next start is as after a crash',
      );
    }
  }
}
