import type { GapReason } from '../../../../protocol/positions.js';

/** Counters since the start, and current numbers; plain fields, which the hot path increments. */
export interface Counters {
  /** Updates published. */
  updates: number;
  /** Updates added to outboxes, one for each receiving session. */
  deliveries: number;
  /** Gaps sent, and the same by reason. */
  gaps: number;
  readonly gapsBy: Record<GapReason, number>;
  /** Subscriptions that fell behind because their connection was blocked. */
  slow: number;
  /** Updates that slow sessions did not get because newer ones replace them, one for each session. */
  skipped: number;
  /** New sessions, and resumed ones. */
  opened: number;
  resumed: number;
  /** Openings refused by admission. */
  delayed: number;
  /** Received commands, and those refused as too many. */
  commands: number;
  tooManyCommands: number;
  /** Current subscriptions. */
  subscriptions: number;
  /** Paths that currently wait for a grant. */
  pending: number;
}

/** Returns counters at zero. */
export function newCounters(): Counters {
  const gapsBy = { evicted: 0, restarted: 0, slow: 0, no_log: 0 };
  return {
    updates: 0,
    deliveries: 0,
    gaps: 0,
    gapsBy,
    slow: 0,
    skipped: 0,
    opened: 0,
    resumed: 0,
    delayed: 0,
    commands: 0,
    tooManyCommands: 0,
    subscriptions: 0,
    pending: 0,
  };
}
