/** The options of the fan-out bench. */
import { Options, SYSTEMS } from '../command/options.mjs';

/**
 * @typedef {object} FanoutOptions
 * @property {number} rounds
 * @property {number} seconds of each measured window
 * @property {number} warmSeconds before it
 * @property {import('../command/measure.mjs').Setting[]} settings
 * @property {string[]} systems names of peers
 * @property {number} seed of the messages
 */

export const USAGE = `npm run bench -- fanout [options]
  --rounds N         runs of each system and setting (5)
  --seconds N        length of a measured window (5)
  --subscribers A,B  numbers of WebSocket connections, each with every load (1000)
  --publishers A,B   numbers of publishers that await each answer, a load each (1,32)
  --every A,B        a load each: one update in so many ms, answers not awaited; instead of --publishers unless that is given too
  --only A,B         systems: ${SYSTEMS.join(', ')}
  --seed N           of the messages' content (1)
  --short            one round, 100 subscribers, 2 s: whether it works, not how fast`;

const NAMES = ['rounds', 'seconds', 'subscribers', 'publishers', 'every', 'seed'];
const DEFAULTS = { rounds: 5, seconds: 5, subscribers: [1000], warmSeconds: 1.5 };
const SHORT = { rounds: 1, seconds: 2, subscribers: [100], warmSeconds: 0.5 };

/** @param {string[]} args @returns {FanoutOptions | null} null when only help was asked for */
export function readOptions(args) {
  const options = new Options(args, NAMES);
  if (options.isHelp) return null;
  const base = options.isShort ? SHORT : DEFAULTS;
  const every = options.wholes('every', []);
  const publishers = options.wholes('publishers', every.length > 0 ? [] : [1, 32]);
  const loads = [
    ...publishers.map((count) => ({ publishers: count, everyMs: null })),
    ...every.map((everyMs) => ({ publishers: 1, everyMs })),
  ];
  return {
    rounds: options.whole('rounds', base.rounds),
    seconds: options.whole('seconds', base.seconds),
    warmSeconds: base.warmSeconds,
    settings: options
      .wholes('subscribers', base.subscribers)
      .flatMap((subscribers) => loads.map((load) => ({ subscribers, ...load }))),
    systems: options.systems(),
    seed: options.whole('seed', 1),
  };
}
