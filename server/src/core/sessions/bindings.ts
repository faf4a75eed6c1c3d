/** Indexes sessions by user and by login. */
import type { Session } from '../session/session.js';

const NO_SESSIONS: ReadonlySet<Session> = new Set();

/** Sessions by the name of a user or a login. */
class Index {
  readonly #sessions = new Map<string, Set<Session>>();

  of(name: string): ReadonlySet<Session> {
    return this.#sessions.get(name) ?? NO_SESSIONS;
  }

  add(name: string, session: Session): void {
    const sessions = this.#sessions.get(name);
    if (sessions === undefined) this.#sessions.set(name, new Set([session]));
    else sessions.add(session);
  }

  delete(name: string | null, session: Session): void {
    const sessions = name === null ? undefined : this.#sessions.get(name);
    if (sessions?.delete(session) && sessions.size === 0) this.#sessions.delete(name as string);
  }
}

/** The users and logins of all sessions. */
export class Bindings {
  readonly #users = new Index();
  readonly #logins = new Index();

  /** Returns the sessions bound to a user, in the order of their binding. */
  ofUser(user: string): ReadonlySet<Session> {
    return this.#users.of(user);
  }

  /** Returns the sessions of a login. */
  ofLogin(login: string): ReadonlySet<Session> {
    return this.#logins.of(login);
  }

  /** Binds a session to its first user and its newest login; returns whether it has a user only from now on. */
  bind(session: Session, user: string | null, login: string | null): boolean {
    if (login !== null && session.login !== login) {
      this.#logins.delete(session.login, session);
      session.setLogin(login);
      this.#logins.add(login, session);
    }
    if (user === null || !session.bindUser(user)) return false;
    this.#users.add(user, session);
    return true;
  }

  /** Forgets an ended session. */
  forget(session: Session): void {
    this.#users.delete(session.user, session);
    this.#logins.delete(session.login, session);
  }
}
