/**
 * Socket.IO as its documentation shows it, with one room that everybody is in and an event that is acknowledged with what it carried;
 * WebSocket only, no compression. As `socketio-recovery` it keeps what it sent for those who come back.
 */
import { Server } from 'socket.io';
import { listen, updateServer } from './update-route.mjs';

const ROOM = 'bench';
const recovery = process.env.BENCH_PEER === 'socketio-recovery' ? { connectionStateRecovery: {} } : {};

const app = updateServer((body) => {
  io.to(ROOM).emit('update', body);
});
const io = new Server(app.server, { transports: ['websocket'], perMessageDeflate: false, ...recovery });
io.on('connection', (socket) => {
  socket.join(ROOM);
  socket.on('echo', (args, acknowledge) => acknowledge(args));
  socket.emit('ready');
});
await listen(app);
