/** Small real servers on loopback that speak just enough of the protocol. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Pomona, type PomonaOptions, type TransportContext, type TransportKind } from '../../src/index.js';

/** One request, with its body read. */
export interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: Record<string, unknown>;
}

/** A server whose POSTs go to `take`. */
export async function serve(
  take: (call: Call) => void,
): Promise<{ server: Server; url: string; stop(): void }> {
  const server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => {
      text += chunk;
    });
    request.on('end', () => take({ request, response, body: text === '' ? {} : JSON.parse(text) }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/comet`;
  const stop = (): void => {
    server.closeAllConnections();
    server.close();
  };
  return { server, url, stop };
}

/** Answers with JSON. */
export function json(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
}

/** A Pomona that comes back quickly. */
export function pomonaOn(url: string, options: PomonaOptions = {}): Pomona {
  return new Pomona({ url, reconnect: { baseMs: 20, maxMs: 40 }, openTimeoutMs: 1_000, ...options });
}

/** A transport whose connection a test can cut; `isDown` keeps it so. */
export function cuttable(kind: TransportKind) {
  let cut = (): void => {};
  const made = { transport: kind, isDown: false, cut: () => cut() };
  const open = (context: TransportContext) => {
    const transport = kind.open(context);
    cut = () => {
      transport.close(false);
      context.ended({ message: 'cut' });
    };
    if (made.isDown) queueMicrotask(cut);
    return transport;
  };
  made.transport = { ...kind, open };
  return made;
}

/** Waits for what `look` sees, and says what was missing if it never does. */
export async function until<T>(what: string, look: () => T | undefined | false): Promise<T> {
  const deadline = Date.now() + 5_000;
  for (;;) {
    const seen = look();
    if (seen !== undefined && seen !== false) return seen;
    if (Date.now() > deadline) throw new Error(`never saw ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export const opened = (more: Record<string, unknown> = {}) => ({
  type: 'opened',
  id: 'one',
  ticket: 'ticket-1',
  connection: 1,
  resumed: false,
  received: 0,
  pingIntervalMs: 25_000,
  ...more,
});
