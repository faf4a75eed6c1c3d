/** The events of a Pomona. */
import type { Json } from '../../protocol/frames.js';
import type { PomonaState } from './connection.js';
import type { PomonaError } from './errors.js';
import type { GapEvent, RefusedEvent, SubscribedEvent, UnsubscribedEvent, Update } from './subscription.js';

/** The back end ended the session. */
export interface KickedEvent {
  readonly message: string;
  /** Whether Pomona stays away until `reopen` is called. Else it is coming back by itself, as a new session. */
  readonly isFinal: boolean;
}

/** What identified the visitor is good no more; Pomona comes back by itself and identifies anew. */
export interface ExpiredEvent {
  /** `identity_expired`: what the back end said of the session; `expired_token`: the session's token. */
  readonly code: 'identity_expired' | 'expired_token';
  readonly message: string;
}

/** What a Pomona tells. */
export interface PomonaEvents {
  /** A path is heard, asked for or not. */
  subscribed: SubscribedEvent;
  refused: RefusedEvent;
  gap: GapEvent;
  unsubscribed: UnsubscribedEvent;
  /** An update of a path without handlers, which the back end connected by itself. */
  update: Update & { readonly message: Json };
  state: PomonaState;
  /** A new session: the id that the back end is to name. */
  id: string;
  /** The back end has sent this session away. */
  kicked: KickedEvent;
  /** The session's identity has expired. */
  expired: ExpiredEvent;
  /** Something failed: a handler threw, a connection was lost, a frame was refused. */
  error: PomonaError;
}
