/**
 * What the server says, checked once at the edge: nothing behind this file looks at raw JSON. Fields
 * that are not known are left alone, types that are not known are passed on for whoever registered them.
 */
import {
  type Check,
  fits,
  isCount,
  isObject,
  isPosition,
  isString,
  listOf,
  optional,
  type Shape,
} from './checks.js';
import { type Decoded, type FrameType, UPDATE } from './frames.js';

const isPlace: Check = (value) => value === null || isPosition(value);
const coded = { code: isString, message: isString };

/** The frames of features are checked there; `probed` is for transports. */
type Checked = Exclude<FrameType, 'state' | 'reply' | 'renewed' | 'probed'>;

const SHAPES: Readonly<Record<Checked, Shape>> = {
  [UPDATE]: {
    path: isString,
    key: optional(isString),
    message: (value) => value !== undefined,
    position: optional(isPosition),
  },
  opened: {
    id: isString,
    ticket: isString,
    connection: isCount,
    received: isCount,
    pingIntervalMs: isCount,
  },
  subscribed: { paths: listOf({ path: isString, position: isPlace }) },
  pending: { paths: listOf(isString) },
  refused: { paths: listOf({ ...coded, path: isString }) },
  unsubscribed: { paths: listOf(isString), by: isString },
  gap: { path: isString, from: isPlace, to: isPlace, reason: isString },
  ticket: { ticket: isString },
  ping: { received: isCount },
  error: coded,
  closing: { code: isCount, message: isString },
};

/** Checks one frame; null when it is not what the protocol says. */
export function decodeFrame(value: unknown): Decoded | null {
  const { type = UPDATE } = isObject(value) ? value : { type: null };
  if (!isString(type)) return null;
  const isWell = !Object.hasOwn(SHAPES, type) || fits(value, SHAPES[type as Checked]);
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
