/**
 * A back end that takes Dobby's commands, as bare as one can be: parses the question, answers what it was asked. It does not check the
 * signature, which is its own affair and its own CPU.
 */
import { createServer } from 'node:http';

const server = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (chunk) => {
    body += chunk;
  });
  request.on('end', () => {
    const { type, command, args } = JSON.parse(body);
    if (type !== 'command' || command !== 'echo') return response.writeHead(400).end();
    const answer = JSON.stringify({ reply: args });
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': answer.length });
    response.end(answer);
  });
});

server.listen(0, '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  console.log(`http://127.0.0.1:${port}`);
});
