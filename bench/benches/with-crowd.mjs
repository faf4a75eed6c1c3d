/** What the benches of updates have in common: a fresh server of a system, a process of subscribers, and publishers. */
import { Messages } from '../load/message.mjs';
import { Publishers } from '../load/publishers.mjs';
import { withLoad } from '../load/remote.mjs';
import { withServer } from '../peers/server.mjs';

const CROWD = new URL('../load/crowd.mjs', import.meta.url);

/** @typedef {{running: import('../peers/server.mjs').Running, load: import('../load/remote.mjs').Load, publishers: Publishers}} Parts */

/**
 * Starts them, gives them to `use`, ends them.
 * @template T
 * @param {import('../peers/table.mjs').Peer} peer
 * @param {Omit<import('../load/crowd.mjs').CrowdOrder, 'port' | 'pids' | 'dialect'>} order
 * @param {(parts: Parts) => Promise<T>} use
 * @param {{isOpen?: boolean, lanes?: number, isRetrying?: boolean}} [how] `isOpen`: whether the paths are public; the others as publishers have them
 */
export function withCrowd(peer, order, use, { isOpen = true, ...how } = {}) {
  const { seed, messageBytes, paths, isReturning = false } = order;
  const dialect = isReturning ? (peer.returning ?? peer.dialect) : peer.dialect;
  const start = (running) => {
    const { port, pids } = running.server;
    return withLoad(CROWD, { ...order, port, pids, dialect }, async (load) => {
      const messages = new Messages(seed, messageBytes);
      const { onFault } = load;
      const publishers = new Publishers({ port, publish: peer.publish, messages, paths, onFault, ...how });
      try {
        return await use({ running, load, publishers });
      } finally {
        publishers.close();
      }
    });
  };
  return withServer(peer, start, isOpen);
}
