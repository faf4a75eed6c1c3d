/**
 * How each system's clients speak over a WebSocket, and what they remember across connections. A client has its `opened` called on every
 * new connection and its `hear` for each text message, and calls its listener with what these mean.
 */

const PONG = '{"type":"pong"}';

/** A position on the wire. @typedef {{epoch: string, offset: number}} Position */
/** @typedef {{path: string, from: Position | null, to: Position | null, reason: string}} Gap */

/**
 * @typedef {object} Listener
 * @property {(update: import('./hearing.mjs').Update) => void} onUpdate
 * @property {(gap: Gap) => void} onGap
 * @property {() => void} onReady every path is subscribed
 * @property {(isNew: boolean) => void} onSession a connection was opened, in a new session or in the one before
 * @property {(id: string, paths: string[]) => void} onAsk the back end has to be asked for these
 * @property {(why: string) => void} onOddity what a sound server would not have said
 */

/** Bare JSON messages: `{"path", "message"}`, and one `{"type": "ready"}` when the subscription is made. Remembers nothing. */
class Json {
  listener;
  /** Whether the server puts several messages in one frame, a line each. */
  isJoining = false;

  /** @param {string[]} paths @param {Listener} listener */
  constructor(paths, listener) {
    this.paths = paths;
    this.listener = listener;
  }

  /** How the next connection is asked for. @returns {{url: string, headers?: string[]}} */
  request() {
    return { url: '/socket' };
  }

  opened(_send) {
    this.listener.onSession(true);
  }

  hear(text, _send) {
    const frame = JSON.parse(text);
    if (frame.type === 'ready') this.listener.onReady();
    else if (frame.type !== undefined) this.listener.onOddity(`the message ${text}`);
    else this.listener.onUpdate(frame);
  }

  /** Whether to stay away, and how long at least. @param {number} _code */
  ended(_code) {
    return { isFinal: false, leastMs: 0 };
  }
}

/**
 * Dobby, as docs/protocol.md ("Writing a client") has it, without upstream frames beyond the first: every path stands in `open`. Numbered
 * frames, and taking a silent connection for dead, are not here: no bench lets a server fall silent.
 */
class Dobby extends Json {
  /** Of each path the position last processed, undefined before the first. @type {Map<string, Position | null | undefined>} */
  #positions = new Map(this.paths.map((path) => [path, undefined]));
  /** Paths that this connection is not subscribed to yet. @type {Set<string>} */
  #awaited = new Set();
  #id = '';
  /** @type {string | undefined} */
  #ticket;
  #leastMs = 0;

  request() {
    return { url: '/comet' };
  }

