/**
 * One URL of the back end that Dobby asks, by POST: signed, over a pool of connections, bounded in requests, bytes and time, and not
 * at all while the back end is down. Nothing is repeated here, and no redirect is followed.
 */
import { errors, Pool } from 'undici';
import { Semaphore } from '../core/data/semaphore.js';
import { isTooDeep } from '../core/hub/draft.js';
import type { Clock } from '../core/time/clock.js';
import { redirectAdvice } from '../http/redirects.js';
import { NOT_UTF8, otherCharset, utf8Of } from '../http/utf8.js';
import type { Log } from '../observe/log.js';
import { CircuitBreaker, type CircuitToken } from './circuit-breaker.js';
import { SIGNATURE_HEADER, sign } from './signature.js';

/** What a webhook stands on. */
export interface WebhookParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly url: string;
  readonly secret: string;
  /** Connections at a time. */
  readonly maxConnections: number;
}

/**
 * What came of a question: the parsed JSON; `down`: it was not asked, since it is or seems to be down; `busy`: not asked, since too many are being asked;
 * `failed`: it gave no valid answer. `detail` says more for the log.
 */
export type WebhookAnswer =
  | { readonly json: unknown }
  | { readonly failure: 'down' | 'busy' | 'failed'; readonly detail?: string };

/** How long somebody waits. */
export interface Wait {
  readonly signal: AbortSignal;
  /** Whether that it was aborted tells that the back end is slow, which was asked for so many milliseconds; otherwise it tells nothing of it. */
  readonly isTelling: (askedMs: number) => boolean;
}

interface AskOptions extends Wait {
  readonly shown: Readonly<Record<string, string>>;
  readonly token: CircuitToken;
}

/** Requests that wait for a connection, for each connection. */
export const WAITING_PER_CONNECTION = 16;
/** What configures the URL, for advice. */
const SETTINGS = 'sessionUrl or commandUrl';
const MAX_ANSWER_BYTES = 1024 * 1024;
const CONNECT_MS = 5_000;
/** Shorter than what servers keep idle connections for, so that none is used that has just been closed. */
const IDLE_MS = 4_000;

/** What a proxy says of a back end that is down. Any other status is its own: a question that it cannot answer is not to keep others from asking. */
const IS_DOWN: ReadonlySet<number> = new Set([502, 503, 504]);

/** A URL of the back end. */
export class Webhook {
  readonly #parts: WebhookParts;
  readonly #pool: Pool;
  readonly #target: string;
  readonly #circuit: CircuitBreaker;
  /** Its line is here and not in the pool, so that the time in it is not taken for the back end's. */
  readonly #connections: Semaphore;
  #asked = 0;

