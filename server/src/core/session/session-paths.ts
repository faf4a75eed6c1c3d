/**
 * What one session hears: its subscriptions, the paths that are asked about or wait for the back end's word, and what it may
 * hear. Each path of a request is decided by itself; every decision is told.
 *
 * Over 400 lines: the order in which a path is decided, and what comes of each decision, is read in one place.
 */
import { type ErrorBody, type ErrorCode, errorBody } from '../../../../protocol/codes.js';
import type { SubscribeItem } from '../../../../protocol/frames.js';
import { pathFault } from '../../../../protocol/paths.js';
import type { Pattern } from '../../../../protocol/patterns.js';
import type { Identity, PathDecision } from '../access/identity.js';
import { type Denial, Permissions } from '../access/permissions.js';
import type { PathTable } from '../data/path-table.js';
import type { Dispatcher } from '../hub/dispatcher.js';
import { isInbox, isInboxOf } from '../log/reserved-paths.js';
import { Frame } from '../wire/frame.js';
import { type GrantResult, itemError, type RevokeResult } from './grant-result.js';
import type { Answer, AuthorizedSession } from './path-authorizer.js';
import { type PathBounds, whyFull, whyNotWait } from './path-bounds.js';
import type { SubscriptionSnapshot } from './session-snapshot.js';
import { type ResultTarget, SubscribeResult } from './subscribe-result.js';
import type { Subscription } from './subscription.js';
import { Subscriptions, type SubscriptionsOwner } from './subscriptions.js';
import { WaitingPaths, type WaitingPathsOptions } from './waiting-paths.js';

/** What the paths of a session stand on. */
export interface SessionPathsOptions extends PathBounds, WaitingPathsOptions {
  readonly dispatcher: Dispatcher;
  /** Whether every client may hear a path. */
  readonly isPublic: (path: string) => boolean;
}

/** The session whose paths these are. */
export interface SessionPathsOwner extends SubscriptionsOwner, AuthorizedSession, ResultTarget {
  /** What the session may hear has changed. */
  grantsChanged(): void;
}

const NONE: ReadonlySet<string> = new Set();
/** Refusals of a token that was not read. */
const SAYS_NOTHING: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['keys_unavailable', 'too_many_tokens']);

/** The paths of a session. */
export class SessionPaths {
  readonly #session: SessionPathsOwner;
  readonly #parts: SessionPathsOptions;
  readonly #subscriptions: Subscriptions;
  /** Most sessions never wait, and have nothing of their own: these are made when they are needed. */
  #waiting: WaitingPaths | null = null;
  /** What could not be taken over from the server before: its end is to be told. */
  #lost: ReadonlySet<string> = NONE;
  #permissions: Permissions | null = null;

  constructor(session: SessionPathsOwner, parts: SessionPathsOptions) {
    this.#session = session;
    this.#parts = parts;
    this.#subscriptions = new Subscriptions(session, parts);
  }

  /** The subscriptions by path. */
  get subscriptions(): ReadonlyMap<string, Subscription> {
    return this.#subscriptions.all;
  }

  /** Subscriptions and paths that wait, but for messages to the session itself. */
  get count(): number {
    return this.#subscriptions.ordinary + this.waiting;
  }

  /** Whether it has a subscription, but for messages to the session itself. */
  get hasSubscriptions(): boolean {
    return this.#subscriptions.ordinary > 0;
  }

  /** The paths and patterns that a back end granted. */
  get granted(): ReadonlySet<string> {
    return this.#permissions?.granted ?? NONE;
  }

  /** What was taken from it since. */
  get denials(): readonly Denial[] {
    return this.#permissions?.denials ?? [];
  }

  /** When the newest was said of it by tokens and the session view; 0 for never. */
  get assertedAt(): number {
    return this.#permissions?.assertedAt ?? 0;
  }

  /** When a path was taken away; null when it was not, or was granted since. */
  deniedAt(path: string): number | null {
    return this.#permissions?.deniedAt(path) ?? null;
  }

  /** Takes over what a ticket says was taken away, and granted since. */
  restore(granted: readonly string[], denials: readonly Denial[]): void {
    for (const { path, at } of denials) this.deny(path, at);
    for (const source of granted) this.#allowed().grant(source);
  }

  /** What a token or the session view says of it; `recheck` ends what may not be heard any more. */
  setIdentity(identity: Identity): void {
    this.#allowed().setIdentity(identity);
  }

  /** The subscriptions, for the next server. */
  snapshot(): SubscriptionSnapshot[] {
    return this.#subscriptions.snapshot();
  }

