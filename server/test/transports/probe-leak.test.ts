import { connect } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createDobby, type Dobby } from '../../src/index.js';
import { tempFolder } from '../support/temp-folder.js';

let dobby: Dobby;
let endpoint: URL;
beforeAll(async () => {
  dobby = createDobby({ port: 0, stateDir: tempFolder(), logLevel: 'silent', public: ['{name*}'] });
  endpoint = new URL(`${await dobby.start()}/comet`);
});
afterAll(() => dobby.stop());

const post = (body: unknown, more = '') => {
  const text = JSON.stringify(body);
  return `POST /comet HTTP/1.1\r\nHost: ${endpoint.host}\r\nContent-Type: application/json\r\n${more}Content-Length: ${text.length}\r\n\r\n${text}`;
};
const probe = (more = {}) =>
  fetch(endpoint, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...more },
    body: '{"type":"probe","step":1}',
  });

it.each(['', 'Accept: text/event-stream\r\n'])(
  'a probe that waits behind another answer is forgotten when its socket closes (%j)',
  async (accept) => {
    expect((await probe()).status).toBe(200);
    for (let i = 0; i < 21; i++) {
      const socket = connect(Number(endpoint.port), '127.0.0.1');
      await new Promise((r) => socket.once('connect', r));
      // a stream is under way; what is pipelined behind it has no socket yet
      socket.write(
        post({ type: 'open', protocol: 1 }, 'Accept: text/event-stream\r\n') +
          post({ type: 'probe', step: 1 }, accept),
      );
      await new Promise((r) => setTimeout(r, 40));
      socket.destroy();
    }
    await new Promise((r) => setTimeout(r, accept ? 16_500 : 3_000));
    expect((await probe()).status).toBe(200);
  },
  40_000,
);
