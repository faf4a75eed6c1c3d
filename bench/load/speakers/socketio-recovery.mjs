/**
 * A Socket.IO client with connection state recovery, as socket.io-client does it: the server's `pid` of the session, and the last string
 * at the end of an event's arguments, are sent when it connects again.
 */
import { PlainSpeaker } from './plain.mjs';

const CONNECTED = '40{';
const EVENT = '42[';

/** @implements {import('../returning-client.mjs').Speaker} */
export class SocketioRecoverySpeaker extends PlainSpeaker {
  /** @type {string | undefined} */
  #pid;
  /** @type {string | undefined} */
  #offset;

  hear(text, send) {
    if (text.startsWith('0{') && this.#pid !== undefined) {
      return send(`40${JSON.stringify({ pid: this.#pid, offset: this.#offset })}`);
    }
    if (text.startsWith(CONNECTED)) this.#pid = JSON.parse(text.slice(2)).pid;
    super.hear(text, send);
    if (!text.startsWith(EVENT)) return;
    const last = JSON.parse(text.slice(2)).at(-1);
    if (typeof last === 'string') this.#offset = last;
  }
}
