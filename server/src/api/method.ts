/** What a method of the API is: its schemas, which validate and describe it, and what it does. */
import type { z } from 'zod';
import type { Engine } from '../core/engine.js';
import type { IdempotencyKey } from '../core/log/idempotency.js';

/** What methods act on. */
export interface ApiContext extends Pick<Engine, 'sessions' | 'dispatcher' | 'counters' | 'operations'> {
  /** Tells what `info` does beyond counters. */
  readonly about: () => { readonly version: string; readonly uptimeMs: number };
}

/** The API key that asks. */
export interface Caller {
  /** Whether it may name a path: lists are kept to such paths. */
  mayName(path: string): boolean;
  /** Returns what makes a request take effect once; undefined without an idempotency key. `place` tells the items of a list apart. */
  once(idempotencyKey: string | undefined, request: unknown, place?: number): IdempotencyKey | undefined;
}

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

/** One method. */
export interface ApiMethod<Body, Reply> {
  /** One sentence for the description. */
  readonly summary: string;
  readonly body: z.ZodType<Body>;
  readonly reply: z.ZodType<Reply>;
  /** How a request names paths, by which a key is held to its own. */
  readonly scope: Scope<Body>;
  /**
   * Does it; the request names nothing that its key may not. Rejects with DobbyError or RequestFault when the whole request is refused.
   */
  run(body: Body, context: ApiContext, caller: Caller): Reply | Promise<Reply>;
}

/** A method with its name in the URL, whose types have been forgotten, as the table holds it. */
// biome-ignore lint/suspicious/noExplicitAny: a table of methods with different bodies has no narrower type
export type AnyMethod = ApiMethod<any, unknown> & { readonly name: string };

/** Defines a method; the schemas give the types. */
export function defineMethod<Body, Reply>(method: ApiMethod<Body, Reply>): ApiMethod<Body, Reply> {
  return method;
}
