/** Computes where in a log a subscription begins, from the position that its client names. */
import type { GapReason, Position } from '../../../../protocol/positions.js';
import type { PathLog } from './path-log.js';

/** What a client has missed. */
export interface Gap {
  readonly from: Position | null;
  readonly to: Position | null;
  readonly reason: GapReason;
}

/** The start of a subscription, and the gap to report first. */
export interface ResumePoint {
  /** Null without a log. */
  readonly start: Position | null;
  readonly gap: Gap | null;
}

/** Returns whether a position is beyond a head. */
export function isAhead(head: Position, position: Position | null | undefined): boolean {
  return position?.epoch === head.epoch && position.offset > head.offset;
}

/** The start that a client asks for. */
export interface ResumeRequest {
  /** Undefined for a first subscription; null when the client has heard the path but has no position. */
  readonly position?: Position | null;
  /** How many of the newest updates a first subscription wants. */
  readonly last?: number;
}

/** Returns whether a log reaches back far enough to begin there. It may be a tail, which has less than its store. */
export function reaches({ head, floor }: PathLog, { position, last = 0 }: ResumeRequest): boolean {
  return position === undefined ? head.offset - last >= floor : !isAhead(head, position);
}

/** Returns where a client begins in a log with this floor. Reading the log finds later evictions. */
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
