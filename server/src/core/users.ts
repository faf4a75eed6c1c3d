/** Which sessions belong to which user. */
import type { Session } from './session.js';

const NOBODY: ReadonlySet<Session> = new Set();

/** The sessions of users. */
export class Users {
  readonly #sessions = new Map<string, Set<Session>>();

  /** The sessions that are bound to a user, in the order of their binding. */
  of(user: string): ReadonlySet<Session> {
    return this.#sessions.get(user) ?? NOBODY;
  }

  /** Binds a session to a user; the first binding holds. */
  bind(session: Session, user: string): void {
    if (session.user !== null) return;
    session.user = user;
    const sessions = this.#sessions.get(user);
    if (sessions === undefined) this.#sessions.set(user, new Set([session]));
    else sessions.add(session);
  }

  /** A session has ended. */
  forget(session: Session): void {
    const sessions = session.user === null ? undefined : this.#sessions.get(session.user);
    if (sessions?.delete(session) && sessions.size === 0) this.#sessions.delete(session.user as string);
  }
}
