/**
 * The operations of a server on behalf of a session, for modules. The session does not hear its own updates, unless it
 * asks to. Each getter returns a bound function, so handlers may destructure them; they are made when they are read.
 */
import type { Json } from '../../../../protocol/frames.js';
import type { Position } from '../../../../protocol/positions.js';
import type { Operations, UpdateDetails } from '../../core/operations/operations.js';
import type { Session } from '../../core/session/session.js';
import type { Recipients } from '../../core/sessions/direct-messages.js';
import { SharedState } from './shared-state.js';

/** Options of `update`. */
export interface CommandUpdateOptions extends UpdateDetails {
  /** Whether the session that gave the command hears it too; default false. */
  readonly echo?: boolean;
}

/** Operations for a session, even after its end. All reject with DobbyError. */
export class CommandOperations {
  readonly #session: Session;
  readonly #operations: Operations;

  constructor(session: Session, operations: Operations) {
    this.#session = session;
    this.#operations = operations;
  }

  /** Publishes an update. Resolves with its position, null on a path without a log. */
  get update() {
    return async (
      path: string,
      message: Json,
      { echo = false, ...options }: CommandUpdateOptions = {},
    ): Promise<Position | null> => {
      const sender = echo ? '' : this.#session.id;
      return (await this.#operations.update({ path, message, ...options }, { sender })).position;
    };
  }

  /** Sends a message to every session; to its own one only with `echo`. */
  get broadcast() {
    return async (message: Json, { echo = false }: { readonly echo?: boolean } = {}): Promise<void> => {
      await this.#operations.broadcast(message, echo ? [] : [this.#session.id]);
    };
  }

  /** Sends a message to sessions and to all sessions of users; to its own one only if it is named. */
  get sendTo() {
    return async (to: Recipients, message: Json): Promise<{ sent: string[]; unknown: string[] }> => {
      const { sent, unknown } = await this.#operations.send(message, to);
      return { sent, unknown };
    };
  }

  /** Returns the state of a path, which all sessions, modules and back ends share. */
  get shared() {
    return (path: string): SharedState => new SharedState(path, this.#session, this.#operations);
  }
}
