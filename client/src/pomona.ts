/**
 * Pomona puts the parts together: what the connection brings goes to whom it concerns, and what the
 * subscriptions want goes out, once per tick.
 */
import type { ErrorFrame, Json, OpenedFrame, OpenFrame, SubscribeItem } from '../../protocol/frames.js';
import { type LIMITS, PROTOCOL_VERSION } from '../../protocol/limits.js';
import { utf8Length } from '../../protocol/paths.js';
import { NO_FRAME } from './attempt.js';
import { isCount, isPosition, isString } from './checks.js';
import { within } from './clock.js';
import { DISMISSED, IDENTITY_EXPIRED, KICKED } from './close-codes.js';
import { Connection, type PomonaState } from './connection.js';
import { Emitter, type Listener } from './emitter.js';
import { PomonaError, type PomonaErrorCode } from './errors.js';
import type { Core, Feature, HookEvents } from './features.js';
import { type Decoded, UPDATE } from './frames.js';
import { type PomonaOptions, type Settings, settle } from './options.js';
import { type Numberable, Outstanding, pack } from './outstanding.js';
import { watchPage } from './page-life.js';
import type { PomonaEvents } from './pomona-events.js';
import type { ConnectOptions, Handler, Subscription } from './subscription.js';
import { Subscriptions } from './subscriptions.js';
import type { TransportEnd } from './transports/transport.js';

// The compiler holds these to LIMITS, which is not imported: it would bring every limit into a page.
const OPEN_BYTES = 262_144 satisfies (typeof LIMITS)['openBytes'];
const FRAME_BYTES = 65_536 satisfies (typeof LIMITS)['frameBytes'];
const LAST_UPDATES = 1_000 satisfies (typeof LIMITS)['lastUpdates'];
const EXPIRED = 'expired_token';
/** Room for all but the list in a frame. */
const ENVELOPE_BYTES = 200;

/** A client of Dobby: one session, many paths. */
export class Pomona {
  readonly #events = new Emitter<PomonaEvents>();
  /** The names of the features. */
  readonly #features = new Set<string>();
  readonly #hooks = new Emitter<HookEvents>();
  readonly #frames = new Map<string, (frame: unknown) => void>();
  readonly #outstanding = new Outstanding();
  readonly #settings: Settings;
  readonly #subscriptions: Subscriptions;
  readonly #connection: Connection;
  readonly #flushSoon = (): void => {
    if (this.#willFlush) return;
    this.#willFlush = true;
    queueMicrotask(() => this.#flush());
  };
  readonly #accepted = (n: number): void => {
    this.#outstanding.acknowledge(n);
    this.#flushSoon(); // there may be room again
  };
  readonly #fail = (code: PomonaErrorCode, message: string, cause?: unknown): void =>
    void this.#events.emit('error', new PomonaError(code, message, { cause }));
  /** More fields of the `open` frame, as the features made them last. */
  #openFields: unknown[] = [];
  #id: string | null = null;
  #willFlush = false;
  /** Whether `close` was called. */
  #isClosed = false;
  /** Stops listening to the page. */
  #unwatch = (): void => undefined;

