/**
 * Messages to sessions themselves, which go the way of all updates: by paths of their own, so that they wait for a connection that is
 * away, arrive once and in order, and what is lost is told.
 */
import type { Outcome } from '../../../../protocol/codes.js';
import type { EncodedMessage } from '../hub/draft.js';
import type { Publisher } from '../hub/publisher.js';
import { EVERYBODY, inboxOf } from '../log/reserved-paths.js';
import type { Update } from '../log/update.js';
import type { Session } from '../session/session.js';
import type { Sessions } from './sessions.js';

/** Whom a message is for. */
export interface Recipients {
  /** Ids. */
  readonly sessions?: readonly string[];
  readonly users?: readonly string[];
}

/** Whom a message was sent to. */
export interface Sent {
  /** Ids of sessions, each once. */
  readonly sent: string[];
  /** Ids and users that have no session. */
  readonly unknown: string[];
}

/** Sends messages to sessions. */
export class DirectMessages {
  readonly #sessions: Sessions;
  readonly #publisher: Publisher;

  constructor(sessions: Sessions, publisher: Publisher) {
    this.#sessions = sessions;
    this.#publisher = publisher;
  }

  /** Sends a message to sessions, and to all sessions of users; the first error ends it. */
  async send({ message, text }: EncodedMessage, to: Recipients): Promise<Outcome<Sent>> {
    const { found, unknown } = this.#find(to);
    const sent: string[] = [];
    for (const session of found) {
      if (session.isEnded) continue;
      const path = inboxOf(session.id);
      session.paths.hearInbox(path);
      const outcome = await this.#publisher.publish({
        path,
        key: null,
        message,
        text,
        sender: '',
        except: null,
      });
      if ('error' in outcome) return outcome;
      sent.push(session.id);
    }
    return { value: { sent, unknown } };
  }

  /** Sends a message to every session but `except`. Sessions that are opened from now on hear the next ones; one that resumes hears what it missed. */
  async broadcast(
    { message, text }: EncodedMessage,
    except: ReadonlySet<string> | null,
  ): Promise<Outcome<Update>> {
    this.#sessions.hearBroadcasts();
    return this.#publisher.publish({ path: EVERYBODY, key: null, message, text, sender: '', except });
  }

  #find({ sessions = [], users = [] }: Recipients): { found: Set<Session>; unknown: string[] } {
    const found = new Set<Session>();
    const unknown: string[] = [];
    for (const id of sessions) {
      const session = this.#sessions.all.get(id);
      if (session === undefined || session.isRaw) unknown.push(id);
      else found.add(session);
    }
    for (const user of users) {
      const all = [...this.#sessions.ofUser(user)];
      if (all.length === 0) unknown.push(user);
      for (const session of all) found.add(session);
    }
    return { found, unknown };
  }
}
