/**
 * `dobby watch PATH`: prints every update as it arrives, and every gap; with `--state` every snapshot before its changes. It opens a session of its own over an event stream and lets
 * the API grant it the path; when the connection is lost it resumes where it was.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterClose } from '../../../protocol/codes.js';
import type { ClosingFrame, DownFrame } from '../../../protocol/frames.js';
import { PROTOCOL_VERSION } from '../../../protocol/limits.js';
import type { Position } from '../../../protocol/positions.js';
import { CommandError, call, endpointUrl, FinalError, print, type Remote, request } from './client.js';

const RETRY_MS = 1_000;

interface Watch {
  readonly path: string;
  readonly remote: Remote;
  /** What to name of the path's state when it is named next; null where the state is not followed. */
  state: 'snapshot' | 'changes' | null;
  readonly endpoint: string;
  ticket: string | null;
  connection: number;
  /** The last position, null on a path without a log; undefined before the path is subscribed. */
  position: Position | null | undefined;
  /** The earliest time to come back that the server named, from now. */
  reconnectAfterMs: number;
}

/** Watches until the process is ended. The first connection must succeed; later ones are tried again. */
export async function watch(path: string, options: Remote & { state?: boolean }): Promise<void> {
  const endpoint = endpointUrl(options);
  const state: Watch = {
    path,
    remote: options,
    state: options.state === true ? 'snapshot' : null,
    endpoint,
    ticket: null,
    connection: 0,
    position: undefined,
    reconnectAfterMs: 0,
  };
  for (;;) {
    try {
      await follow(state);
    } catch (error) {
      const mayPass = error instanceof CommandError || error instanceof TypeError;
      if (state.position === undefined || !mayPass || error instanceof FinalError) throw error;
    }
    process.stderr.write('dobby: the connection was lost; trying again\n');
    await sleep(Math.max(RETRY_MS, state.reconnectAfterMs));
    state.reconnectAfterMs = 0;
  }
}

async function follow(state: Watch): Promise<void> {
  const item = {
    path: state.path,
    position: state.position,
    ...(state.state !== null && { state: state.state }),
  };
  const ticket = state.ticket === null ? {} : { ticket: state.ticket };
  const response = await request(state.endpoint, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'text/event-stream' },
    body: JSON.stringify({ type: 'open', protocol: PROTOCOL_VERSION, ...ticket, paths: [item] }),
  });
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) {
      if (line.startsWith('data: ')) await take(state, JSON.parse(line.slice(6)) as DownFrame);
    }
  }
}

async function take(state: Watch, frame: DownFrame): Promise<void> {
  if (!('type' in frame)) {
    print(frame);
    state.position = frame.position ?? null;
    return;
  }
  switch (frame.type) {
    case 'opened':
      state.ticket = frame.ticket;
      state.connection = frame.connection;
      if (!frame.resumed) await call(state.remote, 'connect', { id: frame.id, paths: [state.path] });
      return;
    case 'ticket':
      state.ticket = frame.ticket;
      return;
    case 'subscribed':
      state.position = frame.paths[0]?.position ?? null;
      return;
    case 'gap':
      print(frame);
      state.position = frame.to;
      if (state.state !== null) state.state = 'snapshot';
      return;
    case 'state':
      print(frame);
      state.state = frame.last ? 'changes' : 'snapshot';
      if (frame.last) state.position = frame.position;
      return;
    case 'refused':
      throw new FinalError(`${frame.paths[0]?.code}: ${frame.paths[0]?.message}`);
    case 'ping':
      await pong(state);
      return;
    case 'closing':
      closing(state, frame);
      return;
    default:
      return;
  }
}

async function pong({ endpoint, ticket, connection }: Watch): Promise<void> {
  await request(endpoint, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ type: 'send', ticket, connection, frames: [{ type: 'pong' }] }),
  });
}

function closing(state: Watch, { code, message, reconnectAfterMs }: ClosingFrame): void {
  state.reconnectAfterMs = reconnectAfterMs ?? 0;
  const next = afterClose(code);
  if (next === 'renew') state.ticket = null;
  if (next === 'stop') throw new FinalError(message);
}
