/** What a method of the API is: its schemas, which validate and describe it, and what it does. */
import type { z } from 'zod';
import type { Counters } from '../core/data/counters.js';
import type { Dispatcher } from '../core/hub/dispatcher.js';
import type { Publisher } from '../core/hub/publisher.js';
import type { Broker } from '../core/log/broker.js';
import type { DirectMessages } from '../core/sessions/direct-messages.js';
import type { Sessions } from '../core/sessions/sessions.js';
import type { Scope } from './scope.js';

/** What methods act on. */
export interface ApiContext {
  readonly sessions: Sessions;
  readonly dispatcher: Dispatcher;
  readonly publisher: Publisher;
  readonly directMessages: DirectMessages;
  readonly broker: Broker;
  readonly counters: Counters;
  /** Version, uptime and everything else that `info` tells beyond counters. */
  readonly about: () => { readonly version: string; readonly startedAt: number; readonly now: number };
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
   * Does it; the request names nothing that its key may not. What it lists without being asked for it by name it keeps to paths that
   * `mayName` is true of. @throws RequestFault when the whole request is refused.
   */
  run(body: Body, context: ApiContext, mayName: (path: string) => boolean): Reply | Promise<Reply>;
}

/** A method whose types have been forgotten, as the table holds it. */
// biome-ignore lint/suspicious/noExplicitAny: a table of methods with different bodies has no narrower type
export type AnyMethod = ApiMethod<any, unknown>;

/** Defines a method; the schemas give the types. */
export function defineMethod<Body, Reply>(method: ApiMethod<Body, Reply>): ApiMethod<Body, Reply> {
  return method;
}
