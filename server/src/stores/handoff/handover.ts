/** The passing on of everything from one server to the next: what is put together and where it goes. A fault is logged and costs what a crash costs. */

import type {
  AnsweredRequest,
  HandoffTimes,
  PathHandoff,
  SessionHandoff,
} from '../../core/session/handoff.js';
import type { Clock } from '../../core/time/clock.js';
import type { Log } from '../../observe/log.js';
import { HandoffFile } from './handoff-file.js';

/** Whoever hands something over, and takes it over in the next server. */
interface Holder<T, Times = void> {
  handOver(): Iterable<T>;
  takeOver(records: Iterable<T>, times: Times): void;
}

/** Who takes part. */
export interface HandoverParts {
  readonly file: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly paths: Holder<PathHandoff> & {
    unused(): Iterable<PathHandoff>;
    dropInboxes(): void;
    readonly areStatesLost: boolean;
    loseStates(): void;
  };
  /** Whether a server had states before. */
  readonly marker: { readonly isSet: boolean };
  readonly sessions: Holder<SessionHandoff, HandoffTimes> & { readonly slotsMs: number };
  readonly requests: Holder<AnsweredRequest>;
}

const LOADED_BYTES_PER_SECOND = 256 * 1024 * 1024;
const LOADED_SUBSCRIPTIONS_PER_SECOND = 100_000;

/** How long a server may take to load so many bytes of logs and states, and so many subscriptions, in milliseconds. */
export function loadingMs(bytes: number, subscriptions: number): number {
  return 1_000 * (bytes / LOADED_BYTES_PER_SECOND + subscriptions / LOADED_SUBSCRIPTIONS_PER_SECOND);
}

/** Hands over and takes over. */
export class Handover {
  readonly #parts: HandoverParts;
  readonly #file: HandoffFile;

  constructor(parts: HandoverParts) {
    this.#parts = parts;
    this.#file = new HandoffFile(parts.file);
  }

  /** Takes over what the server before has handed over, if it has. */
  takeOver(): void {
    const { log, paths, sessions, requests, clock } = this.#parts;
    const startedAt = clock.monotonic();
    let isTaken = false;
    try {
      this.#file.take((handoff) => {
        if (handoff.areStatesLost) paths.loseStates();
        paths.takeOver(handoff.paths);
        // They hold their paths.
        sessions.takeOver(handoff.sessions, handoff);
        paths.dropInboxes();
        requests.takeOver(handoff.requests);
        const ms = Math.round(clock.monotonic() - startedAt);
        const { length } = handoff.sessions;
        isTaken = true;
        log.info({ paths: handoff.paths.length, sessions: length, ms }, 'took over a handoff');
      });
    } catch (error) {
      log.warn(
        { error: String(error) },
        'the handoff cannot be used: every position that is held gets a gap',
      );
    }
    if (isTaken || !this.#parts.marker.isSet) return;
    paths.loseStates();
    log.warn(
      {},
      'the server before has crashed: states are partial until the back end publishes them anew and says "complete"',
    );
  }

  /** Hands over all there is. Nothing of it may change any more. What is not written when `deadline` comes, on the monotonic clock, is left out. */
  async handOver(deadline: number): Promise<void> {
    const { log, paths, sessions, requests, clock } = this.#parts;
    const at = clock.now();
    const deadlineAt = at + deadline - clock.monotonic();
    const handoff = {
      at,
      backBy: Math.ceil(deadlineAt + sessions.slotsMs),
      areStatesLost: paths.areStatesLost,
      paths: paths.handOver(),
      unused: paths.unused(),
      sessions: sessions.handOver(),
      requests: requests.handOver(),
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