  /** Takes over the subscriptions of the server before, as far as they are still allowed; `resume` continues them. */
  restoreSubscriptions(subscriptions: readonly SubscriptionSnapshot[]): void {
    const lost = new Set<string>();
    for (const subscription of subscriptions) {
      const { path } = subscription;
      const isAllowed = this.mayHear(path) && (isInbox(path) || this.#whyFull() === null);
      if (isAllowed) this.#subscriptions.restore(subscription);
      else lost.add(path);
    }
    if (lost.size > 0) this.#lost = lost;
  }

  /**
   * The client wants to hear paths. Tells `subscribed`, `pending` and `refused`, and the rest when it is known. `refused` is what the
   * back end, which was asked about these paths already, refuses.
   */
  want(items: readonly SubscribeItem[], refused: PathTable<true> | null = null): void {
    const result = this.#result(refused);
    for (const item of items) this.#decide(item, result);
    this.#conclude(result);
  }

  /** Ends what may not be heard any more, and begins what waited and may be. */
  recheck(): void {
    const lost = [...this.subscriptions.keys()].filter((path) => !this.mayHear(path));
    this.#endAll(lost, 'back_end');
    const result = this.#result();
    this.#openWaiting(result);
    result.tell(this.#session);
  }

  /** Ends what was heard by tokens that have expired. */
  expireTokens(): void {
    const expired = this.#permissions?.dropExpired(this.#parts.clock.now()) ?? [];
    if (expired.length > 0)
      this.#endAll(
        expired.filter((path) => !this.mayHear(path)),
        'expiry',
      );
  }

  /** A connection has taken the session: every subscription goes on from where its client is. */
  resume(items: readonly SubscribeItem[], refused: PathTable<true> | null = null): void {
    const result = this.#result(refused);
    const named = new Map(items.map((item) => [item.path, item]));
    this.#subscriptions.restart();
    for (const subscription of [...this.subscriptions.values()]) {
      const path = subscription.path.name;
      const item = named.get(path) ?? { path, ...(subscription.state && { state: 'snapshot' }) };
      named.delete(path);
      this.#subscriptions.place(subscription, item, result);
      // Its snapshot is under way already.
      const { state: _, ...plain } = item;
      if (this.#isRenewal(item)) result.asked.set(path, plain);
    }
    for (const item of items) if (named.has(item.path)) this.#decide(item, result);
    for (const path of this.#lost) if (!named.has(path)) result.ended.push(path);
    this.#lost = NONE;
    this.#conclude(result);
  }

  /** The client ends subscriptions, or no longer waits. */
  unwant(paths: readonly string[]): void {
    for (const path of paths) {
      this.#waiting?.take(path);
      this.#permissions?.dropToken(path);
      this.#subscriptions.end(path);
    }
    this.#session.tell(Frame.of({ type: 'unsubscribed', paths, by: 'client' }));
  }

  /** The back end grants paths and subscribes to them. */
  grant(paths: readonly string[]): GrantResult[] {
    const result = this.#result();
    const results = paths.map((path, index): GrantResult => {
      const fault = pathFault(path);
      if (fault !== null) return { path, error: itemError(fault, index) };
      const waiting = this.#waiting?.take(path);
      const subscription = this.subscriptions.get(path) ?? this.#subscribe(waiting ?? { path }, result);
      if (typeof subscription === 'string') {
        if (waiting !== undefined) result.refused.push({ path, ...errorBody(subscription) });
        return { path, error: itemError(subscription, index) };
      }
      this.#allowed().grant(path);
      this.#permissions?.dropToken(path);
      return { path, position: this.#subscriptions.positionOf(subscription) };
    });
    result.tell(this.#session);
    this.#session.grantsChanged();
    return results;
  }

  /** The back end takes paths away, at a time in milliseconds since 1970, by default now. */
  revoke(paths: readonly string[], at = this.#parts.clock.now()): RevokeResult[] {
    const ended: string[] = [];
    const results = paths.map((path, index): RevokeResult => {
      const fault = pathFault(path);
      if (fault !== null) return { path, error: itemError(fault, index) };
      this.deny(path, at);
      const wasSubscribed = this.#subscriptions.end(path);
      if (wasSubscribed) ended.push(path);
      return { path, wasSubscribed };
    });
    const taken = new Set(paths);
    this.#waiting?.askAgain((path) => taken.has(path));
    this.#tellEnded(ended, 'back_end');
    this.#session.grantsChanged();
    return results;
  }

  /** The back end takes away all that a pattern matches; answers how many subscriptions ended. */
  revokeAll(pattern: Pattern, at: number): number {
    this.deny(pattern.source, at);
    this.#waiting?.askAgain((path) => pattern.match(path) !== null);
    const ended = [...this.subscriptions.keys()].filter(
      (path) => pattern.match(path) !== null && !this.mayHear(path),
    );
    this.#endAll(ended, 'back_end');
    this.#session.grantsChanged();
    return ended.length;
  }

  /** Denies a path or pattern; whoever hears it goes on. */
  deny(source: string, at: number): void {
    this.#allowed().deny(source, at);
  }

  /** Without a connection nothing is enqueued. */
  pause(): void {
    this.#subscriptions.pause();
  }

  /** The outbox had no room for an update. */
  startCatchUp(subscription: Subscription): void {
    this.#subscriptions.startCatchUp(subscription);
  }

  /** A snapshot is sent to a subscription that follows the state. */
  sendSnapshot(subscription: Subscription): void {
    this.#subscriptions.sendSnapshot(subscription);
  }

  /** One helping of what is behind; true when more is left. */
  readOn(): boolean {
    return this.#subscriptions.readOn();
  }

  /** Whether it may hear a path without anybody being asked. */
  mayHear(path: string): boolean {
    if (isInboxOf(path, this.#session)) return true;
    return this.#permissions?.mayHear(path) ?? this.#parts.isPublic(path);
  }

  /** Subscribes to messages to the session itself, from now on, whatever the bounds: there are but two such paths. */
  hearInbox(path: string): void {
    if (this.subscriptions.has(path)) return;
    const result = this.#result();
    this.#subscriptions.begin({ path }, result);
    result.tell(this.#session);
  }

  /** Why paths cannot all be granted, or null. */
  grantFault(paths: readonly string[]): ErrorBody | null {
    for (const [index, path] of paths.entries()) {
      const fault = pathFault(path);
      if (fault !== null) return itemError(fault, index);
    }
    const isNew = (path: string): boolean => !this.subscriptions.has(path) && !this.#isWaiting(path);
    const count = new Set(paths.filter(isNew)).size;
    if (count === 0) return null;
    const why = this.#whyFull(count - 1);
    return why && errorBody(why);
  }

  /** Ends everything; nothing is told. */
  end(): void {
    for (const path of [...this.subscriptions.keys()]) this.#subscriptions.end(path);
    this.#waiting?.clear();
  }

  #result(refused: PathTable<true> | null = null): SubscribeResult {
    const now = this.#parts.clock.now();
    return new SubscribeResult(refused, (path) => this.#permissions?.tokenLeftMs(path, now));
  }

  #decide(item: SubscribeItem, result: SubscribeResult): void {
    const { path } = item;
    const refuse = (code: ErrorCode) => result.refused.push({ path, ...errorBody(code) });
    const isOwn = isInboxOf(path, this.#session);
    if (!isOwn && isInbox(path)) return void result.ended.push(path);
    const fault = isOwn ? null : pathFault(path);
    if (fault !== null) return void refuse(fault);
    this.#waiting?.takePending(path);
    const existing = this.subscriptions.get(path);
    const full = isOwn || this.#isWaiting(path) ? null : this.#whyFull(result.newlyAsked);
    if (existing !== undefined && this.#isRenewal(item)) result.asked.set(path, item);
    else if (existing !== undefined) this.#subscriptions.again(existing, item, result);
    else if (full !== null) refuse(full);
    // Before anybody is asked: the back end need not be troubled for what cannot be.
    else if (item.state !== undefined && !this.#parts.dispatcher.hasState(path)) refuse('no_state');
    else if (this.mayHear(path)) {
      const fresh = isOwn ? this.#subscriptions.begin(item, result) : this.#subscribe(item, result);
      if (typeof fresh === 'string') refuse(fresh);
    } else this.#askOrWait(item, result);
  }

  /** Nothing lets the session hear the path yet: somebody is to be asked, or the back end may grant it. */
  #askOrWait(item: SubscribeItem, result: SubscribeResult): void {
    const { path } = item;
    const refuse = (code: ErrorCode) => result.refused.push({ path, ...errorBody(code) });
    const isNew = !this.#isWaiting(path) && !result.asked.has(path);
    const crowded = isNew ? whyNotWait(this.#session, this.#parts, result.newlyAsked) : null;
    if (crowded !== null) refuse(crowded);
    else if (this.#isAskedAbout(item, result)) {
      result.asked.set(path, item);
      if (isNew) result.newlyAsked++;
    } else if (result.isRefused(path)) refuse('connect_refused');
    else this.#await(item, result);
  }

  /** Whether an item renews the token by which its path is heard. */
  #isRenewal({ path, token }: SubscribeItem): boolean {
    return token !== undefined && this.#permissions?.hasToken(path) === true;
  }

  /** Whether somebody is to be asked about a path, or is being asked. */
  #isAskedAbout({ path, token }: SubscribeItem, result: SubscribeResult): boolean {
    if (token !== undefined || this.#waiting?.isAsked(path) || result.asked.has(path)) return true;
    return !result.wasAsked && this.#parts.authority.view !== null;
  }

  /** The path waits for the back end's word. */
  #await(item: SubscribeItem, result: SubscribeResult): void {
    this.#waitingPaths().add(item);
    result.pending.push(item.path);
  }

  /** Tells what was decided, and asks about the rest. */
  #conclude(result: SubscribeResult): void {
    const { asked } = result;
    result.tell(this.#session);
    if (asked.size > 0) this.#waitingPaths().ask([...asked.values()]);
  }

  /** Something was answered about paths that are still wanted; `grants` may name others beside. */
  #answered(answers: readonly Answer[], { grants, at }: PathDecision): void {
    const result = this.#result();
    for (const source of grants) if ((this.deniedAt(source) ?? -1) < at) this.#allowed().grant(source);
    for (const answer of answers) this.#settleAnswer(answer, result);
    this.#openWaiting(result);
    result.tell(this.#session);
    this.#session.grantsChanged();
  }

  #settleAnswer(answer: Answer, result: SubscribeResult): void {
    const { item, verdict } = answer;
    const { path } = item;
    if (verdict === 'refused') {
      const { code, message } = answer;
      // What could not be read says nothing against the token before it.
      if (!SAYS_NOTHING.has(code)) this.#permissions?.dropToken(path);
      if (this.mayHear(path)) return this.#open(item, result);
      this.#subscriptions.end(path);
      result.refused.push({ path, code, message });
    } else if (verdict === 'undecided') {
      if (this.mayHear(path)) this.#open(item, result);
      else this.#await(item, result);
    } else if ((this.deniedAt(path) ?? -1) >= answer.at) {
      // Taken away after it was asked.
      result.refused.push({ path, ...errorBody('denied') });
    } else {
      if (answer.pass === undefined) this.#allowed().grant(path);
      else this.#allowed().addToken(path, answer.pass);
      this.#open(item, result);
      if (!this.subscriptions.has(path)) this.#permissions?.dropToken(path);
    }
  }

  /** Begins what waits for the back end's word and may be heard meanwhile. */
  #openWaiting(result: SubscribeResult): void {
    for (const path of this.#waiting?.pending ?? []) {
      if (!this.mayHear(path)) continue;
      const item = this.#waiting?.takePending(path);
      if (item !== undefined) this.#open(item, result);
    }
  }

  /** Subscribes, or says again that it is subscribed. */
  #open(item: SubscribeItem, result: SubscribeResult): void {
    const existing = this.subscriptions.get(item.path);
    if (existing !== undefined) return this.#subscriptions.again(existing, item, result);
    const fresh = this.#subscribe(item, result);
    if (typeof fresh === 'string') result.refused.push({ path: item.path, ...errorBody(fresh) });
  }

  /** Paths that wait for somebody's word. */
  get waiting(): number {
    return this.#waiting?.size ?? 0;
  }

  #waitingPaths(): WaitingPaths {
    this.#waiting ??= new WaitingPaths(this.#session, this.#parts, {
      onAnswers: (answers, decision) => this.#answered(answers, decision),
      onOverdue: (paths) => this.#refuseOverdue(paths),
    });
    return this.#waiting;
  }

  #isWaiting(path: string): boolean {
    return this.#waiting?.has(path) === true;
  }

  #allowed(): Permissions {
    const { isPublic, maxSubscriptions } = this.#parts;
    this.#permissions ??= new Permissions({
      isPublic,
      most: 2 * maxSubscriptions,
      isInUse: (path) => this.subscriptions.has(path),
    });
    return this.#permissions;
  }

  #endAll(paths: readonly string[], by: 'back_end' | 'expiry'): void {
    for (const path of paths) this.#subscriptions.end(path);
    this.#tellEnded(paths, by);
  }

  #tellEnded(paths: readonly string[], by: 'back_end' | 'expiry'): void {
    if (paths.length > 0)
      this.#session.tell(Frame.of({ type: 'unsubscribed', paths, by, ...this.#session.asOf }));
  }

  #whyFull(more = 0): ErrorCode | null {
    return whyFull(this.#session, this.#parts, more);
  }

  #subscribe(item: SubscribeItem, result: SubscribeResult): Subscription | ErrorCode {
    return this.#whyFull() ?? this.#subscriptions.begin(item, result);
  }

  #refuseOverdue(paths: readonly string[]): void {
    const refused = paths.map((path) => ({
      path,
      ...errorBody(this.deniedAt(path) === null ? 'not_granted' : 'denied'),
    }));
    this.#session.tellRefused(refused);
  }
}
