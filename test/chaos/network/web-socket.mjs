/** The proxy's way with WebSockets: bytes between two sockets, each direction in its order, with the fault drawn for it. */
import { connect } from 'node:net';

/** A side that has gone is noticed at the other after so long, when the direction between them was swallowed. */
const LEAK_MS = 15_000;

/**
 * Passes one WebSocket. The handshake passes by itself, so that a held `open` frame is late and not the handshake.
 * @param {{request: import('node:http').IncomingMessage, socket: import('node:stream').Duplex, head: Buffer, port: number}} upgrade
 * @param {import('./faults.mjs').Fault} fault
 * @param {import('./proxy.mjs').HostileProxy} proxy
 */
export function passWebSocket({ request, socket, head, port }, fault, proxy) {
  const client = /** @type {import('node:net').Socket} */ (socket);
  client.on('error', () => undefined);
  if (fault.status !== null) {
    proxy.counts.answered++;
    client.end(`HTTP/1.1 ${fault.status} Chaos\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
    return;
  }
  const server = connect(port, '127.0.0.1');
  server.on('error', () => client.destroy());
  server.write(headOf(request));
  if (head.length > 0) client.unshift(head);
  const cut = () => {
    if (fault.isReset) client.resetAndDestroy();
    else client.destroy();
    server.destroy();
  };
  const leave = proxy.enter(cut, fault.cutMs);
  client.once('close', () => {
    leave();
    const leak = setTimeout(() => server.destroy(), LEAK_MS);
    server.once('close', () => clearTimeout(leak));
  });
  server.once('close', () => {
    if (!down.isSwallowed) client.end();
  });
  const down = new Direction(server, client, fault, proxy);
  const up = new Direction(client, server, fault, proxy);
  down.swallowAfter(fault.swallowDownMs);
  up.swallowAfter(fault.swallowUpMs);
  up.holdMs = fault.holdMs;
  void down.run();
  void up.run();
}

/** What goes one way. */
class Direction {
  isSwallowed = false;
  /** How long the first bytes are held; that is longer than the client waits. */
  holdMs = 0;
  #from;
  #to;
  #fault;
  #proxy;
  #cancel = () => undefined;

  /** @param {import('node:net').Socket} from @param {import('node:net').Socket} to @param {import('./faults.mjs').Fault} fault @param {import('./proxy.mjs').HostileProxy} proxy */
  constructor(from, to, fault, proxy) {
    this.#from = from;
    this.#to = to;
    this.#fault = fault;
    this.#proxy = proxy;
  }

  /** @param {number} ms */
  swallowAfter(ms) {
    this.#cancel = this.#proxy.calm.later(ms, () => {
      if (this.#from.destroyed || this.#to.destroyed) return;
      this.isSwallowed = true;
      this.#proxy.counts.swallowed++;
    });
  }

  /** Passes on until the side that sends has ended; then ends the other, unless the end is swallowed too. */
  async run() {
    const { calm, faults, counts } = this.#proxy;
    // Read at once, so that a side that leaves is known while its bytes are held.
    /** @type {Buffer[]} */
    const queue = [];
    let wake = () => {};
    let isOver = false;
    this.#from.on('data', (chunk) => {
      queue.push(chunk);
      wake();
    });
    const end = () => {
      isOver = true;
      wake();
    };
    this.#from.once('end', end).once('close', end);
    while (!isOver || queue.length > 0) {
      const chunk = queue.shift();
      if (chunk === undefined) {
        await new Promise((resolve) => {
          wake = () => resolve(undefined);
        });
        continue;
      }
      await calm.wait(this.holdMs || faults.jitterMs(this.#fault));
      if (this.holdMs > 0 && !calm.isOn && this.#to.writable) counts.lateOpens++;
      this.holdMs = 0;
      if (!this.isSwallowed && this.#to.writable) this.#to.write(chunk);
    }
    this.#cancel();
    if (!this.isSwallowed) this.#to.end();
  }
}

/** @param {import('node:http').IncomingMessage} request */
function headOf({ method, url, rawHeaders }) {
  const lines = rawHeaders.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${rawHeaders[i + 1]}`] : []));
  return `${method} ${url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
}
