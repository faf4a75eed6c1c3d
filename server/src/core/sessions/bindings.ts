/** Which sessions belong to which user, and to which login. */
import type { Session } from '../session/session.js';

const NO_SESSIONS: ReadonlySet<Session> = new Set();

/** Sessions by a name. */
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

/** Whose the sessions are. */
export class Bindings {
  readonly #users = new Index();
  readonly #logins = new Index();

  /** The sessions that are bound to a user, in the order of their binding. */
  ofUser(user: string): ReadonlySet<Session> {
    return this.#users.of(user);
  }

  /** The sessions of a login. */
  ofLogin(login: string): ReadonlySet<Session> {
    return this.#logins.of(login);
  }

  /** Binds a session to a user, where the first binding holds, and to a login, where the newest does; whether it is bound to a user only now. */
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

  /** A session has ended. */
  forget(session: Session): void {
    this.#users.delete(session.user, session);
    this.#logins.delete(session.login, session);
  }
}
