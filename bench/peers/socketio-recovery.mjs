/** Socket.IO as in socketio.mjs, with its connection state recovery on: it keeps what it sent, and who comes back hears what was missed. */
import { serveSocketIo } from './socketio-room.mjs';

await serveSocketIo({ connectionStateRecovery: {} });
