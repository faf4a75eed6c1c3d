/**
 * Authenticates clients and authorizes paths by signed requests to the back end. Equal concurrent requests are sent
 * once. Without a valid answer the client is refused.
 */
import { z } from 'zod';
import { errorBody, type Outcome } from '../../../../protocol/codes.js';
import { LIMITS } from '../../../../protocol/limits.js';
import type { Webhook } from '../../back-end/webhook.js';
import type {
  Authentication,
  ClientInfo,
  PathDecision,
  Principal,
  SessionWebhook,
} from '../../core/access/identity.js';
import type { Clock } from '../../core/time/clock.js';
import type { TimerWheel } from '../../core/time/timer-wheel.js';
import type { Log } from '../../observe/log.js';
import { check, name, sources } from '../../schema.js';

// The answers (docs/protocol.md, "The back end's session view"); each is valid as a whole or not at all.
const MAX_ERROR_CHARACTERS = 1_000;
/** An identity lasts at least this long, so that the back end is not asked in a loop. */
const MIN_EXPIRY_MS = 1_000;

const info = z
  .unknown()
  .refine((value) => JSON.stringify(value).length <= LIMITS.infoCharacters, 'too long')
  .pipe(z.json());

const refusal = z.strictObject({
  error: z.strictObject({
    code: z.literal('not_allowed'),
    message: z.string().max(MAX_ERROR_CHARACTERS).exactOptional(),
  }),
});
const sessionIdentity = z.strictObject({
  user: name.nullable().default(null),
  login: name.nullable().default(null),
  info: info.default(null),
  grants: sources.default([]),
  refused: sources.default([]),
  expiresInMs: z.int().min(MIN_EXPIRY_MS).nullable().default(null),
});
/** The answer to `subscribe`. */
const pathDecision = z.strictObject({ grants: sources.default([]), refused: sources.default([]) });

/** Options of an `HttpSessionWebhook`. */
export interface SessionWebhookOptions {
  readonly webhook: Webhook;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly log: Log;
  /** The timeout of one request. */
  readonly timeoutMs: number;
  /** Concurrent requests about paths; further ones get null, so that authentication always has room. */
  readonly maxPathRequests: number;
}

/** A back end that has not answered after this time counts as slow. */
const SLOW_MS = 4_500;

/** The session view of a back end. */
export class HttpSessionWebhook implements SessionWebhook {
  readonly #options: SessionWebhookOptions;
  readonly #authentications = new Map<string, Promise<Outcome<Authentication>>>();
  readonly #pathRequests = new Map<string, Promise<PathDecision | null>>();

  constructor(options: SessionWebhookOptions) {
    this.#options = options;
  }

  authenticate(client: ClientInfo, paths: readonly string[]): Promise<Outcome<Authentication>> {
    return once(this.#authentications, JSON.stringify([client, paths]), () =>
      this.#authenticate(client, paths),
    );
  }

  ask(principal: Principal, paths: readonly string[]): Promise<PathDecision | null> {
    const request = { type: 'subscribe', ...principal, paths };
    return once(this.#pathRequests, JSON.stringify(request), () => this.#ask(request));
  }

  async #authenticate(
    { headers, address }: ClientInfo,
    paths: readonly string[],
  ): Promise<Outcome<Authentication>> {
    const { clock } = this.#options;
    const at = clock.now();
    const forwarded = { ...headers, 'x-forwarded-for': address };
    const read = await this.#post({ type: 'session', paths }, readSessionAnswer, forwarded);
    if (read === null) return { error: errorBody('not_identified') };
    if ('error' in read) {
      const { message = 'The back end refused this client.' } = read.error;
      return { error: errorBody('not_allowed', { message }) };
    }
    const { refused, expiresInMs, ...claims } = read;
    const expiresAt = expiresInMs === null ? null : clock.now() + expiresInMs;
    return { value: { identity: { source: 'webhook', ...claims, at, expiresAt }, refused } };
  }

  async #ask(request: object): Promise<PathDecision | null> {
    const { clock, maxPathRequests } = this.#options;
    const at = clock.now();
    if (this.#pathRequests.size >= maxPathRequests) return null;
    const read = await this.#post(request, (json) => parse(pathDecision, json));
    return read === null ? null : { ...read, at };
  }

  /** Sends a request and parses its answer. Returns null without a valid answer, and logs why. */
  async #post<T extends object>(
    request: object,
    read: (json: unknown) => T | string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<T | null> {
    const { webhook, wheel, log, timeoutMs } = this.#options;
    const abort = new AbortController();
    const timer = wheel.after(timeoutMs, () => abort.abort(new Error('no answer in time')));
    const countsAsFailure = (askedMs: number): boolean => askedMs >= Math.min(timeoutMs, SLOW_MS);
    const answer = await webhook.ask(request, { signal: abort.signal, countsAsFailure, headers });
    timer.cancel();
    const content = 'json' in answer ? read(answer.json) : answer.detail;
    if (typeof content === 'object') return content;
    // A request that was never sent has no detail: the circuit breaker logs that the back end is down.
    if (content !== undefined) log.warn({ detail: content }, 'the session view gave no valid answer');
    return null;
  }
}

/** Returns the pending promise of an equal request, else that of `send`. */
function once<T>(pending: Map<string, Promise<T>>, key: string, send: () => Promise<T>): Promise<T> {
  const known = pending.get(key);
  if (known !== undefined) return known;
  const sent = send().finally(() => pending.delete(key));
  pending.set(key, sent);
  return sent;
}

/** Parses the answer to `session`: who the client is, or that it is refused. */
function readSessionAnswer(json: unknown) {
  const isRefusal = typeof json === 'object' && json !== null && 'error' in json;
  return isRefusal ? parse(refusal, json) : parse(sessionIdentity, json);
}

/** Parses an answer; a string is the message of its fault. */
function parse<T>(schema: z.ZodType<T>, json: unknown): T | string {
  const checked = check(schema, json);
  if (!('error' in checked)) return checked.value;
  const { message, field } = checked.error;
  return field === undefined ? message : `${field}: ${message}`;
}
