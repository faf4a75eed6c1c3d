/**
 * Bytes from outside become text here, or are refused: JSON is UTF-8 (RFC 8259, 8.1), and a decoder that replaces what is none changes
 * what was said without a word.
 */
import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';

/** Goes after the name of what was read. */
const NOT_UTF8 = 'is not UTF-8';

/** A file is not UTF-8; the message names it. */
export class Utf8Error extends Error {
  override readonly name = 'Utf8Error';
}

/** Returns the text of `bytes`, or null when they are not UTF-8. A byte order mark is kept: it is no part of JSON. */
export function utf8Of(bytes: Uint8Array): string | null {
  if (!isUtf8(bytes)) return null;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}

/** Returns the text of a file. @throws Utf8Error; whatever reading it throws */
export function readUtf8(file: string): string {
  const text = utf8Of(readFileSync(file));
  if (text === null) throw new Utf8Error(`"${file}" ${NOT_UTF8}`);
  return text;
}

/**
 * Parses JSON. @throws Error whose message follows the name of the text; the parser's own quotes the text, in which a
 * key may stand
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const place = /at position \d+/.exec((error as Error).message)?.[0];
    throw new Error(place === undefined ? 'is not JSON' : `is not JSON, ${place}`);
  }
}

/** Returns what is wrong with a file that cannot be read or parsed, with its name. */
export function fileFault(file: string, error: unknown): string {
  if (error instanceof Utf8Error) return error.message;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return `"${file}" does not exist`;
  return `"${file}" ${code === undefined ? message : `cannot be read: ${message}`}`;
}

/** Returns the charset that a `Content-Type` header names beside UTF-8; null when it names none. */
export function otherCharset(contentType: string | undefined): string | null {
  if (contentType?.includes(';') !== true) return null;
  for (const [, quoted, plain] of contentType.matchAll(CHARSET)) {
    const name = quoted ?? plain ?? '';
    if (!/^utf-?8$/i.test(name)) return name.slice(0, MAX_SHOWN);
  }
  return null;
}

/** Returns the text of a body. @throws Error whose message follows the name of the body */
export function bodyText(bytes: Uint8Array, contentType: string): string {
  const charset = otherCharset(contentType);
  if (charset !== null) throw new Error(`has the charset "${charset}", which is not UTF-8`);
  const text = utf8Of(bytes);
  if (text === null) throw new Error(NOT_UTF8);
  return text;
}

const CHARSET = /;\s*charset\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|([^;,]*[^;,\s])?)/gi;
const MAX_SHOWN = 40;
