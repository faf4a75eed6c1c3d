/**
 * Requests that offer an upgrade. Node removes them from HTTP as soon as an upgrade listener exists, whatever they
 * offer. Only WebSocket handshakes are upgraded. Other offers are ignored, as RFC 9110, 7.8 allows, and their requests
 * go back to the HTTP server. Curl and Java's HttpClient send `Upgrade: h2c` with ordinary requests.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

const OFFERS: ReadonlySet<string> = new Set(['upgrade', 'http2-settings']);

const listOf = (header: string | undefined): string[] =>
  (header ?? '').split(',').map((item) => item.trim().toLowerCase());

/** Returns the path of a request's URL. */
export function pathOf({ url = '' }: IncomingMessage): string {
  return url.split('?', 1)[0] as string;
}

/** Returns whether a request is a WebSocket handshake (RFC 6455, 4.1). */
export function isHandshake({ method, headers }: IncomingMessage): boolean {
  if (method !== 'GET') return false;
  return listOf(headers.upgrade).includes('websocket') && headers['sec-websocket-key'] !== undefined;
}

/** Gives requests with an ignored offer back to the server, in the order of their connection. */
export class IgnoredUpgrades {
  readonly #server: Server;
  /** The newest response of each connection: a client may send the next request before it. */
  readonly #answers = new WeakMap<Socket, ServerResponse>();

  constructor(server: Server) {
    this.#server = server;
    server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
      this.#answers.set(request.socket, response);
    });
  }

  /** Lets the server answer `request` without its offer. `head` holds the bytes after its headers. */
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
    // Listeners of the former connection: the server sets its own.
    socket.setTimeout(0);
    this.#server.emit('connection', socket);
  }
}

/** Returns the first line and the headers as they came, without the offer. */
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

/** Returns the options of `Connection` beside the offer, or null. */
function keptOptions(value: string): string | null {
  const kept = value.split(',').filter((item) => !OFFERS.has(item.trim().toLowerCase()));
  return kept.length === 0 ? null : kept.join(',').trim();
}
