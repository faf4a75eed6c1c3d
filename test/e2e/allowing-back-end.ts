/** A back end whose connect view allows everything, and Pomonas that ask it: what the tests of restarts and kills share. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket } from 'ws';
import { Pomona } from '../../client/src/index.js';

const TRANSPORTS = ['websocket', 'event-stream', 'long-poll'] as const;

/** The back end, listening. */
export interface AllowingBackEnd {
  /** How often it was asked. */
  requests: number;
  readonly connectUrl: string;
  stop(): Promise<void>;
}

/** Starts one; `connect` tells Dobby what it allows. */
export async function startBackEnd(
  connect: (body: { id: string; paths: string[]; user: string }) => Promise<unknown>,
): Promise<AllowingBackEnd> {
  const view: Server = createServer(async (request, response) => {
    backEnd.requests++;
    let text = '';
    for await (const chunk of request) text += chunk;
    const { uid, paths } = JSON.parse(text) as { uid: string; paths: string[] };
    await connect({ id: uid, paths, user: 'ada' });
    response.end('{}');
  });
  await new Promise<void>((resolve) => view.listen(0, '127.0.0.1', resolve));
  const backEnd: AllowingBackEnd = {
    requests: 0,
    connectUrl: `http://127.0.0.1:${(view.address() as AddressInfo).port}/connect`,
    stop: () => new Promise((resolve) => view.close(() => resolve())),
  };
  return backEnd;
}

/** A client, on another transport than the one of the index before. */
export function openPomona(
  index: number,
  { url, connectUrl }: { readonly url: string; readonly connectUrl: string },
): { readonly pomona: Pomona; readonly transport: string } {
  const transport = TRANSPORTS[index % TRANSPORTS.length] as (typeof TRANSPORTS)[number];
  const pomona = new Pomona({
    url: `${url}/comet`,
    connectUrl,
    transports: [transport],
    WebSocket: WebSocket as never,
    reconnect: { baseMs: 200, maxMs: 1_000 },
  });
  pomona.on('error', () => {}); // the server goes away
  return { pomona, transport };
}
