/**
 * The paths of one session about which somebody is being asked: their tokens are read, or the back end is asked. Whatever is
 * answered counts only for paths that are still wanted then. What waits is one item for each path, as its client asked for it
 * last, and is counted by what its tokens hold; what is superseded, or of a session that has ended, is not worked for.
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

/** What was answered about a path that is still wanted: it is opened, refused, or left to others. */
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
  /** When a path was taken away, in milliseconds since 1970; null when it was not, or was granted since. */
  deniedAt(path: string): number | null;
}

/** What asking needs of its surroundings. */
export interface PathAuthorizerOptions {
  readonly authProviders: AuthProviders;
  readonly revocations: RevocationList;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  /** How long it is tried to get an answer about a path, in milliseconds. */
  readonly grantWaitMs: number;
  /** Whether the server stops: nothing of a session changes any more. */
  readonly isFrozen: () => boolean;
  /** Counts the paths that wait. */
  readonly onWaiting: (change: number) => void;
  /** Characters of tokens that wait, of all sessions. */
  readonly tokenBytes: ByteBudget;
}

/** Characters of tokens that wait, of one session: those of an `open` frame, and as many renewals. */
export const MAX_SESSION_TOKEN_CHARACTERS = 2 * LIMITS.openBytes;

/** The waits between two tries grow up to the last one. */
const WAITS_MS = [250, 500, 1_000, 2_000];

/** A path that is asked about. */
interface Asked {
  /** As its client asked for it last. */
  item: SubscribeItem;
  /** Whether its question is being answered. */
  isBegun: boolean;
}

/** The paths of a session that are being asked about. */
export class PathAuthorizer {
  readonly #session: AuthorizedSession;
  readonly #options: PathAuthorizerOptions;
  readonly #onAnswers: (answers: readonly Answer[], decision: PathDecision) => void;
  /** By path. The answer to a question counts for those that it was begun for and that are still here. */
  readonly #asked = new Map<string, Asked>();
  /** Of the tokens in `#asked`. */
  #tokenCharacters = 0;
  #isReading = false;
  #isAsking = false;

  /** `onAnswers` is called with what was answered together, and with all that the back end said. */
  constructor(
    session: AuthorizedSession,
    options: PathAuthorizerOptions,
    onAnswers: (answers: readonly Answer[], decision: PathDecision) => void,
  ) {
    this.#session = session;
    this.#options = options;
    this.#onAnswers = onAnswers;
  }

  /** Paths that are asked about. */
  get size(): number {
    return this.#asked.size;
  }

  /** Whether a path is asked about. */
  has(path: string): boolean {
    return this.#asked.has(path);
  }

  /** A path is wanted no more, or was decided by another; gives how its client asked for it. */
  take(path: string): SubscribeItem | undefined {
    const asked = this.#asked.get(path);
    if (asked === undefined) return undefined;
    this.#asked.delete(path);
    this.#options.onWaiting(-1);
    this.#count(-(asked.item.token?.length ?? 0));
    return asked.item;
  }

  /** Paths were taken away: what is being answered about them was asked before, and is asked again. */
  askAgain(isTaken: (path: string) => boolean): void {
    const items = [...this.#asked.keys()].filter(isTaken).map((path) => this.take(path) as SubscribeItem);
    if (items.length > 0) this.begin(items);
  }

  /** No answer counts any more. */
  clear(): void {
    for (const path of [...this.#asked.keys()]) this.take(path);
  }

  /** Asks about paths, those with tokens by them, the others the back end; not again what is asked about already. */
  begin(items: readonly SubscribeItem[]): void {
    // A path that a frame names twice is asked about as it is named last.
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

  /** Whether the same is asked about a path already. */
  #goesOn(item: SubscribeItem): boolean {
    const asked = this.#asked.get(item.path);
    if (asked === undefined || asked.item.token !== item.token) return false;
    asked.item = item;
    return true;
  }

  /** Counts characters of tokens; false, and nothing is counted, when there is no room for them. */
  #count(characters: number): boolean {
    const { tokenBytes } = this.#options;
    if (characters > 0) {
      if (this.#tokenCharacters + characters > MAX_SESSION_TOKEN_CHARACTERS) return false;
      if (!tokenBytes.take(characters)) return false;
    } else tokenBytes.release(-characters);
    this.#tokenCharacters += characters;
    return true;
  }

  /** What is to be asked next, begun: with tokens, of which there are not too many at a time, or without. */
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

  /** Whether the answer to a question still counts for a path. */
  #isCurrent(asked: Asked): boolean {
    return this.#asked.get(asked.item.path) === asked;
  }

  /** One token after the other: a client that sends very many waits for itself. */
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

  /** One question of a session at a time: what comes meanwhile is asked about together, when that is answered. */
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
    // It was said of somebody else: the session was bound meanwhile.
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

  /** Tries again as long as one of the paths is still wanted and may wait. */
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

  /** Takes those of a question whose answer still counts. */
  #answered(batch: ReadonlySet<Asked>): SubscribeItem[] {
    return [...batch]
      .filter((asked) => this.#isCurrent(asked))
      .map(({ item }) => this.take(item.path) as SubscribeItem);
  }
}

const NO_DECISION: PathDecision = { grants: [], refused: [], at: 0 };
