/** What a module is given beside its arguments: who asks, and what can be done on its behalf. */
import type { Outcome } from '../../../../protocol/codes.js';
import type { Json } from '../../../../protocol/frames.js';
import type { Position } from '../../../../protocol/positions.js';
import type { Addressees, Sent } from '../../core/messenger.js';
import type { Session } from '../../core/session.js';
import type { GrantResult, RevokeResult } from '../../core/session-paths.js';
import type { StateValues } from '../../core/session-state.js';
import type { Doings } from '../doings.js';
import type { Call } from '../handler.js';
import { CommandFault } from './command-fault.js';
import { SharedState } from './shared-state.js';

/** What an update of a module may carry beyond its message. */
export interface CommandUpdateOptions {
  /** Of which entry of the path's state this is the new value; a null message removes it. */
  readonly key?: string;
  /** Only if the entry has this version; null: only if there is none. Else `state_conflict`. */
  readonly version?: number | null;
  /** Sessions that are not to hear it. */
  readonly except?: readonly string[];
  /** Whether the session that gave the command hears it too; default false. */
  readonly echo?: boolean;
}

/** A session that has ended, as it was. */
export interface EndedSession {
  readonly id: string;
  readonly user: string | null;
  readonly state: StateValues;
}

/** The session that gives a command. */
export class CommandSession implements EndedSession {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  /** Its public id. */
  get id(): string {
    return this.#session.id;
  }

  /** The user that it is bound to, null for nobody. */
  get user(): string | null {
    return this.#session.user;
  }

  /** Whether it is bound to a user. */
  get isAuthenticated(): boolean {
    return this.#session.user !== null;
  }

  /** What handlers remember of it; forgotten with the session. */
  get state(): StateValues {
    return this.#session.state.values;
  }

  /** How often that was changed. */
  get version(): number {
    return this.#session.state.version;
  }

  /** Whether it has ended since. */
  get isEnded(): boolean {
    return this.#session.isEnded;
  }

  /** Whether it may hear a path. */
  mayHear(path: string): boolean {
    return this.#session.paths.mayHear(path) || this.#session.paths.subscriptions.has(path);
  }

  /**
   * Sets names of its state to values, where null removes one; answers the new version. With `version` only if that is
   * the present one. @throws CommandFault `state_conflict`, `too_large`
   */
  patch(changes: StateValues, version?: number): number {
    return orThrow(this.#session.state.patch(changes, version));
  }
}

/** The context of one command. What it does it does by functions that need no object before them, so that a handler may take it
 * apart; they are made when they are asked for. */
export class CommandContext {
  readonly session: CommandSession;
  /** What the pattern captured of the path. */
  readonly captured: Readonly<Record<string, string>>;
  readonly #call: Call;
  readonly #doings: Doings;

  constructor(call: Call, captured: Readonly<Record<string, string>>, doings: Doings) {
    this.#call = call;
    this.#doings = doings;
    this.captured = captured;
    this.session = new CommandSession(call.session);
  }

  get path(): string {
    return this.#call.path;
  }

  get command(): string {
    return this.#call.command;
  }

  /** The command's name among those of its session. */
  get uid(): string {
    return this.#call.uid;
  }

  /** Whether its client has asked before and got no answer: a server that has gone may have begun it. */
  get isAgain(): boolean {
    return this.#call.isAgain;
  }

  /** Aborted when nobody waits for the answer any more. */
  get signal(): AbortSignal {
    return this.#call.signal;
  }

  /** Publishes an update, which the session itself does not hear unless `echo`; answers its position. Rejects with CommandFault. */
  get update() {
    return async (
      path: string,
      message: Json,
      options: CommandUpdateOptions = {},
    ): Promise<Position | null> => {
      const update = { path, message, ...options };
      return orThrow(await this.#doings.update(this.#call.session, update)).position;
    };
  }

  /** Sends a message to every session, to the own one only with `echo`. Rejects with CommandFault. */
  get broadcast() {
    return async (message: Json, { echo = false }: { readonly echo?: boolean } = {}): Promise<void> => {
      orThrow(await this.#doings.broadcast(this.#call.session, message, echo));
    };
  }

  /** Sends a message to sessions and to all sessions of users, the own one among them if it is named. Rejects with CommandFault. */
  get sendTo() {
    return async (to: Addressees, message: Json): Promise<Sent> =>
      orThrow(await this.#doings.send(message, to));
  }

  /** Grants paths to the session and subscribes it to them. */
  get grant() {
    return (...paths: string[]): GrantResult[] => orThrow(this.#doings.grant(this.#call.session, paths));
  }

  /** Takes paths away from the session; resolves when that is safe from a restart. */
  get revoke() {
    return async (...paths: string[]): Promise<RevokeResult[]> =>
      orThrow(await this.#doings.revoke(this.#call.session, paths));
  }

  /** The state of a path, which all sessions, modules and back ends share. */
  get shared() {
    return (path: string): SharedState => new SharedState(path, this.#call.session, this.#doings);
  }
}

function orThrow<T>(outcome: Outcome<T>): T {
  if ('error' in outcome) throw new CommandFault(outcome.error);
  return outcome.value;
}
