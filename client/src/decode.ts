/**
 * What the server says, checked once at the edge: nothing behind this file looks at raw JSON. Fields
 * that are not known are left alone, types that are not known are passed on for whoever registered them.
 */
import type { ControlFrame, UpdateFrame } from '../../protocol/frames.js';
import type { Position } from '../../protocol/positions.js';

/** A frame of a type that the core does not know, as it came. */
export interface OtherFrame {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** A frame that passed the check: an update when it has no type. */
export type Decoded = ControlFrame | OtherFrame | (UpdateFrame & { readonly type?: undefined });

type Check = (value: unknown) => boolean;
type Fields = Readonly<Record<string, Check>>;

const isString: Check = (value) => typeof value === 'string';
const isBoolean: Check = (value) => typeof value === 'boolean';
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;

/** Whether `value` is a JSON object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const fits = (value: unknown, fields: Fields): boolean =>
  isObject(value) && Object.entries(fields).every(([name, check]) => check(value[name]));
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const objectOf =
  (fields: Fields): Check =>
  (value) =>
    fits(value, fields);

/** Whether `value` is a position. */
export function isPosition(value: unknown): value is Position {
  return fits(value, { epoch: isString, offset: isCount });
}

const isPlace: Check = (value) => value === null || isPosition(value);
const coded: Fields = { code: isString, message: isString };

const SHAPES: Readonly<Record<ControlFrame['type'], Fields>> = {
  opened: {
    id: isString,
    ticket: isString,
    connection: isCount,
    resumed: isBoolean,
    received: isCount,
    pingIntervalMs: isCount,
  },
  subscribed: { paths: listOf(objectOf({ path: isString, position: isPlace })) },
  pending: { paths: listOf(isString) },
  refused: { paths: listOf(objectOf({ ...coded, path: isString })) },
  unsubscribed: { paths: listOf(isString), by: isString },
  gap: { path: isString, from: isPlace, to: isPlace, reason: isString },
  ticket: { ticket: isString },
  ping: { received: isCount },
  error: coded,
  closing: { code: isCount, message: isString },
};

/** Checks one frame; null when it is not what the protocol says. */
export function decodeFrame(value: unknown): Decoded | null {
  if (!isObject(value)) return null;
  const { type, path, position } = value;
  let isWell = typeof type === 'string';
  if (type === undefined)
    isWell = isString(path) && 'message' in value && (position === undefined || isPosition(position));
  else if (Object.hasOwn(SHAPES, String(type))) isWell = fits(value, SHAPES[type as ControlFrame['type']]);
  return isWell ? (value as unknown as Decoded) : null;
}

/** Reads JSON; undefined (which JSON cannot say) when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the caller says what a broken text means on its transport
  }
}
