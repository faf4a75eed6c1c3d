/**
 * Asks the page's own back end for paths, and tells it when they are no longer wanted. One request for
 * all the paths of a frame. What is asked for one session is not acted on once another has begun.
 */
import { Backoff } from './backoff.js';
import { isObject } from './decode.js';
import { PomonaError } from './errors.js';
import { pageUrl, type Settings } from './options.js';

/** A request that takes longer has failed; the back end is asked again. */
const TIMEOUT_MS = 30_000;

/** What the back end's answers lead to. */
export interface BackEndOwner {
  /** The back end refused these paths. */
  refused(paths: readonly string[]): void;
  /** The back end could not be asked; `retry` follows. */
  failed(paths: readonly string[], message: string): void;
  /** It is time to ask for these paths again. */
  retry(paths: readonly string[]): void;
  /** The back end was told, or could not be (`error`), that these paths have gone. */
  released(paths: readonly string[], error: PomonaError | null): void;
}

/** Speaks with the two views of the back end for one session after the other. */
export class BackEnd {
  readonly #settings: Settings;
  readonly #owner: BackEndOwner;
  readonly #backoff: Backoff;
  #session = new AbortController();
  #asked = new Set<string>();
  #failed = new Set<string>();
  #retryTimer: unknown;

  constructor(settings: Settings, owner: BackEndOwner) {
    this.#settings = settings;
    this.#owner = owner;
    this.#backoff = new Backoff({ ...settings.reconnect, random: settings.random });
  }

  /** Whether an answer for `path` is outstanding. */
  isAsked(path: string): boolean {
    return this.#asked.has(path);
  }

  /** Whether the back end could not be asked for `path` and will be asked again. */
  isFailed(path: string): boolean {
    return this.#failed.has(path);
  }

  /** Another session has begun, or none: forgets all that was asked. */
  reset(): void {
    this.#session.abort();
    this.#session = new AbortController();
    this.#settings.clock.clearTimeout(this.#retryTimer);
    this.#asked = new Set();
    this.#failed = new Set();
  }

  /** Asks for `paths`, leaving out those that are being asked for. */
  async ask(uid: string, wanted: readonly string[]): Promise<void> {
    const { connectUrl } = this.#settings;
    const paths = wanted.filter((path) => !this.#asked.has(path));
    if (connectUrl === null || paths.length === 0) return;
    const session = this.#session.signal;
    for (const path of paths) {
      this.#asked.add(path);
      this.#failed.delete(path);
    }
    let answer: Answer;
    try {
      answer = await this.#post(connectUrl, { uid, paths }, session);
    } catch (error) {
      answer = { status: 0, body: null, message: String(error) };
    }
    if (session.aborted) return;
    for (const path of paths) this.#asked.delete(path);
    this.#decide(paths, answer);
  }

  /** Tells that `paths` are no longer wanted. */
  async release(uid: string, paths: readonly string[]): Promise<void> {
    const { disconnectUrl } = this.#settings;
    if (disconnectUrl === null || paths.length === 0) return;
    const session = this.#session.signal;
    let message: string;
    try {
      const answer = await this.#post(disconnectUrl, { uid, paths });
      message = answer.status < 300 ? '' : answer.message;
    } catch (error) {
      message = String(error);
    }
    if (session.aborted) return;
    const fault = `disconnectUrl could not be told: ${message}`;
    this.#owner.released(paths, message === '' ? null : new PomonaError('disconnect_failed', fault));
  }

  #decide(paths: readonly string[], { status, body, message }: Answer): void {
    if (status >= 200 && status < 300) {
      this.#backoff.reset();
      const refused = isObject(body) && Array.isArray(body['refused']) ? body['refused'] : [];
      this.#owner.refused(paths.filter((path) => refused.includes(path)));
    } else if (status >= 400 && status < 500 && status !== 429) this.#owner.refused(paths);
    else {
      if (this.#failed.size === 0) this.#scheduleRetry();
      for (const path of paths) this.#failed.add(path);
      this.#owner.failed(paths, message);
    }
  }

  #scheduleRetry(): void {
    const retry = (): void => {
      const paths = [...this.#failed];
      this.#failed = new Set();
      this.#owner.retry(paths);
    };
    this.#settings.clock.clearTimeout(this.#retryTimer);
    this.#retryTimer = this.#settings.clock.setTimeout(retry, this.#backoff.next());
  }

  /** Gives up after a while, or when `session`, if it is named, has ended. */
  async #post(url: string, body: unknown, session?: AbortSignal): Promise<Answer> {
    const { headers, clock, credentials } = this.#settings;
    const request = new AbortController();
    const abort = (): void => request.abort();
    const timer = clock.setTimeout(abort, TIMEOUT_MS);
    session?.addEventListener('abort', abort);
    try {
      const own = typeof headers === 'function' ? await headers() : headers;
      const response = await this.#settings.fetch(url, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', ...this.#csrf(url), ...own },
        credentials,
        body: JSON.stringify(body),
        signal: request.signal,
      });
      const { status } = response;
      const answer: unknown = await response.json().catch(() => null); // an empty answer says enough
      return { status, body: answer, message: `HTTP ${status}` };
    } finally {
      clock.clearTimeout(timer);
      session?.removeEventListener('abort', abort);
    }
  }

  /** Django's token, for the page's own origin and for nobody else. */
  #csrf(url: string): Record<string, string> {
    const page = pageUrl();
    if (page === undefined || typeof document === 'undefined') return {};
    if (new URL(url, page).origin !== new URL(page).origin) return {};
    const start = `${this.#settings.csrfCookie}=`;
    const cookie = document.cookie.split('; ').find((entry) => entry.startsWith(start));
    return cookie === undefined ? {} : { 'X-CSRFToken': decodeURIComponent(cookie.slice(start.length)) };
  }
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly message: string;
}
