/**
 * A Dobby client as docs/protocol.md ("Writing a client") has it, without upstream frames beyond the first: every path that it wants
 * stands in `open`. Numbered frames, and taking a silent connection for dead, are not here: no bench lets a server fall silent.
 */

const PONG = '{"type":"pong"}';

/** A position on the wire. @typedef {{epoch: string, offset: number}} Position */
/** @typedef {{path: string, from: Position | null, to: Position | null, reason: string}} Gap */

/**
 * Who is told of what a client hears.
 * @typedef {object} Listener
 * @property {(update: import('../ledger.mjs').Update) => void} onUpdate
 * @property {(gap: Gap) => void} onGap
 * @property {() => void} onReady every path is subscribed
 * @property {(isNew: boolean) => void} onSession a connection was opened, in a new session or in the one before
 * @property {(id: string, paths: string[]) => void} onAsk the back end has to be asked for these
 * @property {(why: string) => void} onOddity what a sound server would not have said
 */

/** @implements {import('../returning-client.mjs').Speaker} */
export class DobbySpeaker {
  /** Of each path the position last processed, undefined before the first. @type {Map<string, Position | null | undefined>} */
  #positions;
  /** Paths that this connection is not subscribed to yet. @type {Set<string>} */
  #awaited = new Set();
  #id = '';
  /** @type {string | undefined} */
  #ticket;
  #leastMs = 0;
  #listener;

  /** @param {string[]} paths @param {Listener} listener */
  constructor(paths, listener) {
    this.#positions = new Map(paths.map((path) => [path, undefined]));
    this.#listener = listener;
  }

  request() {
    return { url: '/comet' };
  }

  opened(send) {
    this.#awaited = new Set(this.#positions.keys());
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
        return this.#listener.onAsk(this.#id, frame.paths);
      case 'gap':
        this.#positions.set(frame.path, frame.to);
        return this.#listener.onGap(frame);
      case 'ping':
        return send(PONG);
      case 'closing':
        this.#leastMs = frame.reconnectAfterMs ?? 0;
        return;
      case 'refused':
      case 'error':
      case 'unsubscribed':
        return this.#listener.onOddity(text.slice(0, 300));
    }
  }

  ended(code) {
    if (code >= 4100 && code < 4200) this.#ticket = undefined;
    return { isFinal: code >= 4200 && code < 4300, leastMs: this.#leastMs };
  }

  #opened({ id, ticket, resumed, refused }) {
    if (refused !== undefined) this.#listener.onOddity(`the ticket was refused: ${refused}`);
    this.#id = id;
    this.#ticket = ticket;
    this.#listener.onSession(!resumed);
  }

  #subscribed({ path, position }) {
    const held = this.#positions.get(path);
    if (held === undefined) this.#positions.set(path, position);
    else if (held?.offset !== position?.offset || held?.epoch !== position?.epoch)
      this.#listener.onOddity(
        `subscribed at ${JSON.stringify(position)} though the client stands at ${JSON.stringify(held)}`,
      );
    this.#awaited.delete(path);
    if (this.#awaited.size === 0) this.#listener.onReady();
  }

  #update({ path, message, position }) {
    this.#listener.onUpdate({ path, message, offset: position?.offset, epoch: position?.epoch });
    this.#positions.set(path, position);
  }
}
