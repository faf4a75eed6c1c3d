/**
 * Not a competitor: the least that a server can do, to see what the load generator can take. Frames are made once, collected
 * for `BENCH_FLUSH_MS` (default 10), and written to raw sockets in one call each. No session, no log, no back-pressure.
 */
import { createServer } from 'node:http';
import { acceptOf, serverFrame } from '../load/frames.mjs';

const FLUSH_MS = Number(process.env.BENCH_FLUSH_MS ?? 10);
const ANSWER = '{"position":null}';

const sockets = new Set();
/** @type {Buffer[]} */
let waiting = [];

function flush() {
  const bytes = Buffer.concat(waiting);
  waiting = [];
  for (const socket of sockets) socket.write(bytes);
}

const server = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (chunk) => {
    body += chunk;
  });
  request.on('end', () => {
    if (waiting.length === 0) setTimeout(flush, FLUSH_MS);
    waiting.push(serverFrame(body));
    response.writeHead(200, { 'Content-Length': ANSWER.length }).end(ANSWER);
  });
});

server.on('upgrade', (request, socket) => {
  const accept = acceptOf(String(request.headers['sec-websocket-key']));
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  socket.write(serverFrame('{"type":"ready"}'));
  sockets.add(socket);
  socket.on('error', () => socket.destroy());
  socket.on('close', () => sockets.delete(socket));
});

server.listen(Number(process.env.BENCH_PORT), '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  console.log(`http://127.0.0.1:${port}`);
});