  constructor(parts: WebhookParts) {
    this.#parts = parts;
    const { origin, pathname, search } = new URL(parts.url);
    this.#target = pathname + search;
    this.#pool = new Pool(origin, {
      connections: parts.maxConnections,
      pipelining: 1,
      connect: { timeout: CONNECT_MS },
      keepAliveTimeout: IDLE_MS,
      maxResponseSize: MAX_ANSWER_BYTES,
    });
    this.#connections = new Semaphore({ maxRunning: parts.maxConnections });
    this.#circuit = new CircuitBreaker(parts.clock, (pauseMs) => this.#tell(pauseMs));
  }

  /** Asks, showing `headers` beside its own, and waits until the signal is aborted. Never rejects. */
  async ask(
    question: object,
    wait: Wait,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<WebhookAnswer> {
    if (this.#asked >= this.#parts.maxConnections * (1 + WAITING_PER_CONNECTION)) return { failure: 'busy' };
    this.#asked++;
    try {
      if (!(await this.#connections.acquire({ signal: wait.signal }))) return { failure: 'busy' };
      try {
        return await this.#askNow(JSON.stringify(question), wait, headers);
      } finally {
        this.#connections.release();
      }
    } finally {
      this.#asked--;
    }
  }

  async #askNow(body: string, wait: Wait, shown: Readonly<Record<string, string>>): Promise<WebhookAnswer> {
    const token = this.#circuit.mayAsk();
    return token === null ? { failure: 'down' } : this.#ask(body, { ...wait, token, shown });
  }

  /** Lets go of the connections; what is being asked fails. */
  async stop(): Promise<void> {
    await this.#pool.destroy();
  }

  async #ask(body: string, { signal, isTelling, token, shown }: AskOptions): Promise<WebhookAnswer> {
    const { secret, clock } = this.#parts;
    const request = { method: 'POST', target: this.#target, body };
    const askedAt = clock.monotonic();
    try {
      const {
        statusCode,
        headers,
        body: answer,
      } = await this.#pool.request({
        method: 'POST',
        path: this.#target,
        headers: {
          ...shown,
          'content-type': 'application/json',
          accept: 'application/json',
          [SIGNATURE_HEADER]: sign(request, { secret, now: clock.now() }),
        },
        body,
        signal,
      });
      const bytes = await answer.bytes();
      if (IS_DOWN.has(statusCode)) return this.#failed(token, `status ${statusCode}`);
      this.#circuit.succeeded();
      const { url } = this.#parts;
      if (statusCode !== 200)
        return refusalOf(
          statusCode,
          redirectAdvice(statusCode, headers['location'], { from: url, setting: SETTINGS }),
        );
      return read(String(headers['content-type'] ?? ''), bytes);
    } catch (error) {
      // Who waited has gone: that says nothing of the back end.
      if (signal.aborted && !isTelling(clock.monotonic() - askedAt)) {
        this.#circuit.gaveUp(token);
        return { failure: 'failed', detail: 'nobody waits any more' };
      }
      // It has answered, though not what can be taken.
      if (isTooLarge(error)) {
        this.#circuit.succeeded();
        return { failure: 'failed', detail: `more than ${MAX_ANSWER_BYTES} bytes` };
      }
      if (!wasAsked(error)) return this.#failed(token, describe(error), 'down');
      return this.#failed(token, describe(error));
    }
  }

  #failed(token: CircuitToken, detail: string, failure: 'failed' | 'down' = 'failed'): WebhookAnswer {
    this.#circuit.failed(token);
    return { failure, detail };
  }

  #tell(pauseMs: number | null): void {
    const { log, url } = this.#parts;
    if (pauseMs === null) log.info({ url }, 'the back end answers again');
    else log.error({ url, pauseMs }, 'the back end does not answer, and is not asked for a while');
  }
}

const isTooLarge = (error: unknown): boolean => error instanceof errors.ResponseExceededMaxSizeError;

/** What happens before anything of a request was sent. */
const UNSENT: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** Whether the back end may have got the request. */
function wasAsked(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(wasAsked);
  return !UNSENT.has(String((error as { code?: unknown } | null)?.code));
}

function refusalOf(status: number, redirect: string): WebhookAnswer {
  const advice = status === 401 ? ': does it have the same webhook secret?' : redirect;
  return { failure: 'failed', detail: `status ${status}${advice}` };
}

function read(type: string, bytes: Uint8Array): WebhookAnswer {
  if (!/^application\/json\b/i.test(type)) return { failure: 'failed', detail: `no JSON but "${type}"` };
  const charset = otherCharset(type);
  if (charset !== null) return { failure: 'failed', detail: `the charset "${charset}", and not UTF-8` };
  const text = utf8Of(bytes);
  if (text === null) return { failure: 'failed', detail: `its body ${NOT_UTF8}` };
  try {
    if (isTooDeep(text)) return { failure: 'failed', detail: 'JSON that is nested too deep' };
    return { json: JSON.parse(text) };
  } catch {
    return { failure: 'failed', detail: 'no JSON' };
  }
}

/** A pool wraps what happened on several addresses. */
function describe(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(describe).join('; ');
  return error instanceof Error ? error.message : String(error);
}
