/** The context of a command: the session that sends it, and operations on its behalf. */
import type { Json } from '../../../../protocol/frames.js';
import { orThrow } from '../../core/operations/dobby-error.js';
import type { Operations } from '../../core/operations/operations.js';
import type { GrantResult, RevokeResult } from '../../core/session/grant-result.js';
import type { Session } from '../../core/session/session.js';
import type { StateValues } from '../../core/session/session-state.js';
import type { Call } from '../handler.js';
import { CommandOperations } from './command-operations.js';

/** An ended session. */
export interface EndedSession {
  readonly id: string;
  readonly user: string | null;
  readonly state: StateValues;
}

/** The session that sends a command. */
export class CommandSession implements EndedSession {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  /** Returns the public id. */
  get id(): string {
    return this.#session.id;
  }

  /** Returns the user of the session; null without one. */
  get user(): string | null {
    return this.#session.user;
  }

  /** Returns the `info` that a token or the session view has asserted of the user; null without one. */
  get info(): Json {
    return this.#session.identity?.info ?? null;
  }

  /** Returns whether the session has a user. */
  get isAuthenticated(): boolean {
    return this.#session.user !== null;
  }

  /** Returns the values that handlers store with the session; they end with it. */
  get state(): StateValues {
    return this.#session.state.values;
  }

  /** Returns how often `state` was changed. */
  get version(): number {
    return this.#session.state.version;
  }

  /** Returns whether the session has ended. */
  get isEnded(): boolean {
    return this.#session.isEnded;
  }

  /** Returns whether the session may hear a path. */
  mayHear(path: string): boolean {
    return this.#session.paths.mayHear(path);
  }

  /**
   * Sets names of the state to values, where null removes one; returns the new version. With `version` only if that is
   * the present one. @throws DobbyError `state_conflict`, `too_large`
   */
  patch(changes: StateValues, version?: number): number {
    return orThrow(this.#session.state.patch(changes, version));
  }
}

/** The context of one command. */
export class CommandContext extends CommandOperations {
  /** The captures of the pattern in the path. */
  readonly captured: Readonly<Record<string, string>>;
  readonly #call: Call;
  #session: CommandSession | null = null;
  readonly #operations: Operations;

  constructor(call: Call, captured: Readonly<Record<string, string>>, operations: Operations) {
    super(call.session, operations);
    this.#call = call;
    this.#operations = operations;
    this.captured = captured;
  }

  /** Returns the session that sends the command. */
  get session(): CommandSession {
    this.#session ??= new CommandSession(this.#call.session);
    return this.#session;
  }

  get path(): string {
    return this.#call.path;
  }

  get command(): string {
    return this.#call.command;
  }

  /** Returns the command's id among those of its session. */
  get uid(): string {
    return this.#call.uid;
  }

  /** Returns whether the client repeats the command: a previous server may have begun it. */
  get isAgain(): boolean {
    return this.#call.isAgain;
  }

  /** Returns the signal that is aborted when the reply is not awaited any more. */
  get signal(): AbortSignal {
    return this.#call.signal;
  }

  /** Grants paths to the session and subscribes it; resolves when it hears them. */
  get grant() {
    return (...paths: string[]): Promise<GrantResult[]> =>
      this.#operations.connect(this.#call.session.id, paths);
  }

  /** Revokes paths of the session; resolves when that is safe from a restart. */
  get revoke() {
    return (...paths: string[]): Promise<RevokeResult[]> =>
      this.#operations.disconnect(this.#call.session.id, paths);
  }
}
