/**
 * Limits what an API key may do, for all methods: each declares how its requests name paths, and what the key does not
 * allow is refused before anything takes effect. A path that matches no pattern of the key is refused, even an invalid
 * one.
 */
import { type ErrorBody, errorBody } from '../../../protocol/codes.js';
import type { ApiKey } from '../auth/api-keys/api-keys.js';
import { fault } from '../http/http-errors.js';
import type { AnyMethod } from './method.js';

/** What of a request may take effect. */
export interface FilteredRequest {
  /** The request itself where nothing of it is refused; null where nothing is left. */
  readonly body: object | null;
  /** Returns where an item of `body` stands in the request. */
  indexOf(index: number): number;
  /** Returns the answer to the whole request, made of the answer to `body`. */
  completeReply(reply: object): object;
}

/** Whether `key` may name a path. */
export function mayName({ patterns }: ApiKey, path: string): boolean {
  return patterns === null || patterns.some((pattern) => pattern.match(path) !== null);
}

/** Refuses a method that the key may not use. @throws RequestFault `forbidden` */
export function mustUse(key: ApiKey, { name, scope }: AnyMethod): void {
  if (key.methods?.has(name) === false) throw forbidden(`is not for the method "${name}"`, key);
  if (scope.names === 'nothing' && key.patterns !== null && key.methods === null)
    throw forbidden(`has patterns, and "${name}" names no paths: its methods must name it`, key);
}

/** Takes out of a request what the key may not name; `body` has been checked. @throws RequestFault `forbidden` for the whole */
export function filterRequest(
  key: ApiKey,
  { scope }: AnyMethod,
  body: Record<string, unknown>,
): FilteredRequest {
  const filtered = { body, indexOf: (index: number) => index, completeReply: (reply: object) => reply };
  if (key.patterns === null || scope.names === 'nothing') return filtered;
  const named = body[scope.field];
  switch (scope.names) {
    case 'one':
      mustName(key, String(named), scope.field);
      return filtered;
    case 'listed':
      for (const [index, path] of listOf(named).entries())
        mustName(key, String(path), `${scope.field}.${index}`);
      return filtered;
    case 'each':
      // A request may act beside its paths, such as bind a session to a user: the key must be able to name a path.
      if (named === undefined || (scope.within === undefined && listOf(named).length === 0)) {
        throw forbidden('has patterns, and this request names no paths', key);
      }
      return filterItems(key, scope, body);
    default:
      return scope satisfies never;
  }
}

function filterItems(
  key: ApiKey,
  { field, within }: { readonly field: string; readonly within?: string },
  body: Record<string, unknown>,
): FilteredRequest {
  const items = listOf(body[field]);
  /** What each item is answered when it is refused, else null. */
  const refusals = items.map((item, index) => {
    const path = within === undefined ? item : (item as Record<string, unknown> | null)?.[within];
    // What is no text is refused by the method itself.
    if (typeof path !== 'string' || mayName(key, path)) return null;
    const error = beyond(key, `${field}.${index}${within === undefined ? '' : `.${within}`}`);
    return within === undefined ? { path, error } : { error };
  });
  const left = [...items.keys()].filter((index) => refusals[index] === null);
  return {
    indexOf: (place) => left[place] ?? place,
    body: left.length === 0 ? null : { ...body, [field]: left.map((index) => items[index]) },
    completeReply(reply) {
      const answered = listOf((reply as { results?: unknown }).results);
      const results: unknown[] = [...refusals];
      for (const [place, index] of left.entries()) results[index] = placed(answered[place], field, index);
      return { ...reply, results };
    },
  };
}

/** A result whose error names the item by its place in the request. */
function placed(result: unknown, field: string, index: number): unknown {
  const { error } = result as { readonly error?: ErrorBody };
  if (error?.field === undefined || !error.field.startsWith(`${field}.`)) return result;
  const [, , ...rest] = error.field.split('.');
  return { ...(result as object), error: { ...error, field: [field, index, ...rest].join('.') } };
}

function mustName(key: ApiKey, path: string, field: string): void {
  if (!mayName(key, path)) throw fault('forbidden', beyond(key, field));
}

const beyond = (key: ApiKey, field: string): ErrorBody =>
  errorBody('forbidden', { message: `${theKey(key)} has no pattern for this path.`, field });

const forbidden = (why: string, key: ApiKey) => fault('forbidden', { message: `${theKey(key)} ${why}.` });

const theKey = ({ name }: ApiKey): string => `The API key "${name}"`;

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
