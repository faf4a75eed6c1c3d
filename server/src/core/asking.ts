/**
 * The paths of one session about which somebody is being asked: their tokens are read, or the back end is asked. Whatever is
 * answered counts only for paths that are still wanted then.
 */
import { type ErrorCode, errorBody, type Outcome } from '../../../protocol/codes.js';
import type { SubscribeItem } from '../../../protocol/frames.js';
import type { Clock } from './clock.js';
import type { Asker, Authority, Pass, PathWord } from './identity.js';
import { tableOf } from './path-table.js';
import type { Revocations } from './revocations.js';
import type { Session } from './session.js';
import type { TimerWheel } from './timer-wheel.js';

/** What was answered about a path that is still wanted: it is opened, refused, or left to others. */
export type Answer =
  | { readonly item: SubscribeItem; readonly verdict: 'granted'; readonly at: number; readonly pass?: Pass }
  | { readonly item: SubscribeItem; readonly verdict: 'undecided' }
  | {
      readonly item: SubscribeItem;
      readonly verdict: 'refused';
      readonly code: ErrorCode;
      readonly message: string;
    };

/** What asking needs of its surroundings. */
export interface AskingParts {
  readonly authority: Authority;
  readonly revocations: Revocations;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  /** How long it is tried to get an answer about a path, in milliseconds. */
  readonly grantWaitMs: number;
  /** Whether the server stops: nothing of a session changes any more. */
  readonly isFrozen: () => boolean;
  /** Counts the paths of all sessions that wait. */
  readonly counters: { pending: number };
}

/** The waits between two tries grow up to the last one. */
const WAITS_MS = [250, 500, 1_000, 2_000];

/** A path that is asked about. */
interface Asked {
  /** As its client asked for it last. */
  item: SubscribeItem;
  /** Only the answer to this one counts. */
  readonly question: object;
}

/** The paths of a session that are being asked about. */
export class Asking {
  readonly #session: Session;
  readonly #parts: AskingParts;
  readonly #onAnswers: (answers: readonly Answer[], word: PathWord) => void;
  readonly #asked = new Map<string, Asked>();
  /** One frame's tokens after the other's: a client that sends very many waits for itself. */
  #reading: Promise<void> = Promise.resolve();
  /** Questions that the back end is to be asked next. */
  readonly #next: object[] = [];
  #isAsking = false;

  /** `onAnswers` is called with what was answered together, and with all that the back end said. */
  constructor(
    session: Session,
    parts: AskingParts,
    onAnswers: (answers: readonly Answer[], word: PathWord) => void,
  ) {
    this.#session = session;
    this.#parts = parts;
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
    if (this.#asked.delete(path)) this.#parts.counters.pending--;
    return asked?.item;
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
    const fresh = [...each.values()].filter((item) => !this.#goesOn(item));
    const withToken = fresh.filter(({ token }) => token !== undefined);
    const others = fresh.filter(({ token }) => token === undefined);
    if (withToken.length > 0) {
      const question = this.#note(withToken);
      this.#reading = this.#reading.then(() => this.#read(withToken, question));
    }
    if (others.length > 0) this.#askNext(this.#note(others));
  }

  /** Whether the same is asked about a path already. */
  #goesOn(item: SubscribeItem): boolean {
    const asked = this.#asked.get(item.path);
    if (asked === undefined || asked.item.token !== item.token) return false;
    asked.item = item;
    return true;
  }

  #note(items: readonly SubscribeItem[]): object {
    const question = {};
    for (const item of items) {
      if (!this.#asked.has(item.path)) this.#parts.counters.pending++;
      this.#asked.set(item.path, { item, question });
    }
    return question;
  }

  async #read(items: readonly SubscribeItem[], question: object): Promise<void> {
    const { tokens } = this.#parts.authority;
    const passes = new Map<string, Outcome<Pass>>();
    for (const { token = '' } of items) {
      if (!passes.has(token)) passes.set(token, await tokens.pass(token));
    }
    const asked = this.#answered(items, new Set([question]));
    if (asked.length === 0 || this.#parts.isFrozen()) return;
    this.#onAnswers(
      asked.map((item) => {
        const read = passes.get(item.token ?? '') as Outcome<Pass>;
        if ('error' in read) return { item, verdict: 'refused', ...read.error };
        return this.#judge(item, read.value);
      }),
      NOTHING,
    );
  }

