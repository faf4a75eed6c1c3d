/**
 * The operations of a server, shared by the HTTP API, the library, modules and the back end's answers. Asynchronous ones reject with
 * `DobbyError`; `draft` and `disconnectReceiver` throw it.
 */
import type { Json } from '../../../../protocol/frames.js';
import { pathFault } from '../../../../protocol/paths.js';
import type { MaybePromise } from '../data/maybe-promise.js';
import type { Dispatcher } from '../hub/dispatcher.js';
import { draftOf, encodeMessage, type UpdateRequest } from '../hub/draft.js';
import type { Publisher } from '../hub/publisher.js';
import type { Broker, Published } from '../log/broker.js';
import type { IdempotencyKey } from '../log/idempotency.js';
import type { Draft } from '../log/update.js';
import type { GrantResult, RevokeResult } from '../session/grant-result.js';
import type { DirectMessage, DirectMessages, Recipients, Sent } from '../sessions/direct-messages.js';
import type { KickTarget } from '../sessions/features.js';
import type { NamedUser, PatternResult } from '../sessions/session-admin.js';
import type { Sessions } from '../sessions/sessions.js';
import { DobbyError, dobbyError, orThrow } from './dobby-error.js';
import {
  type HistoryReply,
  type HistoryRequest,
  historyOf,
  type StateReply,
  type StateRequest,
  stateOf,
} from './reading.js';

/** What operations act on. */
export interface OperationsOptions {
  readonly sessions: Sessions;
  readonly publisher: Publisher;
  readonly directMessages: DirectMessages;
  readonly dispatcher: Dispatcher;
  readonly broker: Broker;
  /** Told of what the broker could not do, after several tries. */
  readonly onStoreFault: (error: unknown) => void;
}

/** What an update may say beside its path and its message. */
export interface UpdateDetails {
  /** The update is also the new value of this key in the path's state; a null message removes it. */
  readonly key?: string;
  /** Only if the entry of the key has this version; null: only if there is no entry. Else `state_conflict`. */
  readonly version?: number | null;
  /** Ids of sessions that do not hear it. */
  readonly except?: readonly string[];
}

/** What a request to publish may carry beside its subject. */
export interface PublishOptions {
  /** The id of the receiver that it comes from, which does not hear it. */
  readonly sender?: string | undefined;
  readonly idempotency?: IdempotencyKey | undefined;
  /** Leads to the item in the request, for the field of an error. */
  readonly prefix?: string;
}

/** A path, where it stands, and how many sessions of this server hear it. */
export interface PathInfo {
  readonly path: string;
  readonly subscriptions: number;
  readonly position: Published['position'];
}

/** The operations of a server. */
export class Operations {
  readonly #options: OperationsOptions;

  constructor(options: OperationsOptions) {
    this.#options = options;
  }

  /** Publishes an update. Answers its position, null on a path without a log. */
  async update(request: UpdateRequest, options: PublishOptions = {}): Promise<Published> {
    const { prefix = '' } = options;
    const outcome = await this.#options.publisher.publish(this.draft(request, options));
    if (!('error' in outcome)) return outcome.value;
    const { field } = outcome.error;
    const isOfItem = field !== undefined && field !== 'idempotencyKey';
    throw new DobbyError(isOfItem ? { ...outcome.error, field: `${prefix}${field}` } : outcome.error);
  }

  /** Returns an update as a draft. @throws DobbyError */
  draft(request: UpdateRequest, { sender = '', idempotency, prefix = '' }: PublishOptions = {}): Draft {
    const draft = orThrow(draftOf(request, prefix));
    return { ...draft, sender, ...(idempotency !== undefined && { idempotency }) };
  }

  /** Whether the policy of a path keeps a state. */
  hasState(path: string): boolean {
    return this.#options.broker.policyOf(path).state !== null;
  }

