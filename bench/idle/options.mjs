/** The options of the idle bench. */
import { Options, SYSTEMS } from '../command/options.mjs';

/**
 * @typedef {object} IdleOptions
 * @property {number} rounds
 * @property {number[]} settings numbers of sessions
 * @property {number} waitSeconds from the last opening to the reading
 * @property {string[]} systems names of peers
 * @property {number} seed of the messages
 */

export const USAGE = `npm run bench -- idle [options]
  --rounds N        runs of each system and number (1)
  --sessions A,B    numbers of sessions (15000)
  --wait N          seconds from the last opening to the reading (60)
  --only A,B        systems: ${SYSTEMS.join(', ')}
  --seed N          of the messages' content (1)
  --short           200 sessions, 1 s: whether it works, not how much`;

const NAMES = ['rounds', 'sessions', 'wait', 'seed'];
const DEFAULTS = { sessions: [15_000], wait: 60 };
const SHORT = { sessions: [200], wait: 1 };

/** @param {string[]} args @returns {IdleOptions | null} null when only help was asked for */
export function readOptions(args) {
  const options = new Options(args, NAMES);
  if (options.isHelp) return null;
  const base = options.isShort ? SHORT : DEFAULTS;
  return {
    rounds: options.whole('rounds', 1),
    settings: options.wholes('sessions', base.sessions),
    waitSeconds: options.whole('wait', base.wait),
    systems: options.systems(),
    seed: options.whole('seed', 1),
  };
}
