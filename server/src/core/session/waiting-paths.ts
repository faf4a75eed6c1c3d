/**
 * The undecided paths of one session. The server asks about them, by their tokens or the back end; or they wait for the back end's
 * `connect`, each for `grantWaitMs`. An answer counts only for paths that are still wanted then. Each path is one item, as its client
 * requested it last; superseded items, and those of ended sessions, cost no work.
 */
import { type ErrorCode, errorBody, type Outcome } from '../../../../protocol/codes.js';
import type { SubscribeItem } from '../../../../protocol/frames.js';
import { LIMITS } from '../../../../protocol/limits.js';
import type { PathDecision, PathToken, Principal } from '../access/identity.js';
import type { Permissions } from '../access/permissions.js';
import { tableOf } from '../data/path-table.js';
import type { WheelTimer } from '../time/timer-wheel.js';
import type { CoreContext } from './core-context.js';
import type { PathOwner, RefusedPath } from './path-owner.js';

/** The answer about a path that is still wanted: it is granted, refused or undecided. */
export type Answer = { readonly item: SubscribeItem } & (
  | { readonly verdict: 'granted'; readonly at: number; readonly token?: PathToken }
  | { readonly verdict: 'undecided' }
  | ({ readonly verdict: 'refused' } & Omit<RefusedPath, 'path'>)
);

/** Called when waiting ends. */
export interface WaitingPathsListener {
  /** Called with the answers of a batch and the back end's whole decision. */
  readonly onAnswers: (answers: readonly Answer[], decision: PathDecision) => void;
  /** Called with all paths that the back end did not grant in time. */
  readonly onOverdue: (paths: readonly string[]) => void;
}

/** Characters of tokens that wait, of one session: those of an `open` frame, and as many renewals. */
export const MAX_SESSION_TOKEN_CHARACTERS = 2 * LIMITS.openBytes;
/** The same, of all sessions. */
export const MAX_TOKEN_CHARACTERS = 32 * 1024 * 1024;

/** The pauses between two tries to ask the back end; the last one repeats. */
const WAITS_MS = [250, 500, 1_000, 2_000];
const NO_DECISION: PathDecision = { grants: [], refused: [], at: 0 };

/** A path without a decision. */
interface WaitingPath {
  /** The client's last request for it. */
  item: SubscribeItem;
  /** When the back end's `connect` is overdue, on the monotonic clock; null while the server asks. */
  readonly until: number | null;
  /** Whether its token is being read, or the back end is being asked. */
  isBegun: boolean;
}

/** The undecided paths of one session. */
export class WaitingPaths {
  readonly #session: PathOwner;
  readonly #context: CoreContext;
  readonly #permissions: Permissions;
  readonly #listener: WaitingPathsListener;
  /** An answer counts for an entry that was in its batch and is still here. */
  readonly #paths = new Map<string, WaitingPath>();
  /** Characters of the tokens about which the server asks. */
  #tokenCharacters = 0;
  /** For the first overdue path. */
  #timer: WheelTimer | null = null;
  #isReading = false;
  #isAsking = false;

  constructor(
    session: PathOwner,
    context: CoreContext,
    { permissions, ...listener }: WaitingPathsListener & { readonly permissions: Permissions },
  ) {
    this.#session = session;
    this.#context = context;
    this.#permissions = permissions;
    this.#listener = listener;
  }

  /** Returns the number of waiting paths. */
  get size(): number {
    return this.#paths.size;
  }

  has(path: string): boolean {
    return this.#paths.has(path);
  }

  /** Returns whether the server asks about a path. */
  isAsked(path: string): boolean {
    return this.#paths.get(path)?.until === null;
  }

