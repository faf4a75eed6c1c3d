/** What a broker keeps of one path, by the path's policy. */
import type { LogBounds } from './path-log.js';
import type { StateBounds } from './path-state.js';

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
