/** One frame of a subscriber's WebSocket: answers what wants an answer, says what is news. */
import { Fault } from './fault.mjs';
import { CLOSE, clientFrame, PING, PONG, TEXT } from './frames.mjs';

/**
 * @typedef {object} Speaker
 * @property {number} index names the connection in faults
 * @property {import('./dialects.mjs').Dialect} dialect
 * @property {(bytes: Buffer) => void} send writes to the server
 * @property {() => void} [onReady] the subscription is made
 */

/**
 * @param {Buffer} bytes
 * @param {import('./frames.mjs').Frame} frame in them
 * @param {Speaker} speaker
 * @returns {import('./ledger.mjs').Update | null} the update that the frame brings
 */
export function hearFrame(bytes, frame, { index, dialect, send, onReady }) {
  const payload = bytes.subarray(frame.payload, frame.end);
  if (frame.opcode === PING) send(clientFrame(payload, PONG));
  if (frame.opcode === PING || frame.opcode === PONG) return null;
  if (frame.opcode === CLOSE)
    throw new Fault('closed', `connection ${index}: close frame "${payload.toString('latin1', 2)}"`);
  if (frame.opcode !== TEXT)
    throw new Fault('protocol', `connection ${index}: a frame with opcode ${frame.opcode}`);
  const read = dialect.read(payload.toString());
  switch (read.kind) {
    case 'update':
      return read.update;
    case 'reply':
      send(clientFrame(read.text));
      return null;
    case 'ready':
      onReady?.();
      return null;
    case 'ignore':
      return null;
    case 'fault':
      throw new Fault('protocol', `connection ${index}: ${read.why}`);
  }
}
