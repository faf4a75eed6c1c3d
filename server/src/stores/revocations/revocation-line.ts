/**
 * Parses one line of a revocation journal. A start may read hundreds of thousands, so fields are checked by hand. A
 * line that a crash has cut short is null: its write was never acknowledged.
 */
import { patternFault } from '../../../../protocol/patterns.js';
import type { Revocation } from '../../core/access/revocation-list.js';

type Check = (value: unknown) => boolean;
type Fields = ReadonlyMap<string, Check>;

const isText: Check = (value) => typeof value === 'string';
const isTime: Check = (value) => Number.isSafeInteger(value);
const isFlag: Check = (value) => typeof value === 'boolean';
const isUser: Check = (value) => value === null || typeof value === 'string';
const isSource: Check = (value) => typeof value === 'string' && patternFault(value) === null;
const isScope: Check = (value) => value === 'sessions' || value === 'users';

/** The fields of each kind of record, by the field that identifies the kind. */
const KINDS: ReadonlyMap<string, Fields> = new Map(
  Object.entries({
    id: { id: isText, at: isTime, isFinal: isFlag, path: isText, isEmpty: isFlag, user: isUser },
    ofUser: { ofUser: isText, at: isTime, isFinal: isFlag, pattern: isSource },
    ofLogin: { ofLogin: isText, at: isTime, isFinal: isFlag },
    horizon: { horizon: isTime, of: isScope, at: isTime },
  }).map(([name, fields]) => [name, new Map(Object.entries<Check>(fields))]),
);
const NAMES = [...KINDS.keys()];

/** Parses a line; returns null for an invalid one. */
export function readLine(line: string): Revocation | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !('at' in value)) return null;
  const kind = NAMES.find((name) => Object.hasOwn(value, name));
  const fields = kind === undefined ? undefined : KINDS.get(kind);
  if (fields === undefined) return null;
  for (const name in value) {
    if (fields.get(name)?.((value as Record<string, unknown>)[name]) !== true) return null;
  }
  if (kind === 'horizon' && !('of' in value)) return null;
  return value as Revocation;
}
