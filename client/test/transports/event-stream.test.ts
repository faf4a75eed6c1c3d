import type { ServerResponse } from 'node:http';
import { afterEach, expect, it } from 'vitest';
import type { Pomona } from '../../src/index.js';
import { coreOf } from '../support.js';
import { type Call, json, opened, pomonaOn, serve, until } from './support.js';

const stops: (() => void)[] = [];
const track = (pomona: Pomona): Pomona => {
  stops.push(() => pomona.close());
  return pomona;
};
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

const transports = ['event-stream'] as const;

/** Opens the stream and keeps it. */
function stream({ response }: Call): (frame: unknown) => void {
  response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' });
  const write = (frame: unknown) => void response.write(`:\n\nid: x\ndata: ${JSON.stringify(frame)}\n\n`);
  write(opened());
  return write;
}

it('reads a streamed POST with the ticket in the body, and carries frames up by further POSTs', async () => {
  const calls: Call[] = [];
  let write: (frame: unknown) => void = () => {};
  const { url, stop } = await serve((call) => {
    calls.push(call);
    if (call.body['type'] === 'open') write = stream(call);
    else json(call.response, { accepted: 1 });
  });
  stops.push(stop);
  const pomona = track(pomonaOn(url, { transports }));
  const messages: unknown[] = [];
  pomona.connect('a', (message) => messages.push(message));
  await until('the open state', () => pomona.state === 'open');
  write({ type: 'subscribed', paths: [{ path: 'a', position: null }] });
  write({ path: 'a', message: 'é🐱' });
  await until('the update', () => messages.length === 1);
  pomona.connect('b', () => {});
  await until('the send', () => calls.length === 2);
  write({ type: 'ping', received: 1 });
  await until('the pong', () => calls.length === 3);
  pomona.close();
  await until('the farewell', () => calls.length === 4);
  expect(messages).toEqual(['é🐱']);
  expect(calls.map(({ request }) => request.url)).toEqual(Array(4).fill('/comet'));
  const send = { type: 'send', ticket: 'ticket-1', connection: 1 };
  expect(calls.map(({ body }) => body)).toEqual([
    { type: 'open', protocol: 1, attempt: 1, paths: [{ path: 'a' }] },
    { ...send, frames: [{ type: 'subscribe', paths: [{ path: 'b' }], n: 1 }] },
    { ...send, frames: [{ type: 'pong' }] },
    { ...send, frames: [{ type: 'close' }] },
  ]);
});

it('has one POST in flight and keeps the order, repeating one whose answer was lost', async () => {
  const sends: unknown[][] = [];
  const held: ServerResponse[] = [];
  const { url, stop } = await serve((call) => {
    if (call.body['type'] === 'open') return void stream(call);
    if (call.body['type'] === undefined) return void call.response.end();
    sends.push((call.body['frames'] as { n: number }[]).map(({ n }) => n));
    if (sends.length === 2) call.response.destroy();
    else held.push(call.response);
  });
  stops.push(stop);
  const pomona = track(pomonaOn(url, { transports, random: () => 0.01 }));
  await until('the open state', () => pomona.state === 'open');
  const { send } = coreOf(pomona);
  send({ type: 'x' });
  await until('the first send', () => held[0]);
  send({ type: 'x' });
  send({ type: 'x' });
  await fetch(url, { method: 'POST' }); // whatever was sent before this has arrived
  expect(sends).toEqual([[1]]);
  json(held[0] as ServerResponse, { accepted: 1 });
  await until('the repeated send', () => held[1]);
  send({ type: 'x' });
  json(held[1] as ServerResponse, { accepted: 3 });
  await until('the last send', () => held[2]);
  expect(sends).toEqual([[1], [2, 3], [2, 3], [4]]);
});

it('gives way to long-poll where something between holds the stream back', async () => {
  const { url, stop } = await serve(({ request, response, body }) => {
    if (request.headers.accept === 'text/event-stream')
      return void response.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders();
    if (body['type'] === 'open') json(response, { updates: [opened()], reconnectWith: 'one/1' });
  });
  stops.push(stop);
  const pomona = track(pomonaOn(url, { transports: ['event-stream', 'long-poll'], openTimeoutMs: 200 }));
  await until('long-poll', () => pomona.transport === 'long-poll');
});

it('gives way where the answer is no event stream', async () => {
  const { url, stop } = await serve(({ request, response, body }) => {
    if (request.headers.accept === 'text/event-stream') response.writeHead(200).write('<html>');
    else if (body['type'] === 'open') json(response, { updates: [opened()], reconnectWith: 'one/1' });
  });
  stops.push(stop);
  const pomona = track(pomonaOn(url, { transports: ['event-stream', 'long-poll'], openTimeoutMs: 60_000 }));
  await until('long-poll', () => pomona.transport === 'long-poll');
});

it.each([
  { close: 4202, state: 'closed' },
  { close: undefined, state: 'waiting' },
])(
  'whose opening is refused with close $close is $state: only an answer with a close code is final',
  async ({ close, state }) => {
    const error = { code: 'bad_field', message: 'Not so.', retryable: false, close };
    const { url, stop } = await serve(({ response }) => json(response, { error }, 400));
    stops.push(stop);
    const pomona = track(pomonaOn(url, { transports }));
    const told = await new Promise<{ code: string }>((resolve) => pomona.on('error', resolve));
    expect([told.code, pomona.state]).toEqual(['bad_field', state]);
  },
);