  /** Returns the paths that wait for the back end's `connect`. */
  get pending(): readonly string[] {
    return [...this.#paths.keys()].filter((path) => !this.isAsked(path));
  }

  /** Lets a path wait for the back end's `connect`; for a waiting path the time begins again. */
  add(item: SubscribeItem): void {
    const { clock, wheel, settings } = this.#context;
    this.take(item.path);
    this.#set({ item, until: clock.monotonic() + settings.grantWaitMs, isBegun: false });
    this.#timer ??= wheel.after(settings.grantWaitMs, () => this.#tellOverdue());
  }

  /** Reads the tokens of paths, and asks the back end about paths without one. Skips what it asks about already. */
  ask(items: readonly SubscribeItem[]): void {
    // The last item of a path in a frame counts.
    const each = new Map(items.map((item) => [item.path, item]));
    const tooMany: Answer[] = [];
    for (const item of each.values()) {
      if (this.#goesOn(item)) continue;
      this.take(item.path);
      if (this.#count(item.token?.length ?? 0)) this.#set({ item, until: null, isBegun: false });
      else tooMany.push({ item, verdict: 'refused', ...errorBody('too_many_tokens') });
    }
    if (tooMany.length > 0) this.#listener.onAnswers(tooMany, NO_DECISION);
    if (!this.#isReading) void this.#readAll();
    if (!this.#isAsking) void this.#askAll();
  }

  /** Asks again about paths that were revoked while the server asked. */
  askAgain(isRevoked: (path: string) => boolean): void {
    const revoked = [...this.#paths.keys()].filter((path) => this.isAsked(path) && isRevoked(path));
    if (revoked.length > 0) this.ask(revoked.map((path) => this.take(path) as SubscribeItem));
  }

  /** Ends the waiting of a path; returns the client's request. */
  take(path: string): SubscribeItem | undefined {
    const waiting = this.#paths.get(path);
    if (waiting === undefined) return undefined;
    this.#paths.delete(path);
    this.#changed(-1);
    if (waiting.until === null) this.#count(-(waiting.item.token?.length ?? 0));
    return waiting.item;
  }

  /** Ends the waiting for the back end's `connect`; returns the client's request for the path. */
  takePending(path: string): SubscribeItem | undefined {
    return this.isAsked(path) ? undefined : this.take(path);
  }

  /** Ends all waiting. */
  clear(): void {
    for (const path of [...this.#paths.keys()]) this.take(path);
    this.#timer?.cancel();
    this.#timer = null;
  }

  #set(waiting: WaitingPath): void {
    this.#paths.set(waiting.item.path, waiting);
    this.#changed(1);
  }

  #changed(change: 1 | -1): void {
    const { counters, guard } = this.#context;
    counters.pending += change;
    guard.waitingChanged(this.#session, change);
  }

  #tellOverdue(): void {
    this.#timer = null;
    const { clock, wheel } = this.#context;
    const now = clock.monotonic();
    const overdue: string[] = [];
    let next = Number.POSITIVE_INFINITY;
    for (const [path, { until }] of this.#paths) {
      if (until === null) continue;
      if (until <= now) overdue.push(path);
      else next = Math.min(next, until);
    }
    for (const path of overdue) this.take(path);
    if (Number.isFinite(next)) this.#timer = wheel.after(next - now, () => this.#tellOverdue());
    if (overdue.length > 0) this.#listener.onOverdue(overdue);
  }

  /** Returns whether the same question about a path is under way already. */
  #goesOn(item: SubscribeItem): boolean {
    const asked = this.#paths.get(item.path);
    if (asked?.until !== null || asked.item.token !== item.token) return false;
    asked.item = item;
    return true;
  }

  /** Counts characters of tokens; returns false, and counts nothing, when there is no room for them. */
  #count(characters: number): boolean {
    const { tokenBudget } = this.#context;
    if (characters > 0) {
      if (this.#tokenCharacters + characters > MAX_SESSION_TOKEN_CHARACTERS) return false;
      if (!tokenBudget.take(characters)) return false;
    } else tokenBudget.release(-characters);
    this.#tokenCharacters += characters;
    return true;
  }

  /** Returns the next batch, marked as begun: with tokens, up to the bound of a frame, or without. */
  #next(hasToken: boolean): Set<WaitingPath> {
    const batch = new Set<WaitingPath>();
    for (const asked of this.#paths.values()) {
      if (asked.until !== null || asked.isBegun || (asked.item.token !== undefined) !== hasToken) continue;
      if (hasToken && batch.size >= LIMITS.tokensPerFrame) break;
      asked.isBegun = true;
      batch.add(asked);
    }
    return batch;
  }

  /** Returns whether an answer still counts for a path. */
  #isCurrent(asked: WaitingPath): boolean {
    return this.#paths.get(asked.item.path) === asked;
  }

  /** Removes and returns the items of a batch whose answer still counts. */
  #answered(batch: ReadonlySet<WaitingPath>): SubscribeItem[] {
    return [...batch]
      .filter((asked) => this.#isCurrent(asked))
      .map(({ item }) => this.take(item.path) as SubscribeItem);
  }

  /** Reads one token after the other: a client that sends very many waits for itself. */
  async #readAll(): Promise<void> {
    this.#isReading = true;
    for (let batch = this.#next(true); batch.size > 0; batch = this.#next(true)) await this.#read(batch);
    this.#isReading = false;
  }

  async #read(batch: Set<WaitingPath>): Promise<void> {
    const { authProviders, isFrozen } = this.#context;
    const tokensRead = new Map<string, Outcome<PathToken>>();
    for (const asked of batch) {
      const { token = '' } = asked.item;
      if (!this.#isCurrent(asked)) batch.delete(asked);
      else if (!tokensRead.has(token)) {
        const isWanted = (): boolean => this.#isCurrent(asked);
        tokensRead.set(token, await authProviders.tokens.pathToken(token, isWanted));
      }
    }
    const items = this.#answered(batch);
    if (items.length === 0 || isFrozen()) return;
    const answers = items.map((item): Answer => {
      const read = tokensRead.get(item.token ?? '') as Outcome<PathToken>;
      return 'error' in read ? { item, verdict: 'refused', ...read.error } : this.#judge(item, read.value);
    });
    this.#listener.onAnswers(answers, NO_DECISION);
  }

  #judge(item: SubscribeItem, token: PathToken): Answer {
    const refused = (code: ErrorCode, more: { message?: string } = {}): Answer => ({
      item,
      verdict: 'refused',
      ...errorBody(code, more),
    });
    const { path } = item;
    if (token.user !== null && token.user !== this.#session.user) return refused('user_mismatch');
    if (this.#context.revocations.isRevoked(token)) return refused('revoked_token');
    if (!tableOf(token.paths).has(path)) {
      return refused('bad_token', { message: 'This token is not for this path.' });
    }
    if ((this.#permissions.deniedAt(path) ?? -1) >= token.at) return refused('revoked_token');
    return { item, verdict: 'granted', at: token.at, token };
  }

  /** Asks the back end one question at a time; paths that come meanwhile are asked about together afterwards. */
  async #askAll(): Promise<void> {
    this.#isAsking = true;
    for (let batch = this.#next(false); batch.size > 0; batch = this.#next(false)) await this.#ask(batch);
    this.#isAsking = false;
  }

  async #ask(batch: ReadonlySet<WaitingPath>): Promise<void> {
    const { user, login, identity } = this.#session;
    const principal = { user, login, info: identity?.info ?? null };
    const decision = await this.#untilAnswered(principal, batch);
    const items = this.#answered(batch);
    // The answer is about another user: the session was bound meanwhile.
    if (user !== this.#session.user) return this.ask(items);
    const granted = tableOf(decision?.grants ?? []);
    const refused = tableOf(decision?.refused ?? []);
    const judge = (item: SubscribeItem): Answer => {
      if (decision === null) return { item, verdict: 'refused', ...errorBody('connect_failed') };
      if (granted.has(item.path)) return { item, verdict: 'granted', at: decision.at };
      if (refused.has(item.path)) return { item, verdict: 'refused', ...errorBody('connect_refused') };
      return { item, verdict: 'undecided' };
    };
    if (items.length > 0 && !this.#context.isFrozen())
      this.#listener.onAnswers(items.map(judge), decision ?? NO_DECISION);
  }

  /** Asks the back end, and again as long as one of the paths is wanted and may wait. */
  async #untilAnswered(principal: Principal, batch: ReadonlySet<WaitingPath>): Promise<PathDecision | null> {
    const { authProviders, clock, wheel, settings } = this.#context;
    if (authProviders.view === null) return NO_DECISION;
    const paths = [...batch].map(({ item }) => item.path);
    const isWanted = (): boolean => [...batch].some((asked) => this.#isCurrent(asked));
    const deadline = clock.monotonic() + settings.grantWaitMs;
    for (let tries = 0; ; tries++) {
      const decision = await authProviders.view.ask(principal, paths);
      const restMs = WAITS_MS[Math.min(tries, WAITS_MS.length - 1)] as number;
      const isOver = clock.monotonic() + restMs >= deadline || !isWanted();
      if (decision !== null || isOver) return decision;
      await new Promise<void>((resolve) => wheel.after(restMs, resolve));
      if (!isWanted()) return null;
    }
  }
}
