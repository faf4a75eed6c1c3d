/** Where in a log a subscription begins, from the position that its client names. */
import type { GapReason, Position } from '../../../../protocol/positions.js';
import type { PathLog } from './path-log.js';

/** What a client has missed. */
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

/** Whether a position is beyond a head. */
export function isAhead(head: Position, position: Position | null | undefined): boolean {
  return position?.epoch === head.epoch && position.offset > head.offset;
}

/** Where a client wants to begin. */
export interface ResumeRequest {
  /** Undefined when it hears the path for the first time; null when it heard it but has no position. */
  readonly position?: Position | null;
  /** How many of the newest updates it wants, when it hears the path for the first time. */
  readonly last?: number;
}

/** Whether a log holds enough to tell where a client begins: it may be a tail, which is behind its store or holds less. */
export function reaches({ head, floor }: PathLog, { position, last = 0 }: ResumeRequest): boolean {
  return position === undefined ? head.offset - last >= floor : !isAhead(head, position);
}

/** Returns where a client begins in a log with this floor. What the log does not hold any more is found when it is read. */
export function resumePointIn(
  log: PathLog | null,
  { position, last = 0 }: ResumeRequest,
  floor = log?.floor ?? 0,
): ResumePoint {
  if (log === null) {
    return { start: null, gap: position === undefined ? null : { from: null, to: null, reason: 'no_log' } };
  }
  const { epoch, head } = log;
  if (position === undefined) {
    return { start: { epoch, offset: Math.max(floor, head.offset - last) }, gap: null };
  }
  if (position === null) return { start: head, gap: { from: null, to: head, reason: 'restarted' } };
  if (position.epoch === epoch) return { start: position, gap: null };
  const start = { epoch, offset: 0 };
  return { start, gap: { from: position, to: start, reason: 'restarted' } };
}
