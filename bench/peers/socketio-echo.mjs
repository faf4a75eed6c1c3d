/** Socket.IO as its documentation shows it, with an event that is acknowledged with what it carried. */
import { serveSocketIo } from './socketio-room.mjs';

await serveSocketIo({}, (socket) => socket.on('echo', (args, acknowledge) => acknowledge(args)));
