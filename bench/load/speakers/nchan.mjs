/**
 * An Nchan client that resumes: with the subprotocol `ws+meta.nchan` every message comes with its id, and the last one is named when it
 * connects again.
 */
import { PlainSpeaker } from './plain.mjs';

const BLANK_LINE = '\n\n';

/** @implements {import('../returning-client.mjs').Speaker} */
export class NchanSpeaker extends PlainSpeaker {
  /** @type {string | null} */
  #lastId = null;

  request() {
    const resume = this.#lastId === null ? [] : [`Last-Event-ID: ${this.#lastId}`];
    return { ...super.request(), headers: ['Sec-WebSocket-Protocol: ws+meta.nchan', ...resume] };
  }

  hear(text, send) {
    const end = text.indexOf(BLANK_LINE);
    this.#lastId = /^id: *(.+)$/m.exec(text.slice(0, end))?.[1] ?? this.#lastId;
    super.hear(text.slice(end + BLANK_LINE.length), send);
  }
}
