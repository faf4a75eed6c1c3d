/**
 * Writes the handoff for the next server, and restores that of the previous one. A fault is logged and costs what a
 * crash costs.
 */
import type { IdempotencyRecord } from '../../core/log/idempotency.js';
import type { PathSnapshot } from '../../core/log/path-snapshot.js';
import type { SessionSnapshot } from '../../core/session/session-snapshot.js';
import type { RestoreTimes } from '../../core/sessions/restore.js';
import type { Clock } from '../../core/time/clock.js';
import type { Log } from '../../observe/log.js';
import type { StateMarker } from '../state-folder/state-marker.js';
import { HandoffFile } from './handoff-file.js';
import type { ReadHandoff } from './reader.js';

/** A store whose records outlive a server. */
interface Restorable<T, Times = void> {
  snapshots(): Iterable<T>;
  restore(records: Iterable<T>, times: Times): void;
}

/** The paths that outlive a server. */
export interface RestorablePaths extends Restorable<PathSnapshot> {
  unused(): Iterable<PathSnapshot>;
  /** Stores a path with an epoch, unless it is stored already. */
  restoreUnused(path: string, epoch: string): void;
  dropInboxes(): void;
  readonly areStatesLost: boolean;
  loseStates(): void;
}

/** The parts that are written and restored. */
export interface HandoffParts {
  readonly paths: RestorablePaths;
  readonly sessions: Restorable<SessionSnapshot, RestoreTimes> & { readonly slotsMs: number };
  readonly requests: Restorable<IdempotencyRecord>;
}

/** Options of `HandoffStore`. */
export interface HandoffStoreOptions extends HandoffParts {
  readonly file: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether the previous server had states. */
  readonly marker: StateMarker;
}

const LOADED_BYTES_PER_SECOND = 256 * 1024 * 1024;
const LOADED_SUBSCRIPTIONS_PER_SECOND = 100_000;

/** Returns how long a server may take to load so many bytes and subscriptions, in milliseconds. */
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

export class HandoffStore {
  readonly #options: HandoffStoreOptions;
  readonly #file: HandoffFile;

  constructor(options: HandoffStoreOptions) {
    this.#options = options;
    this.#file = new HandoffFile(options.file);
  }

  /** Restores the handoff of the previous server, if there is one. */
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

  /** Writes everything, now unchanging, as far as time allows until `deadline`, on the monotonic clock. */
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
