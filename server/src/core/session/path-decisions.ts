/**
 * Decides which paths one session hears: at once by what it may hear, else later by tokens, the back end's answer or its `connect`. Each
 * path is decided by itself, and the client gets every decision.
 */
import { type ErrorCode, errorBody } from '../../../../protocol/codes.js';
import type { SubscribeItem } from '../../../../protocol/frames.js';
import { pathFault } from '../../../../protocol/paths.js';
import type { PathDecision } from '../access/identity.js';
import type { PathTable } from '../data/path-table.js';
import { isInbox, isInboxOf } from '../log/reserved-paths.js';
import type { Answer, AuthorizedSession } from './path-authorizer.js';
import { type PathBounds, whyFull, whyNotWait } from './path-bounds.js';
import type { SessionPermissions } from './session-permissions.js';
import { type ResultTarget, SubscribeResult } from './subscribe-result.js';
import type { Subscription } from './subscription.js';
import type { Subscriptions, SubscriptionsOptions, SubscriptionsOwner } from './subscriptions.js';
import { WaitingPaths, type WaitingPathsOptions } from './waiting-paths.js';

/** What decisions are given. */
export interface PathDecisionsOptions extends PathBounds, WaitingPathsOptions, SubscriptionsOptions {
  /** Whether every client may hear a path. */
  readonly isPublic: (path: string) => boolean;
}

/** The session whose paths are decided. */
export interface DecidedSession extends SubscriptionsOwner, AuthorizedSession, ResultTarget {
  /** What the session may hear has changed. */
  grantsChanged(): void;
}

/** Refusals that say nothing about a token: it was not read. */
const SAYS_NOTHING: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['keys_unavailable', 'too_many_tokens']);

/** Decides about the paths of a session. */
export class PathDecisions {
  readonly #session: DecidedSession;
  readonly #options: PathDecisionsOptions;
  readonly #subscriptions: Subscriptions;
  readonly #permissions: SessionPermissions;
  /** Made when it is needed: most sessions never wait. */
  #waiting: WaitingPaths | null = null;

  constructor(
    session: DecidedSession,
    options: PathDecisionsOptions,
    { subscriptions, permissions }: { subscriptions: Subscriptions; permissions: SessionPermissions },
  ) {
    this.#session = session;
    this.#options = options;
    this.#subscriptions = subscriptions;
    this.#permissions = permissions;
  }

  /** Paths that wait for a decision. */
  get waiting(): number {
    return this.#waiting?.size ?? 0;
  }

  /** Whether a path waits for a decision. */
  isWaiting(path: string): boolean {
    return this.#waiting?.has(path) === true;
  }

