/**
 * Pomona puts the parts together: what the connection brings goes to whom it concerns, and what the
 * subscriptions want goes out, once per tick.
 */
import type {
  ErrorFrame,
  Json,
  OpenedFrame,
  OpenFrame,
  PendingFrame,
  SubscribeItem,
  UpdateFrame,
} from '../../protocol/frames.js';
import { type LIMITS, PROTOCOL_VERSION } from '../../protocol/limits.js';
import { utf8Length } from '../../protocol/paths.js';
import type { Position } from '../../protocol/positions.js';
import { BackEnd } from './back-end.js';
import { isPosition } from './checks.js';
import { Connection, type PomonaState } from './connection.js';
import { PomonaError, type PomonaErrorCode } from './errors.js';
import { Emitter, type Listener } from './events.js';
import { type CoreFrame, type Decoded, UPDATE } from './frames.js';
import { type PomonaOptions, type Settings, settle } from './options.js';
import { type Numberable, Outstanding } from './outstanding.js';
import type {
  GapEvent,
  Handler,
  RefusedEvent,
  SubscribedEvent,
  Subscription,
  UnsubscribedEvent,
  Update,
} from './subscription.js';
import { Subscriptions } from './subscriptions.js';

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
  /** Something failed: a handler threw, a connection was lost, a frame was refused. */
  error: PomonaError;
}

/** What later entries are told besides. */
export interface CoreEvents extends PomonaEvents {
  /** The network or the page is back: timers may have slept. */
  wake: null;
}

/**
 * Who takes the frames of a type. Of a type that is taken already the newest comes first, and hands on
 * what is not its own.
 */
export type FrameTypes = Readonly<Record<string, (frame: never, handOn: (frame: unknown) => void) => void>>;

/** More fields of the `open` frame, by name. Each is made before every opening, which waits for it; a rejection is as of `prepare`. */
export type OpenFields = Readonly<Record<string, () => unknown>>;

/** What a later entry works with. */
export interface Core {
  readonly subscriptions: Subscriptions;
  readonly events: Emitter<CoreEvents>;
  /** Where time and chance come from. */
  readonly settings: Pick<Settings, 'clock' | 'random' | 'reconnect'>;
  /**
   * Numbers a frame and sends it, if there is a connection. Nothing is sent again by itself: who takes `opened` frames, which come
   * before anything is sent on their connection, can do so. @throws PomonaError `outstanding_full`, `closed`
   */
  send(frame: Numberable): number;
  /** Frames of this connection up to `n` took effect. */
  accepted(n: number): void;
  /** There may be something to send. */
  changed(): void;
  /** Tells an `error`; `cause` is what others threw. */
  fail(code: PomonaErrorCode, message: string, cause?: unknown): void;
}

/** What `connect` can be told. */
export interface ConnectOptions {
  /** The position of what the page shows already; null says that it is unknown. */
  readonly since?: Position | null | undefined;
}

type CoreTable = { [T in CoreFrame['type']]?: (frame: Extract<CoreFrame, { type: T }>) => void } & {
  [UPDATE]: (frame: UpdateFrame) => void;
};

// The compiler holds these to LIMITS, which is not imported: it would bring every limit into a page.
const OPEN_BYTES = 262_144 satisfies (typeof LIMITS)['openBytes'];
const FRAME_BYTES = 65_536 satisfies (typeof LIMITS)['frameBytes'];
const TOKENS_PER_FRAME = 100 satisfies (typeof LIMITS)['tokensPerFrame'];
/** Room for all but the list in a frame. */
const ENVELOPE_BYTES = 200;

