/** Systems by turns within one run, each time in a fresh server. */
import { setTimeout as sleep } from 'node:timers/promises';
import { PEERS } from '../peers/table.mjs';

/**
 * What is to run, in its order: each round begins with another system, so that none always runs first or after the same one.
 * @template S
 * @param {{rounds: number, settings: S[], systems: string[]}} plan
 * @returns {Generator<{round: number, setting: S, system: string}>}
 */
export function* turns({ rounds, settings, systems }) {
  for (let round = 0; round < rounds; round++) {
    for (const setting of settings) {
      for (let i = 0; i < systems.length; i++) {
        yield { round, setting, system: systems[(i + round) % systems.length] };
      }
    }
  }
}

/**
 * Starts a server of `system`, gives it to `use`, stops it. A failure is told with what the server said.
 * @template T
 * @param {string} system
 * @param {(server: import('../load/children.mjs').Server, peer: import('../peers/table.mjs').Peer) => Promise<T>} use
 * @returns {Promise<T>}
 */
export function withServer(system, use) {
  return withPeer(PEERS[system], use);
}

/**
 * The same for a peer of any table.
 * @template {import('../load/children.mjs').Server} S
 * @template {{name: string, start: () => Promise<S>}} P
 * @template T
 * @param {P} peer
 * @param {(server: S, peer: P) => Promise<T>} use
 * @returns {Promise<T>}
 */
export async function withPeer(peer, use) {
  const server = await peer.start();
  try {
    return await use(server, peer);
  } catch (error) {
    if (error instanceof Error) error.message += `\n  in ${peer.name}. The server said:\n${server.output()}`;
    throw error;
  } finally {
    await server.stop();
    await sleep(200);
  }
}
