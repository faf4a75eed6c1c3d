/** Where an update stands in its path's log (docs/protocol.md, "Positions"). */

/** An offset within an epoch. Offsets rise, but need not be dense for one receiver. */
export interface Position {
  /** 8 characters, new whenever the path's head was lost. */
  readonly epoch: string;
  /** The number of the update, from 1; 0 stands before the first. */
  readonly offset: number;
}

/** Why updates can no longer be replayed. */
export const GAP_REASONS = ['evicted', 'restarted', 'slow', 'no_log'] as const;

/** One of `GAP_REASONS`. */
export type GapReason = (typeof GAP_REASONS)[number];