  /** Whether the session may hear a path without a question to anybody. */
  mayHear(path: string): boolean {
    return isInboxOf(path, this.#session) || this.#permissions.mayHear(path);
  }

  /** Ends the waiting of a path; returns how its client asked for it. */
  take(path: string): SubscribeItem | undefined {
    return this.#waiting?.take(path);
  }

  /** Asks again about paths that were taken away during the question. */
  askAgain(isTaken: (path: string) => boolean): void {
    this.#waiting?.askAgain(isTaken);
  }

  /** Ends all waiting. */
  clear(): void {
    this.#waiting?.clear();
  }

  /** Returns a new result. `refused` is what the back end, which was asked before, refuses; null when it was not asked. */
  result(refused: PathTable<true> | null = null): SubscribeResult {
    const now = this.#options.clock.now();
    return new SubscribeResult(refused, (path) => this.#permissions.tokenLeftMs(path, now));
  }

  /** Why the session may not have one more path, beside `more` others; null when it may. */
  whyFull(more = 0): ErrorCode | null {
    return whyFull(this.#session, this.#options, more);
  }

  /** Subscribes within the bounds; or returns why not. */
  subscribe(item: SubscribeItem, result: SubscribeResult): Subscription | ErrorCode {
    return this.whyFull() ?? this.#subscriptions.begin(item, result);
  }

  /** Decides about a path that the client wants. What is left open is asked when the result is sent. */
  decide(item: SubscribeItem, result: SubscribeResult): void {
    const { path } = item;
    const refuse = (code: ErrorCode) => result.refused.push({ path, ...errorBody(code) });
    const isOwn = isInboxOf(path, this.#session);
    if (!isOwn && isInbox(path)) return void result.ended.push(path);
    const fault = isOwn ? null : pathFault(path);
    if (fault !== null) return void refuse(fault);
    this.#waiting?.takePending(path);
    const existing = this.#subscriptions.all.get(path);
    const full = isOwn || this.isWaiting(path) ? null : this.whyFull(result.newlyAsked);
    if (existing !== undefined && this.isRenewal(item)) result.asked.set(path, item);
    else if (existing !== undefined) this.#subscriptions.again(existing, item, result);
    else if (full !== null) refuse(full);
    // Before any question: the back end need not be asked for what cannot be.
    else if (item.state !== undefined && this.#options.broker.policyOf(path).state === null)
      refuse('no_state');
    else if (this.mayHear(path)) {
      const fresh = isOwn ? this.#subscriptions.begin(item, result) : this.subscribe(item, result);
      if (typeof fresh === 'string') refuse(fresh);
    } else this.#askOrWait(item, result);
  }

  /** Whether an item renews the token by which its path is heard. */
  isRenewal({ path, token }: SubscribeItem): boolean {
    return token !== undefined && this.#permissions.hasToken(path);
  }

  /** Tells what was decided, and asks about the rest. */
  conclude(result: SubscribeResult): void {
    const { asked } = result;
    result.tell(this.#session);
    if (asked.size > 0) this.#waitingPaths().ask([...asked.values()]);
  }

  /** Begins what waits for the back end's `connect` and may be heard meanwhile. */
  openWaiting(result: SubscribeResult): void {
    for (const path of this.#waiting?.pending ?? []) {
      if (!this.mayHear(path)) continue;
      const item = this.#waiting?.takePending(path);
      if (item !== undefined) this.#open(item, result);
    }
  }

  /** Nothing lets the session hear the path yet: tokens or the back end are asked, or its `connect` is awaited. */
  #askOrWait(item: SubscribeItem, result: SubscribeResult): void {
    const { path } = item;
    const refuse = (code: ErrorCode) => result.refused.push({ path, ...errorBody(code) });
    const isNew = !this.isWaiting(path) && !result.asked.has(path);
    const crowded = isNew ? whyNotWait(this.#session, this.#options, result.newlyAsked) : null;
    if (crowded !== null) refuse(crowded);
    else if (this.#isAskedAbout(item, result)) {
      result.asked.set(path, item);
      if (isNew) result.newlyAsked++;
    } else if (result.isRefused(path)) refuse('connect_refused');
    else this.#await(item, result);
  }

  /** Whether tokens or the back end are to be asked about a path, or are being asked. */
  #isAskedAbout({ path, token }: SubscribeItem, result: SubscribeResult): boolean {
    if (token !== undefined || this.#waiting?.isAsked(path) || result.asked.has(path)) return true;
    return !result.wasAsked && this.#options.authProviders.view !== null;
  }

  #await(item: SubscribeItem, result: SubscribeResult): void {
    this.#waitingPaths().add(item);
    result.pending.push(item.path);
  }

  /** Settles answers about paths that are still wanted; `grants` may name others beside. */
  #answered(answers: readonly Answer[], { grants, at }: PathDecision): void {
    const result = this.result();
    for (const source of grants)
      if ((this.#permissions.deniedAt(source) ?? -1) < at) this.#permissions.grant(source);
    for (const answer of answers) this.#settle(answer, result);
    this.openWaiting(result);
    result.tell(this.#session);
    this.#session.grantsChanged();
  }

  #settle(answer: Answer, result: SubscribeResult): void {
    const { item, verdict } = answer;
    const { path } = item;
    if (verdict === 'refused') {
      const { code, message } = answer;
      if (!SAYS_NOTHING.has(code)) this.#permissions.dropToken(path);
      if (this.mayHear(path)) return this.#open(item, result);
      this.#subscriptions.end(path);
      result.refused.push({ path, code, message });
    } else if (verdict === 'undecided') {
      if (this.mayHear(path)) this.#open(item, result);
      else this.#await(item, result);
    } else if ((this.#permissions.deniedAt(path) ?? -1) >= answer.at) {
      // Taken away after the question.
      result.refused.push({ path, ...errorBody('denied') });
    } else {
      if (answer.pass === undefined) this.#permissions.grant(path);
      else this.#permissions.addToken(path, answer.pass);
      this.#open(item, result);
      if (!this.#subscriptions.all.has(path)) this.#permissions.dropToken(path);
    }
  }

  /** Subscribes, or tells again that it is subscribed. */
  #open(item: SubscribeItem, result: SubscribeResult): void {
    const existing = this.#subscriptions.all.get(item.path);
    if (existing !== undefined) return this.#subscriptions.again(existing, item, result);
    const fresh = this.subscribe(item, result);
    if (typeof fresh === 'string') result.refused.push({ path: item.path, ...errorBody(fresh) });
  }

  #waitingPaths(): WaitingPaths {
    this.#waiting ??= new WaitingPaths(this.#session, this.#options, {
      onAnswers: (answers, decision) => this.#answered(answers, decision),
      onOverdue: (paths) => this.#refuseOverdue(paths),
    });
    return this.#waiting;
  }

  #refuseOverdue(paths: readonly string[]): void {
    const codeOf = (path: string) => (this.#permissions.deniedAt(path) === null ? 'not_granted' : 'denied');
    this.#session.tellRefused(paths.map((path) => ({ path, ...errorBody(codeOf(path)) })));
  }
}
