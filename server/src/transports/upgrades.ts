/**
 * Requests that offer an upgrade. Node takes them away from HTTP as soon as anything listens for upgrades, whatever they offer.
 * A WebSocket handshake is the only upgrade here; every other offer is ignored, as RFC 9110, 7.8 allows, and its request is
 * given back to the HTTP server: `Upgrade: h2c` comes with ordinary requests of curl and of Java's HttpClient.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

const OFFERS: ReadonlySet<string> = new Set(['upgrade', 'http2-settings']);

const listOf = (header: string | undefined): string[] =>
  (header ?? '').split(',').map((item) => item.trim().toLowerCase());

/** Whether a request is a WebSocket handshake (RFC 6455, 4.1) for `url`. */
export function isHandshake({ method, url, headers }: IncomingMessage, endpoint: string): boolean {
  if (method !== 'GET' || url?.split('?')[0] !== endpoint) return false;
  return listOf(headers.upgrade).includes('websocket') && headers['sec-websocket-key'] !== undefined;
}

/** Gives requests whose offer is ignored back to a server, in the order of their connection. */
export class IgnoredUpgrades {
  readonly #server: Server;
  /** The newest answer that is under way on each connection: a client may send the next request before it. */
  readonly #answers = new WeakMap<Socket, ServerResponse>();

  constructor(server: Server) {
    this.#server = server;
    server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
      this.#answers.set(request.socket, response);
    });
  }

  /** Lets the server answer `request` as if it had offered nothing. `head` is what came after its headers. */
  giveBack(request: IncomingMessage, socket: Socket, head: Buffer): void {
    const answer = this.#answers.get(socket);
    if (answer === undefined || answer.writableFinished) return this.#parseAgain(request, socket, head);
    const gone = (): void => void socket.destroy();
    socket.once('error', gone);
    answer.once('close', () => {
      socket.off('error', gone);
      if (!socket.destroyed) this.#parseAgain(request, socket, head);
    });
  }

  #parseAgain(request: IncomingMessage, socket: Socket, head: Buffer): void {
    socket.unshift(Buffer.concat([Buffer.from(withoutOffer(request), 'latin1'), head]));
    // What the connection before this one had set: the server sets its own.
    socket.setTimeout(0);
    this.#server.emit('connection', socket);
  }
}

/** The first line and the headers as they came, without the offer. */
function withoutOffer({ method, url, httpVersion, rawHeaders }: IncomingMessage): string {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    const value = rawHeaders[i + 1] ?? '';
    if (OFFERS.has(name.toLowerCase())) continue;
    const rest = name.toLowerCase() === 'connection' ? keptOptions(value) : value;
    if (rest !== null) lines.push(`${name}: ${rest}`);
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** What `Connection` says beside the offer; null where that is nothing. */
function keptOptions(value: string): string | null {
  const kept = value.split(',').filter((item) => !OFFERS.has(item.trim().toLowerCase()));
  return kept.length === 0 ? null : kept.join(',').trim();
}