  opened(send) {
    this.#awaited = new Set(this.paths);
    this.#leastMs = 0;
    const paths = [...this.#positions].map(([path, position]) => ({ path, position }));
    send(JSON.stringify({ type: 'open', protocol: 1, ticket: this.#ticket, paths }));
  }

  hear(text, send) {
    const frame = JSON.parse(text);
    switch (frame.type) {
      case undefined:
        return this.#update(frame);
      case 'opened':
        return this.#opened(frame);
      case 'ticket':
        this.#ticket = frame.ticket;
        return;
      case 'subscribed':
        for (const item of frame.paths) this.#subscribed(item);
        return;
      case 'pending':
        return this.listener.onAsk(this.#id, frame.paths);
      case 'gap':
        this.#positions.set(frame.path, frame.to);
        return this.listener.onGap(frame);
      case 'ping':
        return send(PONG);
      case 'closing':
        this.#leastMs = frame.reconnectAfterMs ?? 0;
        return;
      default:
        return this.listener.onOddity(text.slice(0, 300));
    }
  }

  ended(code) {
    if (code >= 4100 && code < 4200) this.#ticket = undefined;
    return { isFinal: code >= 4200 && code < 4300, leastMs: this.#leastMs };
  }

  #opened({ id, ticket, resumed, refused }) {
    if (refused !== undefined) this.listener.onOddity(`the ticket was refused: ${refused}`);
    this.#id = id;
    this.#ticket = ticket;
    this.listener.onSession(!resumed);
  }

  #subscribed({ path, position }) {
    const held = this.#positions.get(path);
    if (held === undefined) this.#positions.set(path, position);
    else if (held?.offset !== position?.offset || held?.epoch !== position?.epoch)
      this.listener.onOddity(
        `subscribed at ${JSON.stringify(position)} though the client stands at ${JSON.stringify(held)}`,
      );
    this.#awaited.delete(path);
    if (this.#awaited.size === 0) this.listener.onReady();
  }

  #update({ path, message, position }) {
    // Without positions the order of updates of several publishers could not be checked.
    if (!position) return this.listener.onOddity(`an update of ${path} without a position`);
    this.listener.onUpdate({ path, message, offset: position.offset, epoch: position.epoch });
    this.#positions.set(path, position);
  }
}

/** Socket.IO 4 (Engine.IO protocol 4), WebSocket only; the server emits `ready` after it joined the room. */
class SocketIo extends Json {
  request() {
    return { url: '/socket.io/?EIO=4&transport=websocket' };
  }

  hear(text, send) {
    if (text.startsWith('0{')) return send('40');
    if (text === '2') return send('3');
    if (text.startsWith('40')) return;
    if (!text.startsWith('42')) return this.listener.onOddity(`the packet ${text}`);
    const [event, body] = JSON.parse(text.slice(2));
    if (event === 'ready') this.listener.onReady();
    else if (event === 'update') this.listener.onUpdate(body);
    else this.listener.onOddity(`the event ${event}`);
  }
}

/** Centrifugo's JSON protocol; its frames hold several messages, a line each. It recovers by epoch and offset. */
class Centrifugo extends Json {
  isJoining = true;
  #epoch = '';
  /** @type {number | undefined} */
  #offset;

  request() {
    return { url: '/connection/websocket' };
  }

  opened(send) {
    const channel = this.paths[0];
    const from =
      this.#offset === undefined ? {} : { recover: true, epoch: this.#epoch, offset: this.#offset };
    send(`{"id":1,"connect":{}}\n${JSON.stringify({ id: 2, subscribe: { channel, ...from } })}`);
  }

  hear(text, send) {
    for (const line of text.split('\n')) if (line !== '') this.#reply(line, send);
  }

  #reply(line, send) {
    const { connect, subscribe, push, error } = JSON.parse(line);
    if (line === '{}') return send('{}');
    if (connect !== undefined) return this.listener.onSession(true);
    if (push?.pub !== undefined) return this.#publication(push.pub);
    if (error !== undefined || subscribe === undefined) return this.listener.onOddity(line.slice(0, 300));
    for (const publication of subscribe.publications ?? []) this.#publication(publication);
    this.#epoch = subscribe.epoch ?? '';
    this.#offset ??= subscribe.offset ?? 0;
    this.listener.onReady();
  }

  #publication({ data, offset }) {
    this.#offset = offset;
    this.listener.onUpdate({ path: this.paths[0], message: data });
  }
}

/** Nchan: what was posted, as it was posted. The handshake is answered when the subscription is made. */
class Nchan extends Json {
  opened(send) {
    super.opened(send);
    this.listener.onReady();
  }
}

/** Nchan with the subprotocol that gives each message an id; the last one is named when it connects again. */
class NchanResuming extends Nchan {
  /** @type {string | null} */
  #lastId = null;

  request() {
    const resume = this.#lastId === null ? [] : [`Last-Event-ID: ${this.#lastId}`];
    return { ...super.request(), headers: ['Sec-WebSocket-Protocol: ws+meta.nchan', ...resume] };
  }

  hear(text, send) {
    const end = text.indexOf('\n\n');
    this.#lastId = /^id: *(.+)$/m.exec(text.slice(0, end))?.[1] ?? this.#lastId;
    super.hear(text.slice(end + 2), send);
  }
}

/** By name. @type {Record<string, typeof Json>} */
export const DIALECTS = {
  dobby: Dobby,
  json: Json,
  socketio: SocketIo,
  centrifugo: Centrifugo,
  nchan: Nchan,
  'nchan-resuming': NchanResuming,
};
