/**
 * What modules can do, on behalf of a session. These are functions that need no object before them, so that a handler may take them apart;
 * they are made when they are asked for.
 */
import type { Json } from '../../../../protocol/frames.js';
import type { Position } from '../../../../protocol/positions.js';
import type { Session } from '../../core/session/session.js';
import type { Recipients, Sent } from '../../core/sessions/direct-messages.js';
import type { Doings } from '../doings.js';
import { orThrow } from './command-fault.js';
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

/** What can be done for a session, also when it has ended. */
export class Actions {
  readonly #session: Session;
  readonly #doings: Doings;

  constructor(session: Session, doings: Doings) {
    this.#session = session;
    this.#doings = doings;
  }

  /** Publishes an update, which the session itself does not hear unless `echo`; answers its position. Rejects with CommandFault. */
  get update() {
    return async (
      path: string,
      message: Json,
      options: CommandUpdateOptions = {},
    ): Promise<Position | null> => {
      const update = { path, message, ...options };
      return orThrow(await this.#doings.update(this.#session, update)).position;
    };
  }

  /** Sends a message to every session, to the own one only with `echo`. Rejects with CommandFault. */
  get broadcast() {
    return async (message: Json, { echo = false }: { readonly echo?: boolean } = {}): Promise<void> => {
      orThrow(await this.#doings.broadcast(this.#session, message, echo));
    };
  }

  /** Sends a message to sessions and to all sessions of users, the own one among them if it is named. Rejects with CommandFault. */
  get sendTo() {
    return async (to: Recipients, message: Json): Promise<Sent> =>
      orThrow(await this.#doings.send(message, to));
  }

  /** The state of a path, which all sessions, modules and back ends share. */
  get shared() {
    return (path: string): SharedState => new SharedState(path, this.#session, this.#doings);
  }
}
