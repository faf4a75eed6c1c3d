/**
 * Asks the page's own back end for paths, and tells it when they are no longer wanted. One request for
 * all the paths of a frame, and none without a bound in time. What is asked for one session is not acted on once another has begun.
 */
import { Backoff } from './backoff.js';
import { isObject } from './checks.js';
import { within } from './deadline.js';
import { PomonaError } from './errors.js';
import { pageUrl, type Settings } from './options.js';

/** How long a view may take to answer. Dobby waits as long for its word. */
const VIEW_MS = 10_000;
/**
 * How long a path must have been left before the back end is told. A component that is taken away and mounted again, or a page that
 * changes its view, comes back within a few turns: that costs the back end nothing.
 */
const RELEASE_MS = 1_000;

/** What the back end said of the paths that it was asked for. */
export interface Verdict {
  /** The paths that are not to be heard: all, or some, or none. */
  readonly refused: readonly string[];
  /** `connect_failed`: it could not be asked. */
  readonly code: 'connect_refused' | 'connect_failed';
  readonly message: string;
}

/** What the back end's answers lead to. */
export interface BackEndOwner {
  /** An answer for `paths` has come, or none could be had. */
  answered(paths: readonly string[], verdict: Verdict): void;
  /** It is time to ask again for what could not be asked for. */
  retry(): void;
  /** The paths that the back end is to be told of now. */
  takeReleases(): string[];
  /** The back end was told, or could not be (`error`), that these paths have gone. */
  released(paths: readonly string[], error: PomonaError | null): void;
}

/** Speaks with the two views of the back end for one session after the other. */
export class BackEnd {
  readonly #settings: Settings;
  readonly #owner: BackEndOwner;
  readonly #backoff: Backoff;
  #session = new AbortController();
  #retryTimer: unknown;
  #releaseTimer: unknown;

  constructor(settings: Settings, owner: BackEndOwner) {
    this.#settings = settings;
    this.#owner = owner;
    this.#backoff = new Backoff(settings.reconnect);
  }

  /** Another session has begun, or none: what was asked is forgotten. */
  reset(): void {
    this.#session.abort();
    this.#session = new AbortController();
    this.#settings.clock.clearTimeout(this.#retryTimer);
    this.#settings.clock.clearTimeout(this.#releaseTimer);
    this.#retryTimer = this.#releaseTimer = undefined;
  }

  /** What could not be decided is to be asked for again, after a while; several in that time wait together. */
  retrySoon(): void {
    this.#retryTimer ??= this.#settings.clock.setTimeout(() => {
      this.#retryTimer = undefined;
      this.#owner.retry();
    }, this.#backoff.next());
  }

  /** Paths have been left: after a while the back end is told of those that still are, in the session `uid`. */
  releaseSoon(uid: () => string): void {
    this.#releaseTimer ??= this.#settings.clock.setTimeout(() => {
      this.#releaseTimer = undefined;
      const paths = this.#owner.takeReleases();
      if (paths.length > 0) void this.#release(uid(), paths);
    }, RELEASE_MS);
  }

  /** Paths are decided again: the next wait is short. */
  succeeded(): void {
    this.#backoff.reset();
  }

  /** Asks for `paths`. */
  async ask(uid: string, paths: readonly string[]): Promise<void> {
    const { signal } = this.#session;
    const answer = await this.#post(this.#settings.connectUrl, { uid, paths }, {}, signal);
    if (!signal.aborted) this.#owner.answered(paths, this.#judge(paths, answer));
  }

  /** Tells that `paths` are no longer wanted; also when the page or Pomona goes meanwhile. */
  async #release(uid: string, paths: readonly string[]): Promise<void> {
    const { signal } = this.#session;
    const { fault } = await this.#post(this.#settings.disconnectUrl, { uid, paths }, { keepalive: true });
    if (signal.aborted) return;
    const message = `disconnectUrl: ${fault}`;
    this.#owner.released(paths, fault === null ? null : new PomonaError('disconnect_failed', message));
  }

  #judge(paths: readonly string[], { status, body, fault }: Answer): Verdict {
    if (fault !== null && (status < 400 || status >= 500 || status === 429))
      return { refused: paths, code: 'connect_failed', message: `connectUrl: ${fault}` };
    this.succeeded();
    const named = isObject(body) && Array.isArray(body['refused']) ? body['refused'] : [];
    const refused = paths.filter((path) => fault !== null || named.includes(path));
    return { refused, code: 'connect_refused', message: 'The back end refused this path.' };
  }

  /** Posts to a view. Never rejects: without an answer the status is 0. */
  async #post(url = '', body: unknown, init: RequestInit, session?: AbortSignal): Promise<Answer> {
    const { headers, credentials, clock } = this.#settings;
    const run = async (signal: AbortSignal): Promise<Answer> => {
      const own = typeof headers === 'function' ? await headers() : headers;
      const response = await this.#settings.fetch(url, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', ...this.#csrf(url), ...own },
        credentials,
        body: JSON.stringify(body),
        signal,
        ...init,
      });
      const { ok, status } = response;
      const answer: unknown = await response.json().catch(() => null); // an empty answer says enough
      return { status, body: answer, fault: ok ? null : `HTTP ${status}` };
    };
    try {
      return await within({ clock, signal: session, ms: VIEW_MS }, run);
    } catch (error) {
      return { status: 0, body: null, fault: String(error) };
    }
  }

  /** Django's token, for the page's own origin and for nobody else. */
  #csrf(url: string): Record<string, string> {
    const page = pageUrl();
    if (!page || !globalThis.document || new URL(url, page).origin !== new URL(page).origin) return {};
    const start = `${this.#settings.csrfCookie}=`;
    const cookie = document.cookie.split('; ').find((entry) => entry.startsWith(start));
    return cookie === undefined ? {} : { 'X-CSRFToken': cookie.slice(start.length) };
  }
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
  /** Null when the answer was 2xx. */
  readonly fault: string | null;
}
