/** What a module is given beside its arguments: who asks, and what can be done on its behalf. */
import type { Json } from '../../../../protocol/frames.js';
import { orThrow } from '../../core/operations/dobby-error.js';
import type { Operations } from '../../core/operations/operations.js';
import type { GrantResult, RevokeResult } from '../../core/session/grant-result.js';
import type { Session } from '../../core/session/session.js';
import type { StateValues } from '../../core/session/session-state.js';
import type { Call } from '../handler.js';
import { CommandOperations } from './command-operations.js';

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

  /** What its token or the session view said of the user; null where nothing was said. */
  get info(): Json {
    return this.#session.identity?.info ?? null;
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
    return this.#session.paths.mayHear(path);
  }

  /**
   * Sets names of its state to values, where null removes one; answers the new version. With `version` only if that is
   * the present one. @throws DobbyError `state_conflict`, `too_large`
   */
  patch(changes: StateValues, version?: number): number {
    return orThrow(this.#session.state.patch(changes, version));
  }
}

/** The context of one command. */
export class CommandContext extends CommandOperations {
  /** What the pattern captured of the path. */
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

  /** The session that gives it. */
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

  /** Grants paths to the session and subscribes it to them. Resolves when it hears them. */
  get grant() {
    return (...paths: string[]): Promise<GrantResult[]> =>
      this.#operations.connect(this.#call.session.id, paths);
  }

  /** Takes paths away from the session; resolves when that is safe from a restart. */
  get revoke() {
    return (...paths: string[]): Promise<RevokeResult[]> =>
      this.#operations.disconnect(this.#call.session.id, paths);
  }
}
