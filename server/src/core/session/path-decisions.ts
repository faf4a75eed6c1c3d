/**
 * Decides which paths one session hears: at once by what it may hear, else later by tokens, the back end's answer or its `connect`. Each
 * path is decided by itself, and the client gets every decision.
 */
import { type ErrorCode, errorBody } from '../../../../protocol/codes.js';
import type { SubscribeItem } from '../../../../protocol/frames.js';
import { pathFault } from '../../../../protocol/paths.js';
import type { PathDecision } from '../access/identity.js';
import type { Permissions } from '../access/permissions.js';
import type { PathTable } from '../data/path-table.js';
import { isInbox, isInboxOf } from '../log/reserved-paths.js';
import type { CoreContext } from './core-context.js';
import type { PathOwner } from './path-owner.js';
import { SubscribeResult } from './subscribe-result.js';
import type { Subscription } from './subscription.js';
import type { Subscriptions } from './subscriptions.js';
import { type Answer, WaitingPaths } from './waiting-paths.js';

/** Waiting paths of all sessions: each holds half a kilobyte, and any client can name them. */
export const MAX_WAITING_PATHS = 100_000;

/** Refusals of a token that was not read; the session keeps its former token. */
const UNREAD_TOKEN: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['keys_unavailable', 'too_many_tokens']);

/** Decides about the paths of a session. */
export class PathDecisions {
  readonly #session: PathOwner;
  readonly #context: CoreContext;
  readonly #permissions: Permissions;
  readonly #subscriptions: Subscriptions;
  /** Made when it is needed: most sessions never wait. */
  #waiting: WaitingPaths | null = null;

  constructor(
    session: PathOwner,
    context: CoreContext,
    parts: { readonly permissions: Permissions; readonly subscriptions: Subscriptions },
  ) {
    this.#session = session;
    this.#context = context;
    this.#permissions = parts.permissions;
    this.#subscriptions = parts.subscriptions;
  }

  /** The paths that wait for a decision; null as long as none ever did. */
  get waiting(): Omit<WaitingPaths, 'add' | 'ask'> | null {
    return this.#waiting;
  }