/** A client of Dobby: one session, many paths. */
export class Pomona {
  readonly #events = new Emitter<CoreEvents>();
  readonly #frames = new Map<string, (frame: unknown) => void>();
  readonly #outstanding = new Outstanding();
  readonly #settings: Settings;
  readonly #subscriptions: Subscriptions;
  readonly #backEnd: BackEnd;
  readonly #connection: Connection;
  readonly #wake = (): void => {
    this.#connection.wake();
    this.#events.emit('wake', null);
  };
  readonly #flushSoon = (): void => {
    if (this.#willFlush) return;
    this.#willFlush = true;
    queueMicrotask(() => this.#flush());
  };
  readonly #fail = (code: PomonaErrorCode, message: string, cause?: unknown): void =>
    void this.#events.emit('error', new PomonaError(code, message, { cause }));
  readonly #fields: [name: string, make: () => unknown][] = [];
  /** What `#fields` made last. */
  readonly #made: Record<string, unknown> = {};
  #id: string | null = null;
  #named = new Set<string>();
  #willFlush = false;

  /** Begins to connect at the end of the tick. @throws PomonaError `bad_url`, `transport_failed` */
  constructor(options: PomonaOptions = {}) {
    const settings = settle(options);
    this.#settings = settings;
    this.#subscriptions = new Subscriptions(this.#events, this.#flushSoon, () => this.#backEnd.retrySoon());
    this.#backEnd = new BackEnd(settings, this.#subscriptions);
    this.#connection = new Connection(settings, {
      prepare: async () => {
        for (const [name, make] of this.#fields) this.#made[name] = await make();
      },
      firstFrame: (ticket) => this.#firstFrame(ticket),
      opened: (frame) => this.#opened(frame),
      frame: (decoded) => this.#frame(decoded),
      accepted: (n) => this.#accepted(n),
      state: (state) => this.#stateChanged(state),
      error: (error) => void this.#events.emit('error', error),
    });
    this.#registerFrames();
    globalThis.addEventListener?.('online', this.#wake);
    globalThis.document?.addEventListener('visibilitychange', this.#wake);
    this.#connection.start();
  }

  /** The session's public id, which the back end names; null before the first connection. */
  get id(): string | null {
    return this.#id;
  }

  /** `connecting`, `open`, `waiting` between two tries, or `closed` for good. */
  get state(): PomonaState {
    return this.#connection.state;
  }

  /** The name of the transport in use, null while there is none. */
  get transport(): string | null {
    return this.#connection.transport;
  }

  /** Adds a listener (the identical one once); returns the function that removes it. */
  on<Name extends keyof PomonaEvents>(name: Name, listener: Listener<PomonaEvents[Name]>): () => void {
    return this.#events.on(name, listener);
  }

  /**
   * Hears `path`. Handlers of a path run in the order in which they were added; the identical handler
   * is added once, and its subscription is returned again. Dobby and the back end are asked once per
   * path, for all paths of a tick together. `since` is the position of what the page shows already:
   * it counts for a path that is not heard yet. Null says that the page shows something of unknown
   * position: a gap is told first.
   *
   * @throws PomonaError `bad_path`, `reserved_path`, `bad_position`, `closed`, `unknown_field`
   */
  connect(path: string, handler: Handler, { since, ...others }: ConnectOptions = {}): Subscription {
    this.#mustNotBeClosed();
    for (const option in others)
      throw new PomonaError('unknown_field', `connect has no "${option}" without pomona/${option}.`);
    if (since && !isPosition(since))
      throw new PomonaError('bad_position', 'A position is {epoch, offset}.', { path });
    return this.#subscriptions.connect(path, handler, since);
  }

  /** Takes `handler`, or all handlers, from `path`; the last one ends its subscription. */
  disconnect(path: string, handler?: Handler): void {
    this.#subscriptions.disconnect(path, handler);
  }

  /** Ends the session for good. Idempotent; nothing is heard afterwards. */
  close(): void {
    this.#connection.close(true);
  }

  /**
   * For Pomona's own later entries, such as `pomona/state`: lets them take frames and add to the `open` frame, and
   * returns what they work with.
   * @internal
   */
  extend(types: FrameTypes, fields: OpenFields = {}): Core {
    this.#fields.push(...Object.entries(fields));
    for (const [type, take] of Object.entries(types)) {
      const earlier = this.#frames.get(type);
      this.#frames.set(type, (frame) => take(frame as never, (own) => earlier?.(own)));
    }
    return {
      subscriptions: this.#subscriptions,
      events: this.#events,
      send: (frame) => {
        this.#mustNotBeClosed();
        if (this.#outstanding.isFull) throw new PomonaError('outstanding_full', 'Too much waits for Dobby.');
        return this.#send(frame);
      },
      accepted: (n) => this.#accepted(n),
      settings: this.#settings,
      fail: this.#fail,
      changed: this.#flushSoon,
    };
  }

  #mustNotBeClosed(): void {
    if (this.state === 'closed') throw new PomonaError('closed', 'Pomona is closed.');
  }

  #registerFrames(): void {
    const subscriptions = this.#subscriptions;
    const table: CoreTable = {
      [UPDATE]: (frame) => subscriptions.update(frame),
      subscribed: (frame) => {
        this.#backEnd.succeeded();
        subscriptions.subscribed(frame);
      },
      unsubscribed: (frame) => subscriptions.unsubscribed(frame),
      gap: (frame) => subscriptions.gap(frame),
      refused: (frame) => subscriptions.refused(frame),
      pending: (frame) => this.#ask(frame),
      ticket: ({ ticket }) => {
        this.#connection.ticket = ticket;
      },
      ping: ({ received }) => {
        this.#connection.send(['{"type":"pong"}']);
        this.#accepted(received);
      },
      error: (frame) => this.#frameRefused(frame),
    };
    this.extend(table);
  }

  #frame(decoded: Decoded | null): void {
    if (decoded === null) this.#fail('bad_answer', 'Dobby sent no frame');
    else this.#frames.get(decoded.type ?? UPDATE)?.(decoded);
  }

  #firstFrame(ticket: string | undefined): string {
    // JSON leaves out what is undefined.
    const frame = { ...this.#made, type: 'open', protocol: PROTOCOL_VERSION, ticket };
    const room = OPEN_BYTES - ENVELOPE_BYTES - utf8Length(JSON.stringify(frame));
    // What does not fit is asked for when the session is open.
    const paths = pack(this.#subscriptions.wanted(), room)[0];
    this.#named = new Set(paths?.map(({ path }) => path));
    return JSON.stringify({ ...frame, paths } as OpenFrame);
  }

  #opened(frame: OpenedFrame): void {
    const isNew = frame.id !== this.#id;
    this.#id = frame.id;
    if (isNew) this.#backEnd.reset();
    this.#outstanding.restart(frame.received);
    this.#frames.get('opened')?.(frame);
    this.#subscriptions.opened(isNew, this.#named);
    this.#flushSoon();
    if (isNew) this.#events.emit('id', frame.id);
  }

  #accepted(n: number): void {
    this.#outstanding.acknowledge(n);
    this.#flushSoon(); // there may be room again
  }

  #send(frame: Numberable): number {
    const { n, text } = this.#outstanding.add(frame);
    this.#connection.send([text]);
    return n;
  }

  #ask(frame: PendingFrame): void {
    const canAsk = this.#settings.connectUrl !== undefined;
    const paths = this.#subscriptions.pending(frame, canAsk ? 'asking' : null);
    if (canAsk && paths.length > 0) void this.#backEnd.ask(this.#id ?? '', paths);
  }

  #frameRefused({ code, message, n }: ErrorFrame): void {
    this.#fail(code, message);
    if (code === 'bad_sequence') return this.#connection.drop(message);
    const frame = this.#outstanding.find(n);
    if (frame?.type !== 'subscribe') return;
    const paths = (frame['paths'] as SubscribeItem[]).map(({ path }) => path);
    this.#subscriptions.refuse(paths, code, message);
  }

  #flush(): void {
    this.#willFlush = false;
    if (this.state !== 'open' || this.#outstanding.isFull) return;
    const { subscribe, unsubscribe, released } = this.#subscriptions.changes();
    const room = FRAME_BYTES - ENVELOPE_BYTES;
    for (const paths of pack(unsubscribe, room)) this.#send({ type: 'unsubscribe', paths });
    for (const paths of pack(subscribe, room)) this.#send({ type: 'subscribe', paths });
    if (released.length === 0 || !this.#settings.disconnectUrl) return;
    this.#subscriptions.releasing(released);
    void this.#backEnd.release(this.#id ?? '', released);
  }

  #stateChanged(state: PomonaState): void {
    if (state === 'closed') {
      globalThis.removeEventListener?.('online', this.#wake);
      globalThis.document?.removeEventListener('visibilitychange', this.#wake);
      this.#backEnd.reset();
      this.#subscriptions.close();
    }
    this.#events.emit('state', state);
  }
}

/** Divides a list so that each part is at most `maxBytes` long as JSON, with no more tokens than a frame may carry. */
function pack<T>(items: readonly T[], maxBytes: number): T[][] {
  const parts: T[][] = [];
  let bytes = maxBytes;
  for (const item of items) {
    const least = (item as Partial<SubscribeItem>).token ? maxBytes / TOKENS_PER_FRAME : 0;
    const size = Math.max(utf8Length(JSON.stringify(item)) + 1, least);
    if (bytes + size > maxBytes) {
      parts.push([]);
      bytes = 0;
    }
    bytes += size;
    parts.at(-1)?.push(item);
  }
  return parts;
}
