/**
 * Decides about paths by reading their tokens or asking the back end. An answer counts only for paths that are still
 * wanted then. Each waiting path is one item, as its client requested it last, and is counted by the bytes of its
 * token. Superseded items, and those of ended sessions, cost no work.
 */
import { type ErrorCode, errorBody, type Outcome } from '../../../../protocol/codes.js';
import type { SubscribeItem } from '../../../../protocol/frames.js';
import { LIMITS } from '../../../../protocol/limits.js';
import type { AuthProviders, Identity, PathDecision, PathToken, Principal } from '../access/identity.js';
import type { RevocationList } from '../access/revocation-list.js';
import type { ByteBudget } from '../data/byte-budget.js';
import { tableOf } from '../data/path-table.js';
import type { Clock } from '../time/clock.js';
import type { TimerWheel } from '../time/timer-wheel.js';

/** The answer about a path that is still wanted: it is granted, refused or undecided. */
export type Answer =
  | {
      readonly item: SubscribeItem;
      readonly verdict: 'granted';
      readonly at: number;
      readonly pass?: PathToken;
    }
  | { readonly item: SubscribeItem; readonly verdict: 'undecided' }
  | {
      readonly item: SubscribeItem;
      readonly verdict: 'refused';
      readonly code: ErrorCode;
      readonly message: string;
    };

/** The session whose paths are authorized. */
export interface AuthorizedSession extends Pick<Principal, 'user' | 'login'> {
  readonly identity: Identity | null;
  /** Returns when a path was denied, in milliseconds since 1970; null if it was not, or was granted since. */
  deniedAt(path: string): number | null;
}

/** Options of `PathAuthorizer`. */
export interface PathAuthorizerOptions {
  readonly authProviders: AuthProviders;
  readonly revocations: RevocationList;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  /** How long to try to get an answer about a path, in milliseconds. */
  readonly grantWaitMs: number;
  /** Returns whether the server stops: then sessions do not change any more. */
  readonly isFrozen: () => boolean;
  /** Called with the change of the number of waiting paths. */
  readonly onWaiting: (change: number) => void;
  /** Bounds the characters of waiting tokens, of all sessions. */
  readonly tokenBytes: ByteBudget;
}

/** Characters of tokens that wait, of one session: those of an `open` frame, and as many renewals. */
export const MAX_SESSION_TOKEN_CHARACTERS = 2 * LIMITS.openBytes;

/** The pauses between two tries; the last one repeats. */
const WAITS_MS = [250, 500, 1_000, 2_000];

/** A path without an answer. */
interface Asked {
  /** The client's last request for it. */
  item: SubscribeItem;
  /** Whether its token is being read, or the back end is being asked. */
  isBegun: boolean;
}

/** Authorizes the paths of one session. */
export class PathAuthorizer {
  readonly #session: AuthorizedSession;
  readonly #options: PathAuthorizerOptions;
  readonly #onAnswers: (answers: readonly Answer[], decision: PathDecision) => void;
  /** By path. An answer counts for an entry that was in its batch and is still here. */
  readonly #asked = new Map<string, Asked>();
  /** Characters of the tokens in `#asked`. */
  #tokenCharacters = 0;
  #isReading = false;
  #isAsking = false;

  /** Calls `onAnswers` with the answers of a batch and the back end's whole decision. */
  constructor(
    session: AuthorizedSession,
    options: PathAuthorizerOptions,
    onAnswers: (answers: readonly Answer[], decision: PathDecision) => void,
  ) {
    this.#session = session;
    this.#options = options;
    this.#onAnswers = onAnswers;
  }

  /** Returns the number of paths without an answer. */
  get size(): number {
    return this.#asked.size;
  }

  /** Returns whether a path has no answer yet. */
  has(path: string): boolean {
    return this.#asked.has(path);
  }

  /** Removes a path that is not wanted any more or was decided otherwise; returns the client's request. */
  take(path: string): SubscribeItem | undefined {
    const asked = this.#asked.get(path);
    if (asked === undefined) return undefined;
    this.#asked.delete(path);
    this.#options.onWaiting(-1);
    this.#count(-(asked.item.token?.length ?? 0));
    return asked.item;
  }

