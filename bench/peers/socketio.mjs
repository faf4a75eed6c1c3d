/**
 * Socket.IO as its documentation shows it, with one room that every client is in and events that are acknowledged with what they carried;
 * WebSocket only, no compression.
 */
import { Server } from 'socket.io';
import { listen, updateServer } from './update-route.mjs';

const ROOM = 'bench';

const app = updateServer((body) => {
  io.to(ROOM).emit('update', body);
});
const io = new Server(app.server, { transports: ['websocket'], perMessageDeflate: false });
io.on('connection', (socket) => {
  socket.join(ROOM);
  socket.on('echo', (args, acknowledge) => acknowledge(args));
  socket.on('sleep', (args, acknowledge) => setTimeout(acknowledge, args.ms, args));
  socket.emit('ready');
});
await listen(app);
