/**
 * A back end that takes Dobby's commands, as bare as one can be: parses the question, answers with its arguments, those of `sleep` when the
 * time is over. It does not check the signature, which is its own affair and its own CPU.
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
    if (type !== 'command') return response.writeHead(400).end();
    const answer = JSON.stringify({ reply: args });
    const reply = () => {
      response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': answer.length });
      response.end(answer);
    };
    if (command === 'sleep') setTimeout(reply, args.ms);
    else reply();
  });
});

server.listen(0, '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  console.log(`http://127.0.0.1:${port}`);
});
