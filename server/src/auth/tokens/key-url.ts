/**
 * Token keys from a URL. They are fetched at the start, in the background when they are old, and when a token names an
 * unknown key. The last is rate-limited, since any client can cause it. One fetch runs at a time, and all callers share
 * it. When a fetch fails the known keys stay valid.
 */
import { Agent, errors, request } from 'undici';
import type { Clock } from '../../core/time/clock.js';
import { failureMessage, redirectAdvice } from '../../http/outgoing.js';
import { bodyText } from '../../http/utf8.js';
import type { Log } from '../../observe/log.js';
import { KeySet, type KeySource, MAX_SET_BYTES, TokenKeysError } from './key-set.js';

const MAX_AGE_MS = 10 * 60 * 1000;
const UNKNOWN_KEY_EVERY_MS = 30_000;
const RETRY_MS = 5_000;
const FETCH_MS = 5_000;
/** Callers that may wait for a fetch; each holds a token. */
const MAX_WAITING = 4_096;

/** A JWKS URL. */
export class KeyUrl implements KeySource {
  readonly #options: { readonly url: string; readonly clock: Clock; readonly log: Log };
  readonly #agent = new Agent({
    connections: 1,
    connect: { timeout: FETCH_MS },
    maxResponseSize: MAX_SET_BYTES,
  });
  #keys: KeySet | null = null;
  /** Start of the fetch that gave `#keys`, and of the last fetch, in monotonic time. */
  #keysAt = 0;
  #fetchedAt = Number.NEGATIVE_INFINITY;
  /** End of the last fetch, where it has failed. */
  #failedAt: number | null = null;
  #fetching: Promise<void> | null = null;
  #waiting = 0;
  #isStopped = false;

  /** @throws TokenKeysError */
  constructor(url: string, parts: { readonly clock: Clock; readonly log: Log }) {
    checkUrl(url);
    this.#options = { ...parts, url };
  }

  start(): void {
    if (this.#fetchedAt === Number.NEGATIVE_INFINITY) this.#fetch();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#agent.destroy();
  }

  async keys(): Promise<KeySet | null> {
    if (this.#keys === null) await this.#wait();
    else if (this.#options.clock.monotonic() - this.#keysAt >= MAX_AGE_MS) this.#fetch();
    return this.#keys;
  }

  async newerKeys(): Promise<KeySet | null> {
    const isDue = this.#options.clock.monotonic() - this.#fetchedAt >= UNKNOWN_KEY_EVERY_MS;
    if ((isDue || this.#fetching !== null) && !(await this.#wait())) return null;
    // While fetches fail, an unknown key may be a new one: the refusal must be retryable.
    return this.#failedAt === null ? this.#keys : null;
  }

  /** Waits for the running fetch, or for a new one. Returns false when too many callers wait already. */
  async #wait(): Promise<boolean> {
    if (this.#waiting >= MAX_WAITING) return false;
    this.#waiting++;
    try {
      this.#fetch();
      await this.#fetching;
    } finally {
      this.#waiting--;
    }
    return true;
  }

  /** Starts a fetch, unless one runs or has just failed. */
  #fetch(): void {
    const now = this.#options.clock.monotonic();
    const hasJustFailed = this.#failedAt !== null && now - this.#failedAt < RETRY_MS;
    if (this.#isStopped || this.#fetching !== null || hasJustFailed) return;
    this.#fetchedAt = now;
    this.#fetching = this.#renew(now).finally(() => {
      this.#fetching = null;
    });
  }

  async #renew(startedAt: number): Promise<void> {
    const { url, log, clock } = this.#options;
    try {
      const keys = new KeySet(await this.#download());
      const { ignored } = keys;
      const isNews = ignored.join() !== (this.#keys?.ignored.join() ?? '');
      this.#keys = keys;
      this.#keysAt = startedAt;
      if (this.#failedAt !== null) log.info({ url }, 'the token keys can be fetched again');
      this.#failedAt = null;
      if (isNews && ignored.length > 0) log.warn({ url, ignored }, 'some token keys are ignored');
    } catch (error) {
      if (this.#isStopped) return;
      if (this.#failedAt === null)
        log.error({ url, reason: reasonOf(error) }, 'the token keys cannot be fetched');
      this.#failedAt = clock.monotonic();
    }
  }

  async #download(): Promise<string> {
    const { url, clock } = this.#options;
    const abort = new AbortController();
    const timeout = new Error(`no answer within ${FETCH_MS} ms`);
    const cancel = clock.after(FETCH_MS, () => abort.abort(timeout));
    try {
      const { statusCode, headers, body } = await request(url, {
        dispatcher: this.#agent,
        headers: { accept: 'application/jwk-set+json, application/json' },
        // Closes the connection, since the next fetch is minutes away.
        reset: true,
        signal: abort.signal,
      });
      if (statusCode === 200) return bodyText(await body.bytes(), String(headers['content-type'] ?? ''));
      await body.dump();
      const from = { from: url, setting: 'tokenKeys' };
      throw new Error(`status ${statusCode}${redirectAdvice(statusCode, headers['location'], from)}`);
    } finally {
      cancel();
    }
  }
}

/** Refuses what is no URL, or has a password in it. @throws TokenKeysError */
function checkUrl(text: string): void {
  if (!URL.canParse(text)) throw new TokenKeysError(`tokenKeys: "${text}" is not a valid URL`);
  const { username, password } = new URL(text);
  if (username !== '' || password !== '')
    throw new TokenKeysError('tokenKeys: the URL must not have a user name or a password');
}

function reasonOf(error: unknown): string {
  const isTooLarge = error instanceof errors.ResponseExceededMaxSizeError;
  return isTooLarge ? `more than ${MAX_SET_BYTES} bytes` : failureMessage(error);
}
