/** A Socket.IO server with one room that everybody is in: `emit` to it, WebSocket only, no compression. */
import { Server } from 'socket.io';
import { listen, updateServer } from './update-route.mjs';

const ROOM = 'bench';

/**
 * Serves until the process ends.
 * @param {Partial<import('socket.io').ServerOptions>} options
 * @param {(socket: import('socket.io').Socket) => void} [onConnection] adds to what every socket does
 */
export async function serveSocketIo(options, onConnection) {
  const app = updateServer((body) => {
    io.to(ROOM).emit('update', body);
  });
  const io = new Server(app.server, { transports: ['websocket'], perMessageDeflate: false, ...options });
  io.on('connection', (socket) => {
    socket.join(ROOM);
    onConnection?.(socket);
    socket.emit('ready');
  });
  await listen(app);
}
