/** What can be done on behalf of a session that gives a command. What it causes it does not hear itself, unless it asks to. */
import { type ErrorBody, errorBody, type Outcome } from '../../../protocol/codes.js';
import type { Json } from '../../../protocol/frames.js';
import { pathFault } from '../../../protocol/paths.js';
import type { Dispatcher } from '../core/hub/dispatcher.js';
import { draftOf, encodeMessage, publishDraft, type UpdateRequest } from '../core/hub/draft.js';
import type { Publisher } from '../core/hub/publisher.js';
import type { PathState } from '../core/log/path-state.js';
import type { Draft, Update } from '../core/log/update.js';
import type { GrantResult, RevokeResult } from '../core/session/grant-result.js';
import type { Session } from '../core/session/session.js';
import type { DirectMessages, Recipients, Sent } from '../core/sessions/direct-messages.js';
import type { Sessions } from '../core/sessions/sessions.js';

/** What doings stand on. */
export interface DoingsParts {
  readonly sessions: Sessions;
  readonly publisher: Publisher;
  readonly directMessages: DirectMessages;
  readonly dispatcher: Dispatcher;
}

/** An update that a command causes. */
export interface CausedUpdate extends UpdateRequest {
  /** Whether the session itself hears it too. */
  readonly echo?: boolean;
}

/** Acts for sessions. */
export class Doings {
  readonly #parts: DoingsParts;

  constructor(parts: DoingsParts) {
    this.#parts = parts;
  }

  /** An update as a draft, or what is wrong with it. `prefix` leads to it in a request. */
  draft(session: Session, { echo = false, ...publication }: CausedUpdate, prefix = ''): Outcome<Draft> {
    const draft = draftOf(publication, prefix);
    return 'error' in draft || echo ? draft : { value: { ...draft.value, sender: session.id } };
  }

  /** Publishes an update. */
  async update(session: Session, update: CausedUpdate): Promise<Outcome<Update>> {
    const draft = this.draft(session, update);
    return 'error' in draft ? draft : publishDraft(this.#parts.publisher, draft.value);
  }

  /**
   * Publishes drafts, after `first` has run; if one would be refused, nothing happens. When the broker is this process nothing comes
   * in between.
   */
  async publishAll(drafts: readonly Draft[], first: () => void): Promise<ErrorBody | null> {
    const { publisher } = this.#parts;
    const fault = publisher.fault(drafts);
    const found = fault instanceof Promise ? await fault : fault;
    if (found !== null) return found;
    first();
    for (const outcome of await Promise.all(drafts.map((draft) => publisher.publish(draft)))) {
      if ('error' in outcome) return outcome.error;
    }
    return null;
  }

  /** Sends a message to every session. */
  async broadcast(session: Session, message: Json, isEchoed: boolean): Promise<Outcome<Update>> {
    const letter = encodeMessage(message);
    if ('error' in letter) return letter;
    return this.#parts.directMessages.broadcast(letter.value, isEchoed ? null : new Set([session.id]));
  }

  /** Sends a message to sessions and users. */
  async send(message: Json, to: Recipients): Promise<Outcome<Sent>> {
    const letter = encodeMessage(message);
    return 'error' in letter ? letter : this.#parts.directMessages.send(letter.value, to);
  }

  /** Why a message cannot be sent, or null. */
  messageFault(message: Json, field: string): ErrorBody | null {
    const letter = encodeMessage(message, field);
    return 'error' in letter ? letter.error : null;
  }

  /** Grants paths to a session. */
  grant(session: Session, paths: readonly string[]): Outcome<GrantResult[]> {
    return this.#parts.sessions.connect(session.id, paths);
  }

  /** Takes paths away from a session. */
  revoke(session: Session, paths: readonly string[]): Promise<Outcome<RevokeResult[]>> {
    return this.#parts.sessions.admin.disconnect(session.id, paths);
  }

  /** Lets `read` look at the state of a path. */
  state<T>(path: string, read: (state: PathState) => T): Outcome<T> {
    const wrong = pathFault(path);
    if (wrong !== null) return { error: errorBody(wrong) };
    return this.#parts.dispatcher.look(path, ({ state }): Outcome<T> => {
      return state === null ? { error: errorBody('no_state') } : { value: read(state) };
    });
  }
}
