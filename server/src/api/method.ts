/** What a method of the API is: its schemas, which validate and describe it, and what it does. */
import type { z } from 'zod';
import type { Engine } from '../core/engine.js';
import type { IdempotencyKey } from '../core/log/idempotency.js';
import type { Operations } from '../core/operations/operations.js';
import type { Scope } from './scope.js';

/** What methods act on. */
export interface ApiContext extends Pick<Engine, 'sessions' | 'dispatcher' | 'counters'> {
  readonly operations: Operations;
  /** Version, uptime and everything else that `info` tells beyond counters. */
  readonly about: () => { readonly version: string; readonly startedAt: number; readonly now: number };
}

/** The API key that asks. */
export interface Caller {
  /** Whether it may name a path: lists are kept to such paths. */
  mayName(path: string): boolean;
  /** Returns what makes a request take effect once; undefined without an idempotency key. `place` tells the items of a list apart. */
  once(idempotencyKey: string | undefined, request: unknown, place?: number): IdempotencyKey | undefined;
}

/** One method. */
export interface ApiMethod<Body, Reply> {
  /** Its name in the URL. */
  readonly name: string;
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

/** A method whose types have been forgotten, as the table holds it. */
// biome-ignore lint/suspicious/noExplicitAny: a table of methods with different bodies has no narrower type
export type AnyMethod = ApiMethod<any, unknown>;

/** Defines a method; the schemas give the types. */
export function defineMethod<Body, Reply>(method: ApiMethod<Body, Reply>): ApiMethod<Body, Reply> {
  return method;
}