  /**
   * Begins to connect at the end of the tick. Outside of a page (server rendering) one whose `url` is a path stays `connecting`.
   *
   * @throws PomonaError `bad_url`, `transport_failed`
   */
  constructor(options: PomonaOptions = {}) {
    const settings = settle(options);
    this.#settings = settings;
    this.#subscriptions = new Subscriptions({
      events: this.#events,
      settings,
      uid: () => this.#id ?? '',
      changed: this.#flushSoon,
      item: (track) => {
        const fields = this.#hooks.emit('naming', track);
        return fields.includes(null) ? null : Object.assign(track.item(), ...fields);
      },
    });
    this.#connection = new Connection(settings, {
      prepare: async () => {
        this.#openFields = await Promise.all(this.#hooks.emit('opening', undefined));
      },
      firstFrame: (ticket, attempt) => this.#firstFrame(ticket, attempt),
      opened: (frame) => this.#opened(frame),
      frame: (decoded) => this.#frame(decoded),
      accepted: this.#accepted,
      state: (state) => this.#stateChanged(state),
      ended: (error, end) => this.#ended(error, end),
    });
    this.#registerFrames();
    this.#watch();
    this.#connection.start();
  }

  /** The session's public id, which the back end names; null before the first connection. */
  get id(): string | null {
    return this.#id;
  }

  /** `connecting`, `open`, `waiting` between two tries or while the page is gone, or `closed`. */
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
   * path, for all paths of a tick together. `Message` is the type of the path's messages, which nothing checks.
   *
   * @throws PomonaError `bad_path`, `reserved_path`, `bad_position`, `bad_field`, `closed`, `unknown_field`
   */
  connect<Message = Json>(
    path: string,
    handler: Handler<Message>,
    { since, last, ...others }: ConnectOptions = {},
  ): Subscription {
    this.#mustNotBeClosed();
    const [option] = Object.keys(others);
    if (option) throw new PomonaError('unknown_field', `No option "${option}": state needs pomona/state`);
    if (since && !isPosition(since))
      throw new PomonaError('bad_position', 'A position is {epoch, offset}.', { path });
    if (last !== undefined && !(isCount(last) && last > 0 && last <= LAST_UPDATES))
      throw new PomonaError('bad_field', `last is 1 to ${LAST_UPDATES}.`, { path });
    return this.#subscriptions.connect(path, handler as Handler, { since, last });
  }

  /** Takes `handler`, or all handlers, from `path`; the last one ends its subscription. */
  disconnect<Message = Json>(path: string, handler?: Handler<Message>): void {
    this.#subscriptions.disconnect(path, handler as Handler | undefined);
  }

  /**
   * Ends the session and opens a new one for the user who is logged in now, with all subscriptions, also those that were refused or
   * ended: after a login or logout without a page load, or after Dobby has closed this Pomona (`kicked` with `isFinal`).
   *
   * @throws PomonaError `closed` after `close`
   */
  reopen(): void {
    if (this.#isClosed) this.#mustNotBeClosed();
    this.#subscriptions.reset();
    this.#subscriptions.revive();
    if (this.#isClosed) return; // by a listener
    this.#hooks.emit('reopen', undefined);
    this.#watch();
    this.#connection.reopen();
  }

  /** Ends the session for good. Idempotent; no listener or handler is called afterwards. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.state !== 'closed') return this.#connection.close(true);
    this.#subscriptions.close();
    this.#events.clear();
  }

  /**
   * Adds a feature, such as that of `pomona/state`, and its methods; once more does nothing. Returns this Pomona.
   * @internal
   */
  extend<Methods extends object>(name: string, make: (core: Core) => Feature<Methods>): Methods & this {
    if (!this.#features.has(name)) {
      this.#features.add(name);
      const { frames = {}, methods, ...hooks } = make(this.#core());
      for (const [hook, run] of Object.entries(hooks))
        this.#hooks.on(hook as keyof HookEvents, run as Listener<unknown>);
      for (const [type, take] of Object.entries(frames)) {
        const earlier = this.#frames.get(type);
        this.#frames.set(type, (frame) => take?.(frame as never, (own) => earlier?.(own)));
      }
      Object.assign(this, methods);
    }
    return this as Methods & this;
  }

  #core(): Core {
    return {
      session: this,
      subscriptions: this.#subscriptions,
      events: this.#events,
      send: (frame) => {
        this.#mustNotBeClosed();
        if (this.#outstanding.isFull) throw new PomonaError('outstanding_full', 'Too much waits.');
        return this.#send(frame);
      },
      accepted: this.#accepted,
      settings: this.#settings,
      within: (ms, run) => within({ clock: this.#settings.clock, ms }, run),
      fail: this.#fail,
      changed: this.#flushSoon,
    };
  }

  #watch(): void {
    this.#unwatch();
    this.#unwatch = watchPage({
      wake: () => {
        this.#connection.wake();
        this.#hooks.emit('wake', undefined);
      },
      gone: () => {
        this.#connection.suspend();
        this.#subscriptions.reset();
      },
      restored: () => this.#connection.resume(),
    });
  }

  #mustNotBeClosed(): void {
    if (this.state === 'closed') throw new PomonaError('closed', 'Pomona is closed.');
  }

  #registerFrames(): void {
    this.extend('', () => ({
      frames: {
        ...this.#subscriptions.frames,
        ticket: ({ ticket }) => {
          this.#connection.ticket = ticket;
        },
        ping: ({ received }) => {
          this.#connection.send(['{"type":"pong"}']);
          this.#accepted(received);
        },
        error: (frame) => this.#frameRefused(frame),
      },
    }));
  }

  #frame(decoded: Decoded | null): void {
    if (decoded === null) return this.#fail('bad_answer', NO_FRAME);
    this.#frames.get(decoded.type ?? UPDATE)?.(this.#upToDate(decoded));
  }

  /** A decision without the paths that were named again since; any other frame as it is. */
  #upToDate(frame: Decoded): Decoded {
    if (frame.type !== 'refused' && (frame.type !== 'unsubscribed' || frame.by === 'client')) return frame;
    const isCurrent = (item: string | { readonly path: string }): boolean =>
      !this.#subscriptions.isOutdated(isString(item) ? item : item.path, frame.received);
    return { ...frame, paths: frame.paths.filter(isCurrent) } as Decoded;
  }

  #firstFrame(ticket: string | undefined, attempt: number): string {
    // JSON leaves out what is undefined.
    const own = { type: 'open', protocol: PROTOCOL_VERSION, ticket, attempt };
    const frame = Object.assign(own, ...this.#openFields);
    const room = OPEN_BYTES - ENVELOPE_BYTES - utf8Length(JSON.stringify(frame));
    // What does not fit is asked for when the session is open.
    const paths = pack(this.#subscriptions.wanted(), room)[0];
    this.#subscriptions.named(paths ?? [], 0);
    return JSON.stringify({ ...frame, paths } as OpenFrame);
  }

  #opened(frame: OpenedFrame): void {
    const isNew = frame.id !== this.#id;
    this.#id = frame.id;
    if (isNew) this.#subscriptions.reset();
    this.#outstanding.restart(frame.received);
    this.#hooks.emit('opened', { ...frame, isNew });
    this.#subscriptions.opened(isNew);
    this.#flushSoon();
    if (isNew) this.#events.emit('id', frame.id);
  }

  #send(frame: Numberable): number {
    const { n, text } = this.#outstanding.add(frame);
    this.#connection.send([text]);
    return n;
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
    if (this.state !== 'open') return;
    this.#hooks.emit('flush', undefined);
    if (this.#outstanding.isFull) return;
    const { subscribe, unsubscribe } = this.#subscriptions.changes();
    const room = FRAME_BYTES - ENVELOPE_BYTES;
    for (const paths of pack(unsubscribe, room)) this.#send({ type: 'unsubscribe', paths });
    for (const paths of pack(subscribe, room))
      this.#subscriptions.named(paths, this.#send({ type: 'subscribe', paths }));
  }

  #ended(error: PomonaError, end: TransportEnd): void {
    const { code, message } = end;
    this.#hooks.emit('ended', end);
    if (code === KICKED || code === DISMISSED)
      this.#events.emit('kicked', { message, isFinal: code === DISMISSED });
    else if (code === IDENTITY_EXPIRED) this.#events.emit('expired', { code: 'identity_expired', message });
    else if (end.error === EXPIRED) this.#events.emit('expired', { code: EXPIRED, message });
    else this.#events.emit('error', error);
  }

  #stateChanged(state: PomonaState): void {
    if (state === 'closed') {
      this.#hooks.emit('closed', undefined);
      this.#unwatch();
      if (this.#isClosed) this.#subscriptions.close();
      else this.#subscriptions.end();
    }
    this.#events.emit('state', state);
    if (this.#isClosed) this.#events.clear();
  }
}
