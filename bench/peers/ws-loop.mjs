/** The fan-out that people write first: serialise once, send to every client in a loop. */
import { WebSocketServer } from 'ws';
import { listen, updateServer } from './update-route.mjs';

const clients = new Set();

const app = updateServer((body) => {
  const text = JSON.stringify(body);
  for (const client of clients) client.send(text);
});

const sockets = new WebSocketServer({ server: app.server, path: '/socket', perMessageDeflate: false });
sockets.on('connection', (client) => {
  clients.add(client);
  client.on('close', () => clients.delete(client));
  client.send('{"type":"ready"}');
});

await listen(app);
