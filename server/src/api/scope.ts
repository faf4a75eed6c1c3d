/**
 * Limits what an API key may do, for all methods: each declares how its requests name paths, and what the key does not
 * allow is refused before anything takes effect. A path that matches no pattern of the key is refused, even an invalid
 * one.
 */
import { type ErrorBody, errorBody } from '../../../protocol/codes.js';
import type { ApiKey } from '../auth/api-keys/api-keys.js';
import { fault } from '../http/http-errors.js';

/** The fields of `Body`, of each of its shapes where there are several. */
type FieldOf<Body> = Body extends unknown ? keyof Body & string : never;

/** How the requests of a method name paths. */
export type Scope<Body> =
  /** They name no paths: a key with patterns may use the method only if its `methods` name it. */
  | { readonly names: 'nothing' }
  /** `field` is the path: the request is refused. */
  | { readonly names: 'one'; readonly field: FieldOf<Body> }
  /**
   * `field` is a list, answered item by item as `results`: its items are refused one by one. `within`: where an item has its path, if it
   * is not the path itself. A request without the field is not for a key with patterns.
   */
  | { readonly names: 'each'; readonly field: FieldOf<Body>; readonly within?: string }
  /** `field` is a list of paths, refused as a whole; without it the method lists what its `mayName` lets it. */
  | { readonly names: 'listed'; readonly field: FieldOf<Body> };

/** A method, as far as it concerns what a key may do. */
interface Scoped {
  readonly name: string;
  // biome-ignore lint/suspicious/noExplicitAny: methods with different bodies are filtered alike
  readonly scope: Scope<any>;
}

/** What of a request may take effect. */
export interface FilteredRequest {
  /** The request itself where nothing of it is refused; null where nothing is left. */
  readonly body: object | null;
  /** Returns where an item of `body` stands in the request. */
  indexOf(index: number): number;
  /** Returns the answer to the whole request, made of the answer to `body`. */
  completeReply(reply: object): object;
}

interface Item {
  /** Where it stands in the request. */
  readonly index: number;
  readonly item: unknown;
  /** What it is answered when it is refused. */
  readonly refusal: object | null;
}

/** Whether `key` may name a path. */
export function mayName({ patterns }: ApiKey, path: string): boolean {
  return patterns === null || patterns.some((pattern) => pattern.match(path) !== null);
}

/** Refuses a method that the key may not use. @throws RequestFault `forbidden` */
export function mustUse(key: ApiKey, { name, scope }: Scoped): void {
  if (key.methods?.has(name) === false) throw forbidden(`is not for the method "${name}"`, key);
  if (scope.names === 'nothing') mustNameMethod(key, name);
}

/** Takes out of a request what the key may not name; `body` has been checked. @throws RequestFault `forbidden` for the whole */
export function filterRequest(
  key: ApiKey,
  { scope }: Scoped,
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
  const items = listOf(body[field]).map((item, index): Item => {
    const path = within === undefined ? item : (item as Record<string, unknown> | null)?.[within];
    // What is no text is refused by the method itself.
    if (typeof path !== 'string' || mayName(key, path)) return { index, item, refusal: null };
    const at = `${field}.${index}${within === undefined ? '' : `.${within}`}`;
    const error = beyond(key, at);
    return { index, item, refusal: within === undefined ? { path, error } : { error } };
  });
  const left = items.filter(({ refusal }) => refusal === null);
  return {
    indexOf: (index) => left[index]?.index ?? index,
    body: left.length === 0 ? null : { ...body, [field]: left.map(({ item }) => item) },
    completeReply: (reply) => ({
      ...reply,
      results: joined(items, listOf((reply as { results?: unknown }).results), field),
    }),
  };
}

/** The results of what was left, in their places among the refusals. */
function joined(items: readonly Item[], results: readonly unknown[], field: string): unknown[] {
  let next = 0;
  return items.map(({ index, refusal }) => refusal ?? placed(results[next++], field, index));
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

function mustNameMethod(key: ApiKey, method: string): void {
  if (key.patterns === null || key.methods?.has(method) === true) return;
  throw forbidden(`has patterns, and "${method}" names no paths: its methods must name it`, key);
}

const beyond = (key: ApiKey, field: string): ErrorBody =>
  errorBody('forbidden', { message: `${theKey(key)} has no pattern for this path.`, field });

const forbidden = (why: string, key: ApiKey) => fault('forbidden', { message: `${theKey(key)} ${why}.` });

const theKey = ({ name }: ApiKey): string => `The API key "${name}"`;

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
