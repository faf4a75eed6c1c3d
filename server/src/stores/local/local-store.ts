/** The store of one machine: paths and requests in a broker, and sessions over a planned stop. */
import type { SessionSnapshot } from '../../core/session/session-snapshot.js';
import type { RestoreTimes } from '../../core/sessions/restore.js';
import type { Clock } from '../../core/time/clock.js';
import type { Log } from '../../observe/log.js';
import type { StateMarker } from '../state-folder/state-marker.js';
import type { Disk } from './disk.js';
import { keepSessions, takeSessions } from './kept-sessions.js';
import type { LocalBroker } from './local-broker.js';

/** The sessions that outlive a server. */
interface Sessions {
  snapshots(): Iterable<SessionSnapshot>;
  restore(sessions: Iterable<SessionSnapshot>, times: RestoreTimes): void;
  readonly slotsMs: number;
}

/** Options of `LocalStore`. */
export interface LocalStoreOptions {
  /** Null for a store that keeps nothing. */
  readonly disk: Disk | null;
  readonly broker: LocalBroker;
  readonly sessions: Sessions;
  readonly marker: StateMarker;
  readonly clock: Clock;
  readonly log: Log;
}

const BYTES_PER_SECOND = 256 * 1024 * 1024;
const SUBSCRIPTIONS_PER_SECOND = 100_000;

/** Returns how long a server may take to load so many bytes and subscriptions, in milliseconds. */
export function loadingMs(bytes: number, subscriptions: number): number {
  return 1_000 * (bytes / BYTES_PER_SECOND + subscriptions / SUBSCRIPTIONS_PER_SECOND);
}

export class LocalStore {
  readonly #options: LocalStoreOptions;
  #isOpen = false;

  constructor(options: LocalStoreOptions) {
    this.#options = options;
  }

  /** Opens the store, and restores the sessions that the server before has kept. @throws StateFolderError */
  async open(): Promise<void> {
    const { disk, broker, sessions, marker, log, clock } = this.#options;
    const startedAt = clock.monotonic();
    const found = await disk?.open();
    if (found !== undefined) await broker.open(found);
    await disk?.begin();
    this.#isOpen = true;
    if (marker.isSet && found?.isNew !== false) {
      broker.loseStates();
      log.warn(
        {},
        'states are lost: they are partial until the back end publishes them anew and says "complete"',
      );
    }
    if (disk === null) return log.warn({}, 'the store is memory: the end of the server loses everything');
    const kept = await takeSessions(disk);
    if (kept === null) return;
    sessions.restore(kept.sessions, kept.times);
    broker.dropInboxes();
    const ms = Math.round(clock.monotonic() - startedAt);
    log.info({ sessions: kept.sessions.length, ms }, 'restored sessions');
  }

  /** Keeps the sessions, now unchanging, as far as time allows until `deadline`, on the monotonic clock; then closes. */
  async close(deadline: number): Promise<void> {
    const { disk, sessions, clock, log } = this.#options;
    if (!this.#isOpen || disk === null) return;
    const at = clock.now();
    const times = { at, backBy: Math.ceil(at + deadline - clock.monotonic() + sessions.slotsMs) };
    try {
      const kept = { sessions: sessions.snapshots(), times };
      const leftOut = await keepSessions(disk, kept, () => deadline - clock.monotonic());
      if (leftOut > 0)
        log.warn({ sessions: leftOut }, 'the stop took too long: these sessions were left out');
    } catch (error) {
      log.error({ error: String(error) }, 'sessions cannot be kept: their clients open with their tickets');
    }
    await disk
      .close()
      .catch((error: unknown) => log.error({ error: String(error) }, 'the store cannot be closed'));
  }
}