  /** Asks again about paths that were revoked during the question. */
  askAgain(isTaken: (path: string) => boolean): void {
    const items = [...this.#asked.keys()].filter(isTaken).map((path) => this.take(path) as SubscribeItem);
    if (items.length > 0) this.begin(items);
  }

  /** Removes all paths. */
  clear(): void {
    for (const path of [...this.#asked.keys()]) this.take(path);
  }

  /** Reads the tokens of paths, and asks the back end about paths without one. Skips what it asks about already. */
  begin(items: readonly SubscribeItem[]): void {
    // The last item of a path in a frame counts.
    const each = new Map(items.map((item) => [item.path, item]));
    const tooMany: Answer[] = [];
    for (const item of each.values()) {
      if (this.#goesOn(item)) continue;
      this.take(item.path);
      if (!this.#count(item.token?.length ?? 0)) {
        tooMany.push({ item, verdict: 'refused', ...errorBody('too_many_tokens') });
        continue;
      }
      this.#options.onWaiting(1);
      this.#asked.set(item.path, { item, isBegun: false });
    }
    if (tooMany.length > 0) this.#onAnswers(tooMany, NO_DECISION);
    if (!this.#isReading) void this.#readAll();
    if (!this.#isAsking) void this.#askAll();
  }

  /** Returns whether the same question about a path is under way already. */
  #goesOn(item: SubscribeItem): boolean {
    const asked = this.#asked.get(item.path);
    if (asked === undefined || asked.item.token !== item.token) return false;
    asked.item = item;
    return true;
  }

  /** Counts characters of tokens; returns false, and counts nothing, when there is no room for them. */
  #count(characters: number): boolean {
    const { tokenBytes } = this.#options;
    if (characters > 0) {
      if (this.#tokenCharacters + characters > MAX_SESSION_TOKEN_CHARACTERS) return false;
      if (!tokenBytes.take(characters)) return false;
    } else tokenBytes.release(-characters);
    this.#tokenCharacters += characters;
    return true;
  }

  /** Returns the next batch, marked as begun: with tokens, up to the bound of a frame, or without. */
  #next(hasToken: boolean): Set<Asked> {
    const batch = new Set<Asked>();
    for (const asked of this.#asked.values()) {
      if (asked.isBegun || (asked.item.token !== undefined) !== hasToken) continue;
      if (hasToken && batch.size >= LIMITS.tokensPerFrame) break;
      asked.isBegun = true;
      batch.add(asked);
    }
    return batch;
  }

  /** Returns whether an answer still counts for a path. */
  #isCurrent(asked: Asked): boolean {
    return this.#asked.get(asked.item.path) === asked;
  }

  /** Reads one token after the other: a client that sends very many waits for itself. */
  async #readAll(): Promise<void> {
    this.#isReading = true;
    for (let batch = this.#next(true); batch.size > 0; batch = this.#next(true)) await this.#read(batch);
    this.#isReading = false;
  }

  async #read(batch: Set<Asked>): Promise<void> {
    const { tokens } = this.#options.authProviders;
    const tokensRead = new Map<string, Outcome<PathToken>>();
    for (const asked of batch) {
      const { token = '' } = asked.item;
      if (!this.#isCurrent(asked)) batch.delete(asked);
      else if (!tokensRead.has(token))
        tokensRead.set(token, await tokens.pathToken(token, () => this.#isCurrent(asked)));
    }
    const items = this.#answered(batch);
    if (items.length === 0 || this.#options.isFrozen()) return;
    this.#onAnswers(
      items.map((item) => {
        const read = tokensRead.get(item.token ?? '') as Outcome<PathToken>;
        if ('error' in read) return { item, verdict: 'refused', ...read.error };
        return this.#judge(item, read.value);
      }),
      NO_DECISION,
    );
  }

  #judge(item: SubscribeItem, token: PathToken): Answer {
    const refused = (code: ErrorCode, message?: string): Answer => ({
      item,
      verdict: 'refused',
      ...errorBody(code, message === undefined ? {} : { message }),
    });
    const { revocations } = this.#options;
    const { path } = item;
    if (token.user !== null && token.user !== this.#session.user) return refused('user_mismatch');
    if (revocations.isRevoked(token)) return refused('revoked_token');
    if (!tableOf(token.paths).has(path)) return refused('bad_token', 'This token is not for this path.');
    const deniedAt = this.#session.deniedAt(path);
    if (deniedAt !== null && deniedAt >= token.at) return refused('revoked_token');
    return { item, verdict: 'granted', at: token.at, pass: token };
  }

  /** Asks the back end one question at a time; paths that come meanwhile are asked about together afterwards. */
  async #askAll(): Promise<void> {
    this.#isAsking = true;
    for (let batch = this.#next(false); batch.size > 0; batch = this.#next(false)) await this.#ask(batch);
    this.#isAsking = false;
  }

  async #ask(batch: ReadonlySet<Asked>): Promise<void> {
    const { user, login, identity } = this.#session;
    const principal = { user, login, info: identity?.info ?? null };
    const decision = await this.#untilAnswered(principal, batch);
    const items = this.#answered(batch);
    // The answer is about another user: the session was bound meanwhile.
    if (user !== this.#session.user) return this.begin(items);
    const granted = tableOf(decision?.grants ?? []);
    const refused = tableOf(decision?.refused ?? []);
    const judge = (item: SubscribeItem): Answer => {
      if (decision === null) return { item, verdict: 'refused', ...errorBody('connect_failed') };
      if (granted.has(item.path)) return { item, verdict: 'granted', at: decision.at };
      if (refused.has(item.path)) return { item, verdict: 'refused', ...errorBody('connect_refused') };
      return { item, verdict: 'undecided' };
    };
    if (items.length > 0 && !this.#options.isFrozen())
      this.#onAnswers(items.map(judge), decision ?? NO_DECISION);
  }

  /** Asks the back end, and again as long as one of the paths is wanted and may wait. */
  async #untilAnswered(principal: Principal, batch: ReadonlySet<Asked>): Promise<PathDecision | null> {
    const { authProviders, clock, wheel, grantWaitMs } = this.#options;
    if (authProviders.view === null) return NO_DECISION;
    const paths = [...batch].map(({ item }) => item.path);
    const isWanted = (): boolean => [...batch].some((asked) => this.#isCurrent(asked));
    const deadline = clock.monotonic() + grantWaitMs;
    for (let tries = 0; ; tries++) {
      const decision = await authProviders.view.ask(principal, paths);
      const restMs = WAITS_MS[Math.min(tries, WAITS_MS.length - 1)] as number;
      const isOver = clock.monotonic() + restMs >= deadline || !isWanted();
      if (decision !== null || isOver) return decision;
      await new Promise<void>((resolve) => wheel.after(restMs, resolve));
      if (!isWanted()) return null;
    }
  }

  /** Removes and returns the items of a batch whose answer still counts. */
  #answered(batch: ReadonlySet<Asked>): SubscribeItem[] {
    return [...batch]
      .filter((asked) => this.#isCurrent(asked))
      .map(({ item }) => this.take(item.path) as SubscribeItem);
  }
}

const NO_DECISION: PathDecision = { grants: [], refused: [], at: 0 };
