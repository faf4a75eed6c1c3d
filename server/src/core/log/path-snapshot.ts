/** A path as plain data, left by the previous server. */
import type { Position } from '../../../../protocol/positions.js';
import type { StateEntry } from './state-snapshot.js';
import type { LogEntry } from './update.js';

/** The head, entries and state of a path. */
export interface PathSnapshot {
  readonly path: string;
  readonly head: Position;
  /** When it was last used, in milliseconds since 1970. */
  readonly usedAt: number;
  /** Whether its state may lack what a crash has lost; default false. */
  readonly isPartial?: boolean;
  /** Entries in the order of their last change. */
  readonly state: readonly StateEntry[];
  /** The oldest entry first; the last one is at the head. */
  readonly entries: readonly LogEntry[];
}
