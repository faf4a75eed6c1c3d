/** A client that remembers nothing across connections: it connects again and hears what comes from then on. */
import { Fault } from '../fault.mjs';

/** @implements {import('../returning-client.mjs').Speaker} */
export class PlainSpeaker {
  #dialect;
  #path;
  #listener;

  /**
   * @param {import('../dialects.mjs').Dialect} dialect
   * @param {string} path
   * @param {import('./dobby.mjs').Listener} listener
   */
  constructor(dialect, path, listener) {
    this.#dialect = dialect;
    this.#path = path;
    this.#listener = listener;
  }

  request() {
    return { url: this.#dialect.url };
  }

  opened(send) {
    this.#listener.onSession(true);
    for (const text of this.#dialect.hello(this.#path)) send(text);
    if (this.#dialect.isReadyAtOnce) this.#listener.onReady();
  }

  hear(text, send) {
    const read = this.#dialect.read(text);
    switch (read.kind) {
      case 'update':
        return this.#listener.onUpdate(read.update);
      case 'reply':
        return send(read.text);
      case 'ready':
        return this.#listener.onReady();
      case 'fault':
        throw new Fault('protocol', read.why);
    }
  }

  ended() {
    return { isFinal: false, leastMs: 0 };
  }
}