  /** Returns whether the session may hear a path without asking tokens or the back end. */
  mayHear(path: string): boolean {
    return isInboxOf(path, this.#session) || this.#permissions.mayHear(path);
  }

  /** Returns a new result. `refused` is what the back end, which was asked before, refuses; null when it was not asked. */
  result(refused: PathTable<true> | null = null): SubscribeResult {
    return new SubscribeResult(this.#permissions, this.#context.clock.now(), refused);
  }

  /** Returns the code that refuses one more path, beside `more` others; null if there is room. */
  whyFull(more = 0): ErrorCode | null {
    const { counters, guard, settings } = this.#context;
    if (this.#session.pathCount + more >= settings.maxSubscriptions) return 'too_many_subscriptions';
    const inAll = counters.subscriptions + counters.pending + more;
    if (inAll >= settings.maxTotalSubscriptions) return 'subscriptions_full';
    return guard.hasRoom(this.#session, more + 1) ? null : 'address_subscriptions';
  }

  /** Returns the code that refuses one more waiting path, beside `more` others; null if there is room. */
  #whyNotWait(more: number): ErrorCode | null {
    const { counters, guard } = this.#context;
    if (counters.pending + more >= MAX_WAITING_PATHS) return 'subscriptions_full';
    return guard.mayWait(this.#session, more + 1) ? null : 'address_subscriptions';
  }

  /** Subscribes within the bounds; or returns why not. */
  subscribe(item: SubscribeItem, result: SubscribeResult): Subscription | ErrorCode {
    return this.whyFull() ?? this.#subscriptions.begin(item, result);
  }

  /** Decides about a path that the client wants. What is left open is asked when the result is sent. */
  decide(item: SubscribeItem, result: SubscribeResult): void {
    const { path } = item;
    const isOwn = isInboxOf(path, this.#session);
    if (!isOwn && isInbox(path)) return void result.ended.push(path);
    const fault = isOwn ? null : pathFault(path);
    if (fault !== null) return result.refuse(path, fault);
    this.#waiting?.takePending(path);
    const existing = this.#subscriptions.all.get(path);
    const full = isOwn || this.#waiting?.has(path) ? null : this.whyFull(result.newlyAsked);
    if (existing !== undefined && this.isRenewal(item)) result.asked.set(path, item);
    else if (existing !== undefined) this.#subscriptions.again(existing, item, result);
    else if (full !== null) result.refuse(path, full);
    // Before any question: the back end need not be asked for what cannot be.
    else if (item.state !== undefined && this.#context.broker.policyOf(path).state === null)
      result.refuse(path, 'no_state');
    else if (isOwn) refuseFault(path, this.#subscriptions.begin(item, result), result);
    else if (this.mayHear(path)) refuseFault(path, this.subscribe(item, result), result);
    else this.#askOrWait(item, result);
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

  /** Subscribes to pending paths that the session may hear now. */
  openWaiting(result: SubscribeResult): void {
    for (const path of this.#waiting?.pending ?? []) {
      if (!this.mayHear(path)) continue;
      const item = this.#waiting?.takePending(path);
      if (item !== undefined) this.#open(item, result);
    }
  }

  /** Asks about a path that the session may not hear yet, or waits for the back end's `connect`. */
  #askOrWait(item: SubscribeItem, result: SubscribeResult): void {
    const { path } = item;
    const isNew = !this.#waiting?.has(path) && !result.asked.has(path);
    const crowded = isNew ? this.#whyNotWait(result.newlyAsked) : null;
    if (crowded !== null) result.refuse(path, crowded);
    else if (this.#isAskedAbout(item, result)) {
      result.asked.set(path, item);
      if (isNew) result.newlyAsked++;
    } else if (result.isRefused(path)) result.refuse(path, 'connect_refused');
    else this.#await(item, result);
  }

  /** Whether tokens or the back end are to be asked about a path, or are being asked. */
  #isAskedAbout({ path, token }: SubscribeItem, result: SubscribeResult): boolean {
    if (token !== undefined || this.#waiting?.isAsked(path) || result.asked.has(path)) return true;
    return !result.wasAsked && this.#context.authProviders.view !== null;
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
      if (!UNREAD_TOKEN.has(code)) this.#permissions.dropToken(path);
      if (this.mayHear(path)) return this.#open(item, result);
      this.#subscriptions.end(path);
      result.refused.push({ path, code, message });
    } else if (verdict === 'undecided') {
      if (this.mayHear(path)) this.#open(item, result);
      else this.#await(item, result);
    } else if ((this.#permissions.deniedAt(path) ?? -1) >= answer.at) {
      // Taken away after the question.
      result.refuse(path, 'denied');
    } else {
      if (answer.token === undefined) this.#permissions.grant(path);
      else this.#permissions.addToken(path, answer.token);
      this.#open(item, result);
      if (!this.#subscriptions.all.has(path)) this.#permissions.dropToken(path);
    }
  }

  /** Subscribes, or tells again that it is subscribed. */
  #open(item: SubscribeItem, result: SubscribeResult): void {
    const existing = this.#subscriptions.all.get(item.path);
    if (existing !== undefined) this.#subscriptions.again(existing, item, result);
    else refuseFault(item.path, this.subscribe(item, result), result);
  }

  #waitingPaths(): WaitingPaths {
    this.#waiting ??= new WaitingPaths(this.#session, this.#context, {
      permissions: this.#permissions,
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

/** Refuses a path that could not be subscribed to. */
function refuseFault(path: string, outcome: Subscription | ErrorCode, result: SubscribeResult): void {
  if (typeof outcome === 'string') result.refuse(path, outcome);
}
