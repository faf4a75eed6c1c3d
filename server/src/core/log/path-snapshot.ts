/** A path as plain data: what the server before leaves of it. */
import type { Position } from '../../../../protocol/positions.js';
import type { StateEntry } from './state-snapshot.js';
import type { LogEntry } from './update.js';

/** What is kept of a path. */
export interface PathSnapshot {
  readonly path: string;
  readonly head: Position;
  /** When it was last used, in milliseconds since 1970. */
  readonly usedAt: number;
  /** Whether its state may lack what a crash has lost; default false. */
  readonly isPartial?: boolean;
  /** In the order of their last change. */
  readonly state: readonly StateEntry[];
  /** The oldest first; the last one stands at the head. */
  readonly entries: readonly LogEntry[];
}
