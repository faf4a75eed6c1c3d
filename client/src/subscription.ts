/** What `pomona.connect` returns: one handler on one path. */
import type { GapFrame, Json, SubscribedItem } from '../../protocol/frames.js';
import type { Position } from '../../protocol/positions.js';
import { Emitter, type Listener } from './emitter.js';
import { PomonaError, type PomonaErrorCode } from './errors.js';

/**
 * `asking` until the server has decided; `subscribed`; `refused` for good, until `connect` is called
 * again; `ended` by you, by the back end, or because Pomona closed.
 */
export type SubscriptionState = 'asking' | 'subscribed' | 'refused' | 'ended';

/** Of what an update is, and where it stands. */
export interface Update {
  readonly path: string;
  /** Of which entry of the path's state the message is the new value, null being none; null when of none. */
  readonly key: string | null;
  /** Null on a path without a log. */
  readonly position: Position | null;
}

/** Takes the messages of a path. A promise that it returns is not awaited. */
export type Handler<Message = Json> = (message: Message, update: Update) => void;

/** Options of `connect`; they apply only to a path that is not subscribed yet. */
export interface ConnectOptions {
  /** The position of what the page shows already; null says that it is unknown: a gap is told first. */
  readonly since?: Position | null | undefined;
  /** How many of the newest updates to hear first, 1 to 1,000, as far as the log holds them. Without effect beside `since`. */
  readonly last?: number | undefined;
}

/** From `position` on every update reaches the handlers once and in order, or `gap` comes first. */
export type SubscribedEvent = Pick<SubscribedItem, 'path' | 'position'>;

/** A path cannot be heard; when `retryable` Pomona asks again by itself. */
export interface RefusedEvent {
  readonly path: string;
  readonly code: PomonaErrorCode;
  readonly message: string;
  readonly retryable: boolean;
}

/** Updates after `from`, up to and including `to`, are lost: fetch the present state anew. */
export type GapEvent = Omit<GapFrame, 'type'>;

/** The back end ended a subscription. */
export interface UnsubscribedEvent {
  readonly path: string;
  readonly by: 'client' | 'back_end' | 'expiry';
}

/** What a subscription tells. */
export interface SubscriptionEvents {
  subscribed: SubscribedEvent;
  refused: RefusedEvent;
  gap: GapEvent;
  unsubscribed: UnsubscribedEvent;
  state: SubscriptionState;
}

/** What a subscription knows of its path; shared by all handlers of the path. */
export interface PathView {
  readonly path: string;
  readonly state: SubscriptionState;
  readonly position: Position | null | undefined;
}

/** One handler on one path. */
export class Subscription {
  /** The path. */
  declare readonly path: string;
  /** @internal */
  declare readonly handler: Handler;
  readonly #events = new Emitter<SubscriptionEvents>();
  readonly #leave: () => void;
  /** What it belongs to; null once the handler is no longer on the path. @internal */
  view: PathView | null;
  #told: SubscriptionState;
  #ready: Promise<SubscribedEvent> | null = null;

  /** @internal */
  constructor(view: PathView, handler: Handler, leave: () => void) {
    this.path = view.path;
    this.handler = handler;
    this.view = view;
    this.#told = view.state;
    this.#leave = leave;
  }

  /** The position last processed: every handler has returned or thrown. Null when there is none. */
  get position(): Position | null {
    return this.view?.position ?? null;
  }

  /** How the subscription stands. */
  get state(): SubscriptionState {
    return this.view?.state ?? 'ended';
  }

  /**
   * Resolves when the path is subscribed, rejects with a `PomonaError` when it is refused for good or
   * ended before. It causes no unhandled rejection if nobody looks at it.
   */
  get ready(): Promise<SubscribedEvent> {
    this.#ready ??= this.#makeReady();
    return this.#ready;
  }

  /** Adds a listener; returns the function that removes it. */
  on<Name extends keyof SubscriptionEvents>(
    name: Name,
    listener: Listener<SubscriptionEvents[Name]>,
  ): () => void {
    return this.#events.on(name, listener);
  }

  /** Takes the handler from the path; the last one ends the path's subscription. Idempotent. */
  disconnect(): void {
    if (this.view !== null) this.#leave();
  }

  /** The same as `disconnect`. */
  unsubscribe(): void {
    this.disconnect();
  }

  /** @internal Tells an event of the path, and the state if it has changed. */
  tell<Name extends keyof SubscriptionEvents>(name: Name, event: SubscriptionEvents[Name]): void {
    this.#events.emit(name, event);
    this.tellState();
  }

  /** @internal The handler is no longer on the path. */
  end(): void {
    this.view = null;
    this.tellState();
    this.#events.clear();
  }

  /** @internal */
  tellState(): void {
    const { state } = this;
    if (state === this.#told) return;
    this.#told = state;
    this.#events.emit('state', state);
  }

  #makeReady(): Promise<SubscribedEvent> {
    const { path } = this;
    const ready = new Promise<SubscribedEvent>((resolve, reject) => {
      const look = (refused?: Partial<RefusedEvent>): void => {
        const { state, position } = this;
        const { code = 'closed', message = 'The subscription has ended.' } = refused ?? {};
        if (state === 'subscribed') resolve({ path, position });
        else if (state !== 'asking') reject(new PomonaError(code, message, { path }));
      };
      this.on('refused', look);
      this.on('state', () => look());
      look();
    });
    ready.catch(() => {
      // whoever awaits it hears of it; nobody else must
    });
    return ready;
  }
}
