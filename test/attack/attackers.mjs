/**
 * The attackers, in a process of their own: `node attackers.mjs <url> <sockets> <seconds> [kind]`. Each socket runs one
 * kind of attack after the other, as fast as the server lets it. Everything stays on the loopback, and each write is bounded.
 */
import { request } from 'node:http';
import { connect } from 'node:net';
import { WebSocket } from 'ws';

const [url = '', count = '8', seconds = '1', only = ''] = process.argv.slice(2);
const { hostname, port } = new URL(url);
if (!['127.0.0.1', '[::1]'].includes(hostname)) throw new Error('only the loopback is attacked');
const until = performance.now() + 1_000 * Number(seconds);
const isTime = () => performance.now() < until;
const endpoint = `${url}/comet`;
/** How long one attack of a socket lasts, in milliseconds. */
const TURN_MS = 4_000;
const OPEN = JSON.stringify({ type: 'open', protocol: 1 });
const PATHS = Array.from({ length: 100 }, (_, i) => `demo-not/${i}`);
const LONG_PATHS = Array.from({ length: 900 }, (_, i) => ({ path: `${i}`.padEnd(255, 'p') }));
const tally = {};
const did = (what) => {
  tally[what] = (tally[what] ?? 0) + 1;
};
const pause = (ms = 0) => new Promise((resolve) => setTimeout(resolve, ms));

/** A WebSocket with a session, or null; `speak` may use its socket past the library. */
function opened() {
  return new Promise((resolve) => {
    const socket = new WebSocket(endpoint.replace('http', 'ws'));
    socket.on('error', () => resolve(null));
    socket.on('close', () => resolve(null));
    socket.on('open', () => socket.send(OPEN));
    socket.once('message', (data) => resolve(String(data).includes('"opened"') ? socket : null));
  });
}

/** Writes to a socket as long as it takes bytes, until `end`. */
async function flood(socket, bytes, end) {
  while (performance.now() < end && !socket.destroyed) {
    if (!socket.write(bytes)) await Promise.race([new Promise((go) => socket.once('drain', go)), pause(200)]);
    await pause();
  }
  socket.destroy();
}

const masked = (text, opcode = 1) => {
  const payload = Buffer.from(text);
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
};
const times = (bytes, most) => Buffer.concat(Array(Math.floor(most / bytes.length)).fill(bytes));
const PIPELINE = times(Buffer.from('GET /health HTTP/1.1\r\nHost: a\r\n\r\n'), 1024 * 1024);

/** Posts a body; resolves with the answer's text, or null. */
function post(body, headers = {}) {
  return new Promise((resolve) => {
    const asked = request(endpoint, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body), ...headers },
      timeout: 3_000,
    });
    asked.on('error', () => resolve(null));
    asked.on('timeout', () => asked.destroy());
    asked.on('response', (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('close', () => resolve(text));
    });
    asked.end(body);
  });
}

/** Posts a body again and again, with a pause after an answer that is no session. */
function posting(what, frame, pauseMs = 0) {
  const body = JSON.stringify(frame);
  return async (end) => {
    while (performance.now() < end) {
      const answer = await post(body);
      did(what);
      if (pauseMs > 0 && !answer?.includes('"opened"')) await pause(pauseMs);
    }
  };
}

/** Writes bytes to the socket of a session as long as it takes them. */
function flooding(what, bytes) {
  return async (end) => {
    const socket = await opened();
    did(what);
    if (socket === null) return pause(20);
    await flood(socket._socket, bytes, end);
  };
}

const sending = (ticket, frames) => ({ type: 'send', ticket, connection: 1, frames });

/** Each kind of attack, by name; attackers take them in this order. */
const ATTACKS = {
  async tokens(end) {
    const socket = await opened();
    if (socket === null) return;
    for (let n = 1; performance.now() < end && socket.readyState === socket.OPEN; n++) {
      const paths = PATHS.map((path) => ({ path, token: `e30.${n}${path.length}${'x'.repeat(500)}.x` }));
      socket.send(JSON.stringify({ type: 'subscribe', n, paths }));
      did('frames of tokens');
      while (socket.bufferedAmount > 1024 * 1024 && performance.now() < end) await pause(5);
      if (n % 4 === 0) await pause();
    }
    socket.terminate();
  },
  async sessions(end) {
    while (performance.now() < end) {
      const socket = await opened();
      if (socket === null) await pause(20);
      else {
        socket.send('{"type":"close"}');
        did('sessions opened and closed');
        await pause();
        socket.terminate();
      }
    }
  },
  longPolls: posting('long-poll sessions', { type: 'open', protocol: 1, paths: LONG_PATHS }, 20),
  async postedFrames(end) {
    const answer = await post(OPEN);
    const ticket = /"ticket":"([^"]+)"/.exec(answer ?? '')?.[1];
    if (ticket === undefined) return pause(50);
    const body = JSON.stringify(sending(ticket, Array(100).fill({ type: 'pong' })));
    for (let isTaken = true; isTaken && performance.now() < end; ) {
      isTaken = (await post(body))?.includes('accepted') === true;
      did('posts of 100 frames');
    }
  },
  largeBodies: posting('large bodies', sending('forged', Array(60_000).fill(0))),
  pongs: flooding('floods of pongs', times(masked('{"type":"pong"}'), 2 * 1024 * 1024)),
  pings: flooding('floods of pings', times(masked('', 9), 1024 * 1024)),
  async pipeline(end) {
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    did('floods of requests');
    await flood(socket, PIPELINE, Math.min(end, performance.now() + 500));
  },
  async silent(end) {
    const sockets = Array.from({ length: 50 }, () =>
      connect(Number(port), hostname).on('error', () => undefined),
    );
    did('fifty silent sockets');
    await pause(Math.min(1_000, end - performance.now()));
    for (const socket of sockets) socket.destroy();
  },
  async unopened(end) {
    const socket = new WebSocket(endpoint.replace('http', 'ws'));
    socket.on('error', () => undefined);
    did('WebSockets that never open');
    await pause(Math.min(500, Math.max(0, end - performance.now())));
    socket.terminate();
  },
};

async function attacker(index) {
  const kinds = Object.entries(ATTACKS)
    .filter(([name]) => only === '' || only === name)
    .map(([, attack]) => attack);
  for (let turn = index; isTime(); turn++) {
    const end = Math.min(until, performance.now() + TURN_MS);
    while (performance.now() < end) {
      await kinds[turn % kinds.length](end);
      await pause();
    }
  }
}

await Promise.all(Array.from({ length: Number(count) }, (_, i) => attacker(i)));
process.stdout.write(`${JSON.stringify(tally)}\n`, () => process.exit(0));
