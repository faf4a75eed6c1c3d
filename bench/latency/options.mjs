/** The options of the latency bench. */
import { Options, SYSTEMS } from '../command/options.mjs';

/**
 * @typedef {object} LatencyOptions
 * @property {number} rounds
 * @property {number} seconds of each measured window
 * @property {number} warmSeconds before it
 * @property {import('../command/measure.mjs').Setting[]} settings
 * @property {string[]} systems names of peers
 * @property {number} seed of the messages
 */

export const USAGE = `npm run bench -- latency [options]
  --rounds N         runs of each system and setting (5)
  --seconds N        length of a measured window (5)
  --subscribers A,B  numbers of WebSocket connections, a setting each (1,10)
  --every N          ms between two updates, answers not awaited (20)
  --only A,B         systems: ${SYSTEMS.join(', ')}
  --seed N           of the messages' content (1)
  --short            one round, 10 subscribers, 1 s: whether it works, not how soon`;

const NAMES = ['rounds', 'seconds', 'subscribers', 'every', 'seed'];
const DEFAULTS = { rounds: 5, seconds: 5, subscribers: [1, 10], warmSeconds: 2 };
const SHORT = { rounds: 1, seconds: 1, subscribers: [10], warmSeconds: 0.2 };

/** @param {string[]} args @returns {LatencyOptions | null} null when only help was asked for */
export function readOptions(args) {
  const options = new Options(args, NAMES);
  if (options.isHelp) return null;
  const base = options.isShort ? SHORT : DEFAULTS;
  const everyMs = options.whole('every', 20);
  const numbers = options.wholes('subscribers', base.subscribers);
  return {
    rounds: options.whole('rounds', base.rounds),
    seconds: options.whole('seconds', base.seconds),
    warmSeconds: base.warmSeconds,
    settings: numbers.map((subscribers) => ({ subscribers, publishers: 1, everyMs })),
    systems: options.systems(),
    seed: options.whole('seed', 1),
  };
}
