/** What a broker keeps of one path, by the path's policy. */
import type { LogBounds, PathLog } from './path-log.js';
import type { PathState, StateBounds } from './path-state.js';

/** What is done with what a slow reader has no room for: `resume` reads it from the log later, `latest` skips what newer updates replace. */
export type SlowPolicy = 'resume' | 'latest';

/** What the configuration says of a path. */
export interface PathPolicy {
  /** Null for no log: then there is no state either, and nothing to skip in. */
  readonly log: LogBounds | null;
  /** Null for no state. */
  readonly state: StateBounds | null;
  readonly slow: SlowPolicy;
}

/** The log of a path and its state. */
export interface PathStore {
  readonly log: PathLog;
  readonly state: PathState | null;
  readonly slow: SlowPolicy;
}