  /** Publishes drafts of one path in one atomic step. */
  async publishAll(drafts: readonly Draft[]): Promise<readonly Published[]> {
    return orThrow(await this.#options.publisher.publishAll(drafts));
  }

  /** Grants paths to a session and subscribes it to them. `user` null: only a session without a user; `login` sets its login. */
  async connect(
    id: string,
    paths: readonly string[],
    user?: NamedUser,
    login?: string,
  ): Promise<GrantResult[]> {
    const results = orThrow(await this.#options.sessions.connect(id, paths, user, login));
    // It may have ended while its paths were joined.
    if (paths.length > 0 && !this.#options.sessions.all.has(id)) throw dobbyError('unknown_session');
    return results;
  }

  /** Takes paths away from a session. */
  async disconnect(id: string, paths: readonly string[], user?: NamedUser): Promise<RevokeResult[]> {
    return orThrow(await this.#options.sessions.admin.disconnect(id, paths, user));
  }

  /** Takes what patterns match from all sessions of a user, and from the tokens made for it until now. */
  async disconnectUser(user: string, patterns: readonly string[]): Promise<PatternResult[]> {
    return this.#options.sessions.admin.disconnectUser(user, patterns);
  }

  /** Ends a session, or all of a user or a login. Answers how many ended just now. */
  async kick(whom: KickTarget, mayReturn = true): Promise<number> {
    const { admin } = this.#options.sessions;
    if ('user' in whom) return admin.kickUser(whom.user, mayReturn);
    if ('login' in whom) return admin.kickLogin(whom.login, mayReturn);
    return orThrow(await admin.kick(whom.id, mayReturn));
  }

  /** Sends a message to sessions, and to all sessions of users. */
  async send(message: Json, to: Recipients, idempotency?: IdempotencyKey): Promise<Sent> {
    return orThrow(await this.#options.directMessages.send(directMessage(message, idempotency), to));
  }

  /** Sends a message to every session but `except`. */
  async broadcast(
    message: Json,
    except: readonly string[] = [],
    idempotency?: IdempotencyKey,
  ): Promise<Published> {
    const hidden = except.length === 0 ? null : new Set(except);
    const { directMessages } = this.#options;
    return orThrow(await directMessages.broadcast(directMessage(message, idempotency), hidden));
  }

  /** Reads the log of a path, page by page, forwards or backwards. Errors: `no_log`, `bad_position`. */
  async history(request: HistoryRequest): Promise<HistoryReply> {
    checkPath(request.path, 'path');
    return this.#stored(() => historyOf(this.#options.broker, request));
  }

  /** Reads the state of a path, page by page. Errors: `no_state`. */
  async state(request: StateRequest): Promise<StateReply> {
    checkPath(request.path, 'path');
    return this.#stored(() => stateOf(this.#options.broker, request));
  }

  /** Answers where paths stand, in the order in which they are named. */
  async paths(names: readonly string[]): Promise<PathInfo[]> {
    for (const [index, name] of names.entries()) checkPath(name, `names.${index}`);
    return Promise.all(names.map((name) => this.#pathInfo(name)));
  }

  async #pathInfo(path: string): Promise<PathInfo> {
    const { broker, dispatcher } = this.#options;
    const page = await this.#stored(() => broker.read(path, { limit: 0, maxCharacters: 0 }));
    const subscriptions = dispatcher.paths.get(path)?.subscriptions ?? 0;
    return { path, subscriptions, position: page?.head ?? null };
  }

  /** Marks the states of paths as whole again after a crash, and sends them to all that follow. Answers how many were partial. */
  async complete(paths: readonly string[]): Promise<number> {
    for (const [index, path] of paths.entries()) checkPath(path, `paths.${index}`);
    const { broker, dispatcher } = this.#options;
    let completed = 0;
    for (const path of new Set(paths)) {
      if (!(await this.#stored(() => broker.complete(path)))) continue;
      completed++;
      dispatcher.paths.get(path)?.sendSnapshots();
    }
    return completed;
  }

  /** Connects a registered receiver to a path. Resolves when it hears every update. Rejects with Error when it is not registered. */
  async connectReceiver(id: string, path: string): Promise<void> {
    checkPath(path, 'path');
    await new Promise<void>((resolve) => this.#options.dispatcher.connect(id, path, resolve));
  }

  /** Disconnects a registered receiver from a path. @throws Error when it is not registered, DobbyError when the path is none */
  disconnectReceiver(id: string, path: string): void {
    checkPath(path, 'path');
    this.#options.dispatcher.disconnect(id, path);
  }

  /** Asks the store. @throws DobbyError `store_unavailable` when it fails */
  async #stored<T>(ask: () => MaybePromise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof DobbyError) throw error;
      this.#options.onStoreFault(error);
      throw dobbyError('store_unavailable');
    }
  }
}

/** @throws DobbyError for what is no message */
function directMessage(message: Json, idempotency: IdempotencyKey | undefined): DirectMessage {
  return { ...orThrow(encodeMessage(message)), ...(idempotency !== undefined && { idempotency }) };
}

/** @throws DobbyError for what is no path */
function checkPath(path: string, field: string): void {
  const fault = pathFault(path);
  if (fault !== null) throw dobbyError(fault, { field });
}
