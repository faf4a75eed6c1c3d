/** Checks what is to be published or sent, and makes a draft or an encoded message of it. */
import { ERRORS, errorBody, type Outcome } from '../../../../protocol/codes.js';
import type { Json } from '../../../../protocol/frames.js';
import { LIMITS } from '../../../../protocol/limits.js';
import { keyFault, pathFault } from '../../../../protocol/paths.js';
import type { Draft } from '../log/update.js';

/** An update as a back end publishes it. */
export interface UpdateRequest {
  readonly path: string;
  readonly message: Json;
  readonly key?: string;
  readonly version?: number | null;
  readonly except?: readonly string[];
}

/** A checked message with its JSON. */
export interface EncodedMessage {
  readonly message: Json;
  /** The message as JSON. */
  readonly text: string;
}

/** How deep a message may be nested: it must still be writable within other JSON. */
const MAX_DEPTH = 512;
const NULL = 'null';
const NOT_JSON = `${ERRORS.bad_field.message} It is no JSON value, or nested more than ${MAX_DEPTH} deep.`;

/** Returns a draft, or the error. `prefix` leads to the item in the request. */
export function draftOf(publication: UpdateRequest, prefix = ''): Outcome<Draft> {
  const { path, key, message, except } = publication;
  const wrong = pathFault(path);
  if (wrong !== null) return { error: errorBody(wrong, { field: `${prefix}path` }) };
  const wrongKey = key === undefined ? null : keyFault(key);
  if (wrongKey !== null) return { error: errorBody(wrongKey, { field: `${prefix}key` }) };
  if (key === undefined && publication.version !== undefined) {
    return {
      error: errorBody('bad_field', { message: 'A version is that of a key.', field: `${prefix}version` }),
    };
  }
  const encoded = encodeMessage(message, `${prefix}message`);
  if ('error' in encoded) return encoded;
  const hidden = except === undefined || except.length === 0 ? null : new Set(except);
  const version = publication.version === undefined ? {} : { version: publication.version };
  return { value: { path, key: key ?? null, ...version, ...encoded.value, sender: '', except: hidden } };
}

/** Returns an encoded message, or the error. */
export function encodeMessage(message: Json, field = 'message'): Outcome<EncodedMessage> {
  const text = textOf(message);
  if (text === null) return { error: errorBody('bad_field', { message: NOT_JSON, field }) };
  if (Buffer.byteLength(text) > LIMITS.messageBytes) return { error: errorBody('too_large', { field }) };
  // Decided by the text that is sent and stored: Infinity (as of 1e999), and some results of `toJSON`, are null there.
  return { value: { message: text === NULL ? null : message, text } };
}

/** Returns a value as JSON; null if that is not possible, or nested too deep to be written again. */
export function textOf(message: Json): string | null {
  try {
    const text = JSON.stringify(message) ?? null;
    return text === null || isTooDeep(text) ? null : text;
  } catch {
    return null;
  }
}

/** Returns whether JSON is nested too deep to be written again within other JSON. */
export function isTooDeep(json: string): boolean {
  if (json.length <= 2 * MAX_DEPTH) return false;
  let depth = 0;
  let isInText = false;
  for (let i = 0; i < json.length; i++) {
    const char = json[i];
    if (isInText) {
      if (char === '\\') i++;
      else if (char === '"') isInText = false;
    } else if (char === '"') isInText = true;
    else if (char === '[' || char === '{') depth++;
    else if (char === ']' || char === '}') depth--;
    if (depth > MAX_DEPTH) return true;
  }
  return false;
}
