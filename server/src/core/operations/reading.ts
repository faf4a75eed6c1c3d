/** Reads logs and states from the broker for a back end or a module: positions, gaps and pages. */
import type { Json } from '../../../../protocol/frames.js';
import type { Position } from '../../../../protocol/positions.js';
import type { Broker, LogPage } from '../log/broker.js';
import type { Gap } from '../log/resume-point.js';
import type { LogEntry } from '../log/update.js';
import { dobbyError } from './dobby-error.js';

/** Items of a page unless a request says otherwise. */
export const DEFAULT_LIMIT = 100;
/** Characters of messages in one answer; the message that reaches it is the last. */
const MAX_CHARACTERS = 1024 * 1024;
const WHOLE = { maxCharacters: MAX_CHARACTERS };

/** Which part of a log is read. */
export interface HistoryRequest {
  readonly path: string;
  /** After this position; with `reverse` before it. */
  readonly since?: Position;
  /** The newest first. */
  readonly reverse?: boolean;
  readonly limit?: number;
}

/** An update that was published. */
export interface PastUpdate {
  readonly position: Position;
  readonly message: Json;
  readonly key?: string;
}

/** A part of a log. */
export interface HistoryReply {
  readonly updates: PastUpdate[];
  /** What is lost between `since` and the first update. */
  readonly gap: Gap | null;
  readonly head: Position;
  /** `since` of the next page; null when there is none. */
  readonly next: Position | null;
}

/** Reads a log. @throws DobbyError `no_log`, `bad_position` */
export async function historyOf(
  broker: Broker,
  { path, since, reverse = false, limit = DEFAULT_LIMIT }: HistoryRequest,
): Promise<HistoryReply> {
  const offset = since?.offset ?? (reverse ? Number.MAX_SAFE_INTEGER : 0);
  let page = await broker.read(path, { [reverse ? 'before' : 'after']: offset, limit, ...WHOLE });
  if (page === null) throw dobbyError('no_log', { field: 'path' });
  const isOtherEpoch = since !== undefined && since.epoch !== page.head.epoch;
  if (since !== undefined && !isOtherEpoch && since.offset > page.head.offset)
    throw dobbyError('bad_position', { field: 'since' });
  // Updates of another epoch all come before what is here.
  if (isOtherEpoch && reverse) page = { ...page, entries: [] };
  else if (isOtherEpoch) page = (await broker.read(path, { after: 0, limit, ...WHOLE })) ?? page;
  const { head, entries } = page;
  return {
    updates: entries.map((entry) => pastUpdate(entry, head.epoch)),
    gap: since === undefined || reverse ? null : gapBefore(page, since),
    head,
    next: nextOf(page, reverse),
  };
}

function gapBefore({ head: { epoch }, floor }: LogPage, since: Position): Gap | null {
  const to = { epoch, offset: floor };
  if (since.epoch !== epoch) return { from: since, to, reason: 'restarted' };
  return since.offset < floor ? { from: since, to, reason: 'evicted' } : null;
}

function nextOf({ head, floor, entries }: LogPage, reverse: boolean): Position | null {
  const last = entries.at(-1)?.offset;
  if (last === undefined || (reverse ? last === floor + 1 : last === head.offset)) return null;
  return { epoch: head.epoch, offset: last };
}

function pastUpdate({ key, text, offset }: LogEntry, epoch: string): PastUpdate {
  return { position: { epoch, offset }, message: JSON.parse(text), ...(key !== null && { key }) };
}

/** Which part of a state is read. */
export interface StateRequest {
  readonly path: string;
  /** Only these keys, as far as they are there. */
  readonly keys?: readonly string[];
  /** Only keys after this one. */
  readonly after?: string;
  readonly limit?: number;
}

/** The value of a key, and where the update stands that set it. */
export interface StateItem {
  readonly key: string;
  readonly message: Json;
  readonly position: Position;
}

/** A part of a state, in the order of its keys. */
export interface StateReply {
  readonly entries: StateItem[];
  /** Where the path stands: all entries are true there. */
  readonly position: Position;
  /** `after` of the next page; null when there is none. */
  readonly next: string | null;
  /** Whether a crash may have lost entries. */
  readonly isPartial: boolean;
}

/** Reads a state. @throws DobbyError `no_state` */
export async function stateOf(
  broker: Broker,
  { path, limit = DEFAULT_LIMIT, ...range }: StateRequest,
): Promise<StateReply> {
  const page = await broker.readState(path, { limit, ...range, ...WHOLE });
  if (page === null) throw dobbyError('no_state', { field: 'path' });
  const { head, entries, next, isPartial } = page;
  const items = entries.map(({ key, text, offset }) => ({
    ...{ key, message: JSON.parse(text) },
    position: { epoch: head.epoch, offset },
  }));
  return { entries: items, position: head, next, isPartial };
}
