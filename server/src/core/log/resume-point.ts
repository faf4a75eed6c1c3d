/** Where in a log a subscription begins, from the position that its client names. */
import type { GapReason, Position } from '../../../../protocol/positions.js';
import type { PathLog } from './path-log.js';

/** What a client is told it has missed. */
export interface Gap {
  readonly from: Position | null;
  readonly to: Position | null;
  readonly reason: GapReason;
}

/** A place to begin, with the gap that must be told first. */
export interface ResumePoint {
  /** Null without a log. */
  readonly start: Position | null;
  readonly gap: Gap | null;
}

/**
 * Places a client in `log`. `position` is undefined when it hears the path for the first time, from before the `last` newest updates, null when it heard it
 * but has no position. Null is answered when the path has never reached the position.
 */
export function resumePointIn(
  log: PathLog | null,
  position: Position | null | undefined,
  last = 0,
): ResumePoint | null {
  if (log === null) {
    return { start: null, gap: position === undefined ? null : { from: null, to: null, reason: 'no_log' } };
  }
  if (position === undefined) {
    const offset = Math.max(log.floor, log.head.offset - last);
    return { start: { epoch: log.epoch, offset }, gap: null };
  }
  if (position === null) return { start: log.head, gap: { from: null, to: log.head, reason: 'restarted' } };
  const floor = { epoch: log.epoch, offset: log.floor };
  if (position.epoch !== log.epoch) {
    return { start: floor, gap: { from: position, to: floor, reason: 'restarted' } };
  }
  if (position.offset > log.head.offset) return null;
  if (position.offset < floor.offset) {
    return { start: floor, gap: { from: position, to: floor, reason: 'evicted' } };
  }
  return { start: { epoch: log.epoch, offset: position.offset }, gap: null };
}
