/**
 * Keys from a URL. They are fetched once when the server starts, again in the background when they are old, and when a token names one
 * that is not among them, which anybody can cause and which is bounded therefore. One fetch is under way at a time, and all who
 * need it wait for it. Keys that are known go on for as long as no others can be had.
 */
import { errors, Pool } from 'undici';
import type { Clock } from '../../core/time/clock.js';
import { redirectAdvice } from '../../http/redirects.js';
import { NOT_UTF8, otherCharset, utf8Of } from '../../http/utf8.js';
import type { Log } from '../../observe/log.js';
import { KeySet, MAX_SET_BYTES } from './key-set.js';
import { type KeySource, TokenKeysError } from './key-source.js';

const MAX_AGE_MS = 10 * 60 * 1000;
const UNKNOWN_KEY_EVERY_MS = 30_000;
const RETRY_MS = 5_000;
const FETCH_MS = 5_000;
/** Who waits for a fetch; each holds a token. */
const MAX_WAITING = 4_096;

/** What a URL of keys stands on. */
export interface KeyUrlParts {
  readonly url: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** A URL of keys. */
export class KeyUrl implements KeySource {
  readonly #parts: KeyUrlParts;
  readonly #pool: Pool;
  readonly #target: string;
  #keys: KeySet | null = null;
  /** When what is known was asked for, and when anything was, in monotonic time. */
  #keysAt = 0;
  #askedAt = Number.NEGATIVE_INFINITY;
  #failedAt = Number.NEGATIVE_INFINITY;
  #isFailing = false;
  #ignored = '';
  #fetching: Promise<void> | null = null;
  #waiting = 0;
  #abort: AbortController | null = null;
  #isStopped = false;

  /** @throws TokenKeysError */
  constructor(parts: KeyUrlParts) {
    this.#parts = parts;
    const { origin, pathname, search } = parse(parts.url);
    this.#target = pathname + search;
    this.#pool = new Pool(origin, {
      connections: 1,
      connect: { timeout: FETCH_MS },
      maxResponseSize: MAX_SET_BYTES,
    });
  }

  start(): void {
    if (this.#askedAt === Number.NEGATIVE_INFINITY) this.#fetch();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#abort?.abort();
    if (!this.#pool.destroyed) await this.#pool.destroy();
  }

  async keys(): Promise<KeySet | null> {
    if (this.#keys === null) await this.#wait();
    else if (this.#parts.clock.monotonic() - this.#keysAt >= MAX_AGE_MS) this.#fetch();
    return this.#keys;
  }

  async newerKeys(): Promise<KeySet | null> {
    const isTime = this.#parts.clock.monotonic() - this.#askedAt >= UNKNOWN_KEY_EVERY_MS;
    if ((isTime || this.#fetching !== null) && !(await this.#wait())) return null;
    // While the newest cannot be had nobody can say that a key is not among them.
    return this.#isFailing ? null : this.#keys;
  }

  /** Waits for the fetch that is under way, or begins one. False where too many wait already. */
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

  /** Begins a fetch, unless there is one, or has just been one that failed. */
  #fetch(): void {
    const now = this.#parts.clock.monotonic();
    if (this.#isStopped || this.#fetching !== null || now - this.#failedAt < RETRY_MS) return;
    this.#askedAt = now;
    this.#fetching = this.#renew(now).finally(() => {
      this.#fetching = null;
    });
  }

  async #renew(askedAt: number): Promise<void> {
    const { url, log, clock } = this.#parts;
    try {
      this.#keys = new KeySet(await this.#download());
      this.#keysAt = askedAt;
      if (this.#isFailing) log.info({ url }, 'the keys of tokens can be had again');
      this.#isFailing = false;
      this.#tellIgnored(this.#keys);
    } catch (error) {
      if (this.#isStopped) return;
      this.#failedAt = clock.monotonic();
      if (!this.#isFailing) log.error({ url, reason: reasonOf(error) }, 'the keys of tokens cannot be had');
      this.#isFailing = true;
    }
  }

  async #download(): Promise<string> {
    const abort = new AbortController();
    this.#abort = abort;
    const cancel = this.#parts.clock.after(FETCH_MS, () =>
      abort.abort(new Error(`no answer within ${FETCH_MS} ms`)),
    );
    try {
      const { statusCode, headers, body } = await this.#pool.request({
        method: 'GET',
        path: this.#target,
        headers: { accept: 'application/jwk-set+json, application/json' },
        // The next one is minutes away: a connection that waits for it is of no use to anybody.
        reset: true,
        signal: abort.signal,
      });
      if (statusCode === 200) return textOf(await body.bytes(), String(headers['content-type'] ?? ''));
      await body.dump();
      const from = { from: this.#parts.url, setting: 'tokenKeys' };
      throw new Error(`status ${statusCode}${redirectAdvice(statusCode, headers['location'], from)}`);
    } finally {
      cancel();
    }
  }

  #tellIgnored({ ignored }: KeySet): void {
    const { url, log } = this.#parts;
    const text = ignored.join();
    if (text !== '' && text !== this.#ignored)
      log.warn({ url, ignored }, 'no token is checked with some of the keys');
    this.#ignored = text;
  }
}

function textOf(bytes: Uint8Array, type: string): string {
  const charset = otherCharset(type);
  if (charset !== null) throw new Error(`the charset "${charset}", and not UTF-8`);
  const text = utf8Of(bytes);
  if (text === null) throw new Error(`the body ${NOT_UTF8}`);
  return text;
}

function parse(url: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null) throw new TokenKeysError(`tokenKeys: "${url}" is no URL`);
  if (parsed.username === '' && parsed.password === '') return parsed;
  throw new TokenKeysError('tokenKeys: a URL of keys has no name and no password');
}

function reasonOf(error: unknown): string {
  if (error instanceof errors.ResponseExceededMaxSizeError) return `more than ${MAX_SET_BYTES} bytes`;
  if (error instanceof AggregateError && error.message === '') return error.errors.map(reasonOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
