/** The options of the bench of clients that come and go. */
import { Options } from '../command/options.mjs';

/**
 * @typedef {object} JitterOptions
 * @property {number} rounds
 * @property {number} clients
 * @property {number} seconds in which clients go and come back
 * @property {number} everyMs mean time from one absence of a client to its next
 * @property {number} offMs for so long
 * @property {number} perSecond updates
 * @property {string[]} systems
 * @property {number} seed
 * @property {boolean} isShort
 */

const SYSTEMS = ['dobby', 'socketio', 'socketio-recovery', 'ws-loop', 'uws', 'nchan'];
const FULL = { rounds: 5, clients: 2000, seconds: 60, everyMs: 15_000, offMs: 2_000 };
const SHORT = { rounds: 1, clients: 60, seconds: 4, everyMs: 2_000, offMs: 500 };

export const USAGE = `npm run bench -- jitter [options]
  --rounds N     runs of each system (${FULL.rounds})
  --clients N    WebSocket clients, each gone for 2 s, every 15 s on average (${FULL.clients})
  --seconds N    of coming and going (${FULL.seconds})
  --rate N       updates a second (10)
  --only A,B     systems (${SYSTEMS.join(',')})
  --seed N       of the messages' content (1)
  --short        one round, ${SHORT.clients} clients gone 0.5 s in every 2 s, ${SHORT.seconds} s`;

/** @param {string[]} args @returns {JitterOptions | null} null when only help was asked for */
export function readOptions(args) {
  const options = new Options(args, ['rounds', 'clients', 'seconds', 'rate', 'seed']);
  if (options.isHelp) return null;
  const base = options.isShort ? SHORT : FULL;
  return {
    rounds: options.whole('rounds', base.rounds),
    clients: options.whole('clients', base.clients),
    seconds: options.whole('seconds', base.seconds),
    everyMs: base.everyMs,
    offMs: base.offMs,
    perSecond: options.whole('rate', 10),
    systems: options.systems(SYSTEMS),
    seed: options.whole('seed', 1),
    isShort: options.isShort,
  };
}
