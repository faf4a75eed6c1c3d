/** The systems that answer commands. The path of Dobby's is public, and no rate limits what a session may ask. */
import { startServer } from '../load/children.mjs';
import { dobby, startDobby } from './dobby.mjs';

/**
 * @typedef {object} CommandPeer
 * @property {string} name
 * @property {string} dialect of its callers (../commands/dialects.mjs)
 * @property {() => string | null} missing what has to be done before it can run
 * @property {() => Promise<CommandServer>} start a fresh server
 */

/** `backEndPids`: of what stands behind it, and is stopped with it. @typedef {import('../load/children.mjs').Server & {backEndPids: number[]}} CommandServer */

const UNLIMITED = ['--max-commands-per-second', '1000000000'];
/** Requests that wait for a connection to the back end are bounded: enough of these for some hundred clients. */
const CONNECTIONS = ['--command-connections', '64'];

/** A server with nothing behind it. @param {() => Promise<import('../load/children.mjs').Server>} start */
const alone = (start) => async () => ({ ...(await start()), backEndPids: [] });

/** Dobby, which asks a process of its own. @returns {Promise<CommandServer>} */
async function startWithBackEnd() {
  const backEnd = await startServer({
    command: process.execPath,
    args: ['bench/peers/command-back-end.mjs'],
    env: {},
  });
  try {
    const url = `http://127.0.0.1:${backEnd.port}/command`;
    const server = await startDobby([...UNLIMITED, ...CONNECTIONS, '--command-url', url]);
    const stop = async () => {
      await server.stop();
      await backEnd.stop();
    };
    const output = () => `${server.output()}\n  Its back end said:\n${backEnd.output()}`;
    return { ...server, output, stop, backEndPids: backEnd.pids };
  } catch (error) {
    await backEnd.stop();
    throw error;
  }
}

/** By name. @type {Record<string, CommandPeer>} */
export const COMMAND_PEERS = {
  dobby: {
    name: 'dobby',
    dialect: 'dobby',
    missing: dobby.missing,
    start: alone(() => startDobby([...UNLIMITED, '--commands', 'bench/peers/commands'])),
  },
  socketio: {
    name: 'socketio',
    dialect: 'socketio',
    missing: () => null,
    start: alone(() =>
      startServer({ command: process.execPath, args: ['bench/peers/socketio-echo.mjs'], env: {} }),
    ),
  },
  'dobby-webhook': {
    name: 'dobby-webhook',
    dialect: 'dobby',
    missing: dobby.missing,
    start: startWithBackEnd,
  },
};
