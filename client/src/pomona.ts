/**
 * Pomona puts the parts together: what the connection brings goes to whom it concerns, and what the
 * subscriptions want goes out, once per tick.
 */
import type {
  ControlFrame,
  ErrorFrame,
  Json,
  OpenedFrame,
  OpenFrame,
  PendingFrame,
  SubscribeItem,
  UpdateFrame,
} from '../../protocol/frames.js';
import { LIMITS, PROTOCOL_VERSION } from '../../protocol/limits.js';
import { utf8Length } from '../../protocol/paths.js';
import type { Position } from '../../protocol/positions.js';
import { BackEnd } from './back-end.js';
import { Connection, type PomonaState } from './connection.js';
import { type Decoded, isPosition, type OtherFrame } from './decode.js';
import { PomonaError } from './errors.js';
import { Emitter, type Listener } from './events.js';
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

/** Frames of later entries, by their type. */
export type FrameTypes = Readonly<Record<string, (frame: OtherFrame) => void>>;

const CLOSED = 'This Pomona is closed.';
/** Room for all but the list in a frame. */
const ENVELOPE_BYTES = 200;

/** A client of Dobby: one session, many paths. */
export class Pomona {
  readonly #events = new Emitter<PomonaEvents>();
  readonly #frames = new Map<string, (frame: never) => void>();
  readonly #outstanding = new Outstanding();
  readonly #settings: Settings;
  readonly #subscriptions: Subscriptions;
  readonly #backEnd: BackEnd;
  readonly #connection: Connection;
  readonly #wake = (): void => this.#connection.wake();
  #id: string | null = null;
  #named = new Set<string>();
  #willFlush = false;

  /** Begins to connect at once. @throws PomonaError `bad_url`, `transport_failed` */
  constructor(options: PomonaOptions = {}) {
    const settings = settle(options);
    this.#settings = settings;
    this.#subscriptions = new Subscriptions(this.#events, () => this.#flushSoon());
    this.#backEnd = new BackEnd(settings, {
      answered: (paths, verdict) => this.#subscriptions.answered(paths, verdict),
      retry: () => this.#subscriptions.askAgain(),
      released: (paths, error) => {
        if (error !== null) this.#events.emit('error', error);
        this.#subscriptions.holdForRelease(paths, false);
      },
    });
    this.#connection = new Connection(settings, {
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
   * @throws PomonaError `bad_path`, `reserved_path`, `bad_position`, `closed`
   */
  connect(
    path: string,
    handler: Handler,
    options?: { readonly since?: Position | null | undefined },
  ): Subscription {
    if (this.state === 'closed') throw new PomonaError('closed', CLOSED, { path });
    const since = options?.since;
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
   * For Pomona's own later entries: registers frame types and returns what sends numbered frames,
   * which throws `outstanding_full` or `closed`.
   * @internal
   */
  extend(types: FrameTypes): (frame: Numberable) => number {
    for (const [type, take] of Object.entries(types)) this.#frames.set(type, take);
    return (frame) => {
      if (this.state === 'closed') throw new PomonaError('closed', CLOSED);
      if (this.#outstanding.isFull)
        throw new PomonaError('outstanding_full', 'Too much waits for the server');
      return this.#send(frame);
    };
  }

  #registerFrames(): void {
    const subscriptions = this.#subscriptions;
    const table: { [T in ControlFrame['type']]?: (frame: Extract<ControlFrame, { type: T }>) => void } = {
      subscribed: (frame) => subscriptions.subscribed(frame),
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
    for (const [type, take] of Object.entries(table)) this.#frames.set(type, take);
  }

  #frame(decoded: Decoded | null): void {
    if (decoded === null) this.#events.emit('error', new PomonaError('bad_answer', 'Dobby sent no frame'));
    else if (decoded.type === undefined) this.#subscriptions.update(decoded as UpdateFrame);
    else this.#frames.get(decoded.type)?.(decoded as never);
  }

  #firstFrame(ticket: string | null): string {
    const frame: OpenFrame = { type: 'open', protocol: PROTOCOL_VERSION, ...(ticket !== null && { ticket }) };
    const room = LIMITS.openBytes - ENVELOPE_BYTES - (ticket?.length ?? 0);
    // What does not fit is asked for when the session is open.
    const paths = pack(this.#subscriptions.wanted(), room)[0] ?? [];
    this.#named = new Set(paths.map(({ path }) => path));
    return JSON.stringify(paths.length > 0 ? { ...frame, paths } : frame);
  }

  #opened(frame: OpenedFrame): void {
    const isNew = frame.id !== this.#id;
    this.#id = frame.id;
    if (isNew) this.#backEnd.reset();
    // The `open` frame has said already which paths are wanted.
    const isMeaningful = ({ type }: Numberable) => type !== 'subscribe' && type !== 'unsubscribe';
    const again = this.#outstanding.restart(frame.received, !isNew, isMeaningful);
    this.#connection.send(again.map(({ text }) => text));
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
    this.#events.emit('error', new PomonaError(code, message));
    if (code === 'bad_sequence') return this.#connection.drop(message);
    const frame = this.#outstanding.find(n);
    if (frame?.type !== 'subscribe') return;
    const paths = (frame['paths'] as SubscribeItem[]).map(({ path }) => path);
    this.#subscriptions.refuse(paths, code, message);
  }

  #flushSoon(): void {
    if (this.#willFlush) return;
    this.#willFlush = true;
    queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    this.#willFlush = false;
    if (this.state !== 'open' || this.#outstanding.isFull) return;
    const { subscribe, unsubscribe, released } = this.#subscriptions.changes();
    const room = LIMITS.frameBytes - ENVELOPE_BYTES;
    for (const paths of pack(unsubscribe, room)) this.#send({ type: 'unsubscribe', paths });
    for (const paths of pack(subscribe, room)) this.#send({ type: 'subscribe', paths });
    if (released.length === 0 || !this.#settings.disconnectUrl) return;
    this.#subscriptions.holdForRelease(released, true);
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

/** Divides a list so that each part is at most `maxBytes` long as JSON. */
function pack<T>(items: readonly T[], maxBytes: number): T[][] {
  const parts: T[][] = [];
  let bytes = maxBytes;
  for (const item of items) {
    const size = utf8Length(JSON.stringify(item)) + 1;
    if (bytes + size > maxBytes) {
      parts.push([]);
      bytes = 0;
    }
    bytes += size;
    parts.at(-1)?.push(item);
  }
  return parts;
}
