/**
 * How each system speaks over its WebSocket: where to connect, what to send first, and what a text message means. A dialect
 * holds no state, so one serves every connection.
 */

/**
 * What a text message means.
 * @typedef {{kind: 'update', update: import('./ledger.mjs').Update} | {kind: 'reply', text: string} | {kind: 'ready'}
 *   | {kind: 'ignore'} | {kind: 'fault', why: string}} Reading
 */

/**
 * @typedef {object} Dialect
 * @property {string} url where the WebSocket is
 * @property {(path: string) => string[]} hello messages to send after the handshake
 * @property {(text: string) => Reading} read
 * @property {boolean} [isReadyAtOnce] that the subscription is made is said by the handshake and by no message
 */

const PONG = '{"type":"pong"}';

/** Dobby's protocol (docs/protocol.md). @type {Dialect} */
const dobby = {
  url: '/comet',
  hello: (path) => [JSON.stringify({ type: 'open', protocol: 1, paths: [{ path }] })],
  read(text) {
    const frame = JSON.parse(text);
    switch (frame.type) {
      case undefined: {
        const { path, message, position } = frame;
        return {
          kind: 'update',
          update: { path, message, offset: position?.offset, epoch: position?.epoch },
        };
      }
      case 'subscribed':
        return { kind: 'ready' };
      case 'ping':
        return { kind: 'reply', text: PONG };
      case 'opened':
      case 'ticket':
        return { kind: 'ignore' };
      default:
        return { kind: 'fault', why: `the frame ${text}` };
    }
  },
};

/** Bare JSON messages: `{"path", "message"}`, and one `{"type": "ready"}` when the subscription is made. @type {Dialect} */
const json = {
  url: '/socket',
  hello: () => [],
  read(text) {
    const frame = JSON.parse(text);
    if (frame.type === 'ready') return { kind: 'ready' };
    if (frame.type !== undefined) return { kind: 'fault', why: `the message ${text}` };
    return { kind: 'update', update: frame };
  },
};

/** Socket.IO 4 (Engine.IO protocol 4), WebSocket only. The server emits `ready` after it joined the room. @type {Dialect} */
const socketio = {
  url: '/socket.io/?EIO=4&transport=websocket',
  hello: () => [],
  read(text) {
    if (text.startsWith('0{')) return { kind: 'reply', text: '40' };
    if (text === '2') return { kind: 'reply', text: '3' };
    if (text.startsWith('40')) return { kind: 'ignore' };
    if (!text.startsWith('42')) return { kind: 'fault', why: `the packet ${text}` };
    const [event, body] = JSON.parse(text.slice(2));
    if (event === 'ready') return { kind: 'ready' };
    if (event !== 'update') return { kind: 'fault', why: `the event ${event}` };
    return { kind: 'update', update: body };
  },
};

/** Nchan: what was posted, as it was posted. The handshake is answered when the subscription is made. @type {Dialect} */
const nchan = { ...json, isReadyAtOnce: true };

/** By name. @type {Record<string, Dialect>} */
export const DIALECTS = { dobby, json, socketio, nchan };
