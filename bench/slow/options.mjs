/** The options of the bench of clients that stop reading. */
import { Options } from '../command/options.mjs';

/**
 * @typedef {object} SlowOptions
 * @property {number} rounds
 * @property {number[]} clients a setting each
 * @property {number} slowPercent of them stop reading
 * @property {number} beforeSeconds
 * @property {number} seconds that they read nothing
 * @property {number} afterSeconds
 * @property {number} perSecond updates
 * @property {number} messageBytes
 * @property {string[]} systems
 * @property {number} seed
 */

const SYSTEMS = ['dobby', 'socketio', 'ws-loop'];
const FULL = {
  rounds: 5,
  clients: [50, 500],
  slowPercent: 10,
  beforeSeconds: 10,
  seconds: 60,
  afterSeconds: 15,
  perSecond: 1000,
  messageBytes: 128,
};
/** Large messages, so that the kernel's buffers fill within the short time. */
const SHORT = {
  rounds: 1,
  clients: [10],
  slowPercent: 20,
  beforeSeconds: 1,
  seconds: 3,
  afterSeconds: 1,
  perSecond: 400,
  messageBytes: 8000,
};

export const USAGE = `npm run bench -- slow [options]
  --rounds N       runs of each system and setting (${FULL.rounds})
  --clients A,B    WebSocket clients, a setting each (${FULL.clients}); peers run only where they can keep up
  --slow N         of a hundred clients, how many stop reading (${FULL.slowPercent})
  --seconds N      that they read nothing (${FULL.seconds})
  --rate N         updates a second (${FULL.perSecond})
  --only A,B       systems (${SYSTEMS.join(',')})
  --seed N         of the messages' content (1)
  --short          one round, ${SHORT.clients} clients, ${SHORT.messageBytes}-byte messages, ${SHORT.seconds} s`;

/** @param {string[]} args @returns {SlowOptions | null} null when only help was asked for */
export function readOptions(args) {
  const options = new Options(args, ['rounds', 'clients', 'slow', 'seconds', 'rate', 'seed']);
  if (options.isHelp) return null;
  const base = options.isShort ? SHORT : FULL;
  return {
    ...base,
    rounds: options.whole('rounds', base.rounds),
    clients: options.wholes('clients', base.clients),
    slowPercent: options.whole('slow', base.slowPercent),
    seconds: options.whole('seconds', base.seconds),
    perSecond: options.whole('rate', base.perSecond),
    systems: options.systems(SYSTEMS),
    seed: options.whole('seed', 1),
  };
}
