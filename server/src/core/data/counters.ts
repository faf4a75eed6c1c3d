import type { GapReason } from '../../../../protocol/positions.js';

/** What a server has counted since it started, and how many subscriptions there are; plain numbers that the hot path raises. */
export interface Counters {
  /** Updates published. */
  updates: number;
  /** Updates put into an outbox: one for each session that an update went to. */
  deliveries: number;
  /** Gaps told, and the same by reason. */
  gaps: number;
  readonly gapsBy: Record<GapReason, number>;
  /** Subscriptions that fell behind because their connection took no more. */
  slow: number;
  /** Updates left out for slow readers because newer ones replace them: once for each session. */
  skipped: number;
  /** Sessions opened new, and resumed. */
  opened: number;
  resumed: number;
  /** Openings that were put off: more were tried in a second than are admitted. */
  delayed: number;
  /** Commands that came, and those of them that were too many. */
  commands: number;
  tooManyCommands: number;
  /** Subscriptions there are now. */
  subscriptions: number;
  /** Paths that wait for a grant now. */
  pending: number;
}

/** All at zero. */
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
