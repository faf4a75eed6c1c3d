/** Socket.IO as its documentation shows it: a room, `emit` to it, WebSocket only, no compression. */
import { Server } from 'socket.io';
import { listen, updateServer } from './update-route.mjs';

const ROOM = 'bench';

const app = updateServer((body) => {
  io.to(ROOM).emit('update', body);
});

const io = new Server(app.server, { transports: ['websocket'], perMessageDeflate: false });
io.on('connection', (socket) => {
  socket.join(ROOM);
  socket.emit('ready');
});

await listen(app);
