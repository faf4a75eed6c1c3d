/** The state of a path as modules see it: read what is there, and change it only if nobody else has. */
import type { Json } from '../../../../protocol/frames.js';
import type { PathState } from '../../core/log/path-state.js';
import type { StateEntry } from '../../core/log/snapshot.js';
import type { Session } from '../../core/session/session.js';
import type { Doings } from '../doings.js';
import { CommandFault } from './command-fault.js';

/** The value of a key, and its version: the offset of the update that set it. */
export interface SharedEntry {
  readonly message: Json;
  readonly version: number;
}

/** How a value is set. */
export interface SetOptions {
  /** Only if the entry has this version; null: only if there is none. Else CommandFault `state_conflict`. */
  readonly version?: number | null;
  /** Whether the session that gave the command hears the change too; default true, so that it knows the state as others do. */
  readonly echo?: boolean;
}

/** The state of one path. */
export class SharedState {
  readonly #path: string;
  readonly #session: Session;
  readonly #doings: Doings;

  constructor(path: string, session: Session, doings: Doings) {
    this.#path = path;
    this.#session = session;
    this.#doings = doings;
  }

  /** The value of a key, undefined when there is none. @throws CommandFault `no_state`, `bad_path` */
  get(key: string): SharedEntry | undefined {
    return this.#read(({ entries }) => {
      const entry = entries.get(key);
      return entry && sharedEntry(entry);
    });
  }

  /** All values by key. @throws CommandFault `no_state`, `bad_path` */
  entries(): ReadonlyMap<string, SharedEntry> {
    return this.#read(({ entries }) => {
      return new Map([...entries.values()].map((entry) => [entry.key, sharedEntry(entry)]));
    });
  }

  #read<T>(read: (state: PathState) => T): T {
    const outcome = this.#doings.state(this.#path, read);
    if ('error' in outcome) throw new CommandFault(outcome.error);
    return outcome.value;
  }

  /** Sets a key, where null removes it, and tells all who follow the path; answers the new version. Rejects with CommandFault. */
  async set(key: string, message: Json, options: SetOptions = {}): Promise<number> {
    const publication = { path: this.#path, key, message, echo: true, ...options };
    const outcome = await this.#doings.update(this.#session, publication);
    if ('error' in outcome) throw new CommandFault(outcome.error);
    return outcome.value.position?.offset ?? 0;
  }

  /**
   * Changes a key by what `change` makes of its present value, again as often as somebody else was quicker; answers the
   * new value. `change` may run several times.
   */
  async change<T extends Json>(
    key: string,
    change: (message: T | undefined) => T,
    { echo = true }: { readonly echo?: boolean } = {},
  ): Promise<T> {
    for (;;) {
      const known = this.get(key);
      const message = change(known?.message as T | undefined);
      const publication = { path: this.#path, key, message, version: known?.version ?? null, echo };
      const outcome = await this.#doings.update(this.#session, publication);
      if (!('error' in outcome)) return message;
      if (outcome.error.code !== 'state_conflict') throw new CommandFault(outcome.error);
    }
  }
}

const sharedEntry = ({ text, offset }: StateEntry): SharedEntry => ({
  message: JSON.parse(text),
  version: offset,
});
