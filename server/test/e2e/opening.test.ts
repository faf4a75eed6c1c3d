/** Openings that wait for the back end, over real sockets. */
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createDobby, type Dobby } from '../../src/index.js';
import { fakeBackEnd, json } from '../back-end/fake-back-end.js';
import { tempFolder } from '../support/temp-folder.js';

const running: Dobby[] = [];

afterEach(async () => {
  for (const each of running.splice(0)) await each.stop();
});

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function start(sessionUrl: string) {
  const dobby = createDobby({ port: 0, stateDir: `${tempFolder()}/state`, logLevel: 'silent', sessionUrl });
  running.push(dobby);
  const url = `${await dobby.start()}/comet`;
  const post = (body: object, accept = 'application/json') =>
    fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: accept },
      body: JSON.stringify({ type: 'open', protocol: 1, ...body }),
    });
  return { dobby, url, post };
}

/** A session of which what was said has expired, and a back end that takes its time. */
async function expired() {
  const backEnd = await fakeBackEnd(json({ user: 'ann', expiresInMs: 1_000 }));
  const { dobby, post } = await start(backEnd.url);
  const { updates } = (await (await post({})).json()) as { updates: { ticket: string }[] };
  await pause(1_100);
  const held: (() => void)[] = [];
  backEnd.answer = (response) => void held.push(() => json({ user: 'ann' })(response));
  const release = async () => {
    await expect.poll(() => held.length).toBeGreaterThan(0);
    for (const answer of held) answer();
  };
  return { dobby, post, ticket: updates[0]?.ticket, release };
}

describe('two openings of one session that wait for the same answer', () => {
  it.each(['text/event-stream', 'application/json'])(
    'are both answered, one of them as taken over: %s',
    async (accept) => {
      const { dobby, post, ticket, release } = await expired();
      const both = [post({ ticket }, accept), post({ ticket }, accept)];
      await release();
      const answers = await Promise.all(both);
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
      const refused = answers.find(({ status }) => status === 409);
      expect(await refused?.json()).toMatchObject({ error: { code: 'taken_over', close: 4200 } });
      expect(dobby.info.sessions).toBe(1);
      await answers.find(({ status }) => status === 200)?.body?.cancel();
    },
  );
});

describe('frames that do not wait for the answer to the first one', () => {
  const frame = (text: string) =>
    Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);

  async function upgraded(url: string) {
    const { port, hostname } = new URL(url);
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    socket.write(
      'GET /comet HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    await new Promise((resolve) => socket.once('data', resolve));
    let heard = '';
    socket.on('data', (chunk) => {
      heard += String(chunk);
    });
    socket.write(frame('{"type":"open","protocol":1}'));
    return { socket, heard: () => heard };
  }

  it('are taken after it, in their order', async () => {
    const backEnd = await fakeBackEnd(
      (response) => void setTimeout(() => json({ grants: ['a'] })(response), 100),
    );
    const { url } = await start(backEnd.url);
    const { socket, heard } = await upgraded(url);
    socket.write(frame('{"type":"subscribe","n":1,"paths":[{"path":"a"}]}'));
    await expect.poll(heard).toMatch(/opened.*subscribed/s);
    socket.destroy();
  });

  it('end the connection when there are very many, and nothing is kept of them', async () => {
    const backEnd = await fakeBackEnd(() => undefined);
    const { url, dobby } = await start(backEnd.url);
    const { socket, heard } = await upgraded(url);
    socket.write(Buffer.concat(Array.from({ length: 60_000 }, () => frame('1'))));
    await expect.poll(heard).toContain('Too many frames');
    expect(dobby.info.sessions).toBe(0);
    socket.destroy();
  });
});

describe('a path that stands twice in one frame', () => {
  it('ends no process, with a token or without', async () => {
    const backEnd = await fakeBackEnd(json({}));
    const { post, dobby } = await start(backEnd.url);
    const twice = (token: object) => ({
      paths: [
        { path: 'a', ...token },
        { path: 'a', ...token },
      ],
    });
    for (const token of [{}, { token: 'x' }]) expect((await post(twice(token))).status).toBe(200);
    await pause(50);
    expect(dobby.info).toMatchObject({ sessions: 2 });
  });
});