  #judge(item: SubscribeItem, pass: Pass): Answer {
    const refused = (code: ErrorCode, message?: string): Answer => ({
      item,
      verdict: 'refused',
      ...errorBody(code, message === undefined ? {} : { message }),
    });
    const { revocations } = this.#parts;
    const { path } = item;
    if (pass.user !== null && pass.user !== this.#session.user) return refused('user_mismatch');
    if (revocations.isRevoked(pass)) return refused('revoked_token');
    if (!tableOf(pass.paths).has(path)) return refused('bad_token', 'This token is not for this path.');
    const deniedAt = this.#session.paths.deniedAt(path);
    if (deniedAt !== null && deniedAt >= pass.at) return refused('revoked_token');
    return { item, verdict: 'granted', at: pass.at, pass };
  }

  /** One question of a session at a time: what comes meanwhile is asked about together, when that is answered. */
  #askNext(question: object): void {
    this.#next.push(question);
    if (this.#isAsking) return;
    this.#isAsking = true;
    void this.#askAll();
  }

  async #askAll(): Promise<void> {
    while (this.#next.length > 0) {
      const questions = new Set(this.#next.splice(0));
      const items = [...this.#asked.values()].filter((asked) => questions.has(asked.question));
      if (items.length > 0)
        await this.#ask(
          items.map(({ item }) => item),
          questions,
        );
    }
    this.#isAsking = false;
  }

  async #ask(items: readonly SubscribeItem[], questions: ReadonlySet<object>): Promise<void> {
    const { user, login, identity } = this.#session;
    const asker = { user, login, info: identity?.info ?? null };
    const word = await this.#untilAnswered(asker, items, questions);
    const asked = this.#answered(items, questions);
    // It was said of somebody else: the session was bound meanwhile.
    if (user !== this.#session.user) return this.begin(asked);
    const granted = tableOf(word?.grants ?? []);
    const refused = tableOf(word?.refused ?? []);
    const judge = (item: SubscribeItem): Answer => {
      if (word === null) return { item, verdict: 'refused', ...errorBody('connect_failed') };
      if (granted.has(item.path)) return { item, verdict: 'granted', at: word.at };
      if (refused.has(item.path)) return { item, verdict: 'refused', ...errorBody('connect_refused') };
      return { item, verdict: 'undecided' };
    };
    if (asked.length > 0 && !this.#parts.isFrozen()) this.#onAnswers(asked.map(judge), word ?? NOTHING);
  }

  /** Tries again as long as one of the paths is still wanted and may wait. */
  async #untilAnswered(
    asker: Asker,
    items: readonly SubscribeItem[],
    questions: ReadonlySet<object>,
  ): Promise<PathWord | null> {
    const { authority, clock, wheel, grantWaitMs } = this.#parts;
    if (authority.view === null) return NOTHING;
    const paths = items.map(({ path }) => path);
    const isWanted = (path: string) => questions.has(this.#asked.get(path)?.question ?? {});
    const deadline = clock.monotonic() + grantWaitMs;
    for (let tries = 0; ; tries++) {
      const word = await authority.view.ask(asker, paths);
      const restMs = WAITS_MS[Math.min(tries, WAITS_MS.length - 1)] as number;
      const isOver = clock.monotonic() + restMs >= deadline || !paths.some(isWanted);
      if (word !== null || isOver) return word;
      await new Promise<void>((resolve) => wheel.after(restMs, resolve));
    }
  }

  /** Those of a question whose answer still counts. */
  #answered(items: readonly SubscribeItem[], questions: ReadonlySet<object>): SubscribeItem[] {
    return items
      .filter(({ path }) => questions.has(this.#asked.get(path)?.question ?? {}))
      .map(({ path }) => this.take(path) as SubscribeItem);
  }
}

const NOTHING: PathWord = { grants: [], refused: [], at: 0 };
