/** Socket.IO as its documentation shows it. */
import { serveSocketIo } from './socketio-room.mjs';

await serveSocketIo({});
