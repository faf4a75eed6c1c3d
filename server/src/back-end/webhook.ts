/**
 * Sends signed POST requests to one URL of the back end, over a pool of connections. Requests, bytes and time are
 * bounded; a circuit breaker suspends requests while the back end is down. Does not retry, and follows no redirect.
 */
import { errors, Pool } from 'undici';
import { Semaphore } from '../core/data/semaphore.js';
import { isTooDeep } from '../core/hub/draft.js';
import type { Clock } from '../core/time/clock.js';
import { failureMessage, redirectAdvice } from '../http/outgoing.js';
import { bodyText, parseJson } from '../http/utf8.js';
import type { Log } from '../observe/log.js';
import { CircuitBreaker, type CircuitToken } from './circuit-breaker.js';
import { SIGNATURE_HEADER, sign } from './signature.js';

/** Options of a `Webhook`. */
export interface WebhookOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly url: string;
  readonly secret: string;
  /** Concurrent connections. */
  readonly maxConnections: number;
}

/**
 * The result of a request: the parsed JSON, or a failure. `down`: not sent, the back end seems to be down; `busy`: not
 * sent, the queue is full; `failed`: the back end gave no valid answer. `detail` is for the log.
 */
export type WebhookAnswer =
  | { readonly json: unknown }
  | { readonly failure: 'down' | 'busy' | 'failed'; readonly detail?: string };

/** How a request is sent, and how long its caller waits. */
export interface AskOptions {
  readonly signal: AbortSignal;
  /** Returns whether an abort after so many milliseconds counts as a failure of the back end, which is slow then. */
  readonly countsAsFailure: (askedMs: number) => boolean;
  /** Additional headers. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Requests that wait for a connection, for each connection. */
export const WAITING_PER_CONNECTION = 16;
/** The settings that name the URL, for advice. */
const SETTINGS = 'sessionUrl or commandUrl';
const MAX_ANSWER_BYTES = 1024 * 1024;
const CONNECT_MS = 5_000;
/** Shorter than the keep-alive of servers, so that no request goes to a connection that the server is closing. */
const IDLE_MS = 4_000;

/** Statuses of a proxy whose back end is down. With any other status the back end has answered. */
const DOWN_STATUSES: ReadonlySet<number> = new Set([502, 503, 504]);

/** Sends requests to one URL. */
export class Webhook {
  readonly #options: WebhookOptions;
  readonly #pool: Pool;
  readonly #target: string;
  readonly #circuit: CircuitBreaker;
  /** Requests queue here and not in the pool, so that waiting does not count as the back end's time. */
  readonly #connections: Semaphore;

  constructor(options: WebhookOptions) {
    this.#options = options;
    const { origin, pathname, search } = new URL(options.url);
    this.#target = pathname + search;
    this.#pool = new Pool(origin, {
      connections: options.maxConnections,
      pipelining: 1,
      connect: { timeout: CONNECT_MS },
      keepAliveTimeout: IDLE_MS,
      maxResponseSize: MAX_ANSWER_BYTES,
    });
    this.#connections = new Semaphore({
      maxRunning: options.maxConnections,
      maxWaiting: options.maxConnections * WAITING_PER_CONNECTION,
    });
    this.#circuit = new CircuitBreaker(options.clock, (pauseMs) => this.#logChange(pauseMs));
  }

  /** Sends a request; waits until the signal is aborted. Never rejects. */
  async ask(content: object, options: AskOptions): Promise<WebhookAnswer> {
    const { signal } = options;
    const answer = await this.#connections.run(() => this.#send(content, options), { signal });
    return answer ?? { failure: 'busy' };
  }

  /** Closes the connections; pending requests fail. */
  async stop(): Promise<void> {
    await this.#pool.destroy();
  }

  async #send(content: object, options: AskOptions): Promise<WebhookAnswer> {
    const body = JSON.stringify(content);
    const token = this.#circuit.allow();
    if (token === null) return { failure: 'down' };
    const { secret, clock, url } = this.#options;
    const { signal, countsAsFailure } = options;
    const request = { method: 'POST', target: this.#target, body };
    const sentAt = clock.monotonic();
    try {
      const answer = await this.#pool.request({
        method: 'POST',
        path: this.#target,
        headers: {
          ...options.headers,
          'content-type': 'application/json',
          accept: 'application/json',
          [SIGNATURE_HEADER]: sign(request, { secret, now: clock.now() }),
        },
        body,
        signal,
      });
      const bytes = await answer.body.bytes();
      const { statusCode: status, headers } = answer;
      if (DOWN_STATUSES.has(status)) return this.#failed(token, `status ${status}`);
      this.#circuit.succeeded();
      if (status === 200) return parse(String(headers['content-type'] ?? ''), bytes);
      const redirect = redirectAdvice(status, headers['location'], { from: url, setting: SETTINGS });
      const advice = status === 401 ? ': does it have the same webhook secret?' : redirect;
      return { failure: 'failed', detail: `status ${status}${advice}` };
    } catch (error) {
      if (signal.aborted && !countsAsFailure(clock.monotonic() - sentAt)) {
        this.#circuit.cancelled(token);
        return { failure: 'failed', detail: 'the caller stopped waiting' };
      }
      // Too large an answer is still an answer.
      if (error instanceof errors.ResponseExceededMaxSizeError) {
        this.#circuit.succeeded();
        return { failure: 'failed', detail: `its answer has more than ${MAX_ANSWER_BYTES} bytes` };
      }
      return this.#failed(token, failureMessage(error), mayHaveArrived(error) ? 'failed' : 'down');
    }
  }

  #failed(token: CircuitToken, detail: string, failure: 'failed' | 'down' = 'failed'): WebhookAnswer {
    this.#circuit.failed(token);
    return { failure, detail };
  }

  #logChange(pauseMs: number | null): void {
    const { log, url } = this.#options;
    if (pauseMs === null) log.info({ url }, 'the back end answers again');
    else log.error({ url, pauseMs }, 'the back end does not answer: requests are suspended');
  }
}

/** Errors that happen before any byte of a request was sent. */
const UNSENT: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** Returns whether the back end may have received the request. */
function mayHaveArrived(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(mayHaveArrived);
  return !UNSENT.has(String((error as { code?: unknown } | null)?.code));
}

function parse(type: string, bytes: Uint8Array): WebhookAnswer {
  const failed = (detail: string): WebhookAnswer => ({ failure: 'failed', detail });
  if (!/^application\/json\b/i.test(type))
    return failed(`its content type "${type}" is not application/json`);
  try {
    const text = bodyText(bytes, type);
    return isTooDeep(text) ? failed('its JSON is nested too deep') : { json: parseJson(text) };
  } catch (error) {
    return failed(`its body ${(error as Error).message}`);
  }
}
