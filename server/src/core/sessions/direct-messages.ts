/**
 * Sends messages to sessions: like updates, on reserved paths. So they wait for a client without a connection, arrive
 * once and in order, and a loss is reported as a gap.
 */
import type { Outcome } from '../../../../protocol/codes.js';
import { errorBody } from '../../../../protocol/codes.js';
import type { EncodedMessage } from '../hub/draft.js';
import type { Publisher } from '../hub/publisher.js';
import type { Published } from '../log/broker.js';
import type { IdempotencyKey } from '../log/idempotency.js';
import { BROADCAST_PATH, inboxOf } from '../log/reserved-paths.js';
import type { Session } from '../session/session.js';
import type { Sessions } from './sessions.js';

/** The recipients of a message. */
export interface Recipients {
  /** Session ids. */
  readonly sessions?: readonly string[];
  readonly users?: readonly string[];
}

/** The result of sending a message. */
export interface Sent {
  /** Ids of sessions, each once. */
  readonly sent: string[];
  /** Ids and users without a session. */
  readonly unknown: string[];
  /** Whether earlier calls with the same idempotency key had sent the message to all of them. */
  readonly isRepeated: boolean;
}

/** A message to sessions. */
export interface DirectMessage extends EncodedMessage {
  readonly idempotency?: IdempotencyKey;
}

export class DirectMessages {
  readonly #sessions: Sessions;
  readonly #publisher: Publisher;

  constructor(sessions: Sessions, publisher: Publisher) {
    this.#sessions = sessions;
    this.#publisher = publisher;
  }

  /** Sends a message to sessions and to all sessions of users; stops at the first error. */
  async send(message: DirectMessage, to: Recipients): Promise<Outcome<Sent>> {
    const { found, unknown } = this.#find(to);
    const sent: string[] = [];
    let repeated = 0;
    for (const session of found) {
      const path = inboxOf(session.id);
      const fault = session.isEnded ? null : await session.paths.hearInbox(path);
      if (session.isEnded) continue;
      if (fault !== null) return { error: errorBody(fault) };
      const outcome = await this.#publish(path, message, null);
      if ('error' in outcome) return outcome;
      sent.push(session.id);
      if (outcome.value.isRepeated) repeated++;
    }
    return { value: { sent, unknown, isRepeated: repeated > 0 && repeated === sent.length } };
  }

  /** Sends a message to every session but `except`. A session that resumes gets what it missed; a new one does not. */
  async broadcast(message: DirectMessage, except: ReadonlySet<string> | null): Promise<Outcome<Published>> {
    const fault = await this.#sessions.hearBroadcasts();
    // A session that has ended meanwhile hears nothing any more.
    if (fault !== null && fault !== 'unknown_session') return { error: errorBody(fault) };
    return this.#publish(BROADCAST_PATH, message, except);
  }

  async #publish(
    path: string,
    message: DirectMessage,
    except: ReadonlySet<string> | null,
  ): Promise<Outcome<Published>> {
    return this.#publisher.publish({ path, key: null, ...message, sender: '', except });
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
