/** The policy of a path: what its broker stores. */
import type { LogBounds } from './path-log.js';
import type { StateBounds } from './path-state.js';

/** For slow readers: `resume` reads missed updates from the log later, `latest` skips replaced ones. */
export type SlowPolicy = 'resume' | 'latest';

/** The configuration of a path. */
export interface PathPolicy {
  /** Null for no log: then there is no state, and no update is skipped. */
  readonly log: LogBounds | null;
  /** Null for no state. */
  readonly state: StateBounds | null;
  readonly slow: SlowPolicy;
}
