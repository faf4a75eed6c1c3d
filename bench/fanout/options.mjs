/** The options of the fan-out bench. */
import { parseArgs } from 'node:util';
import { Fault } from '../load/fault.mjs';
import { PEERS } from '../peers/table.mjs';

/**
 * @typedef {object} Options
 * @property {number} rounds
 * @property {number} seconds of each measured window
 * @property {number} warmSeconds before it
 * @property {number} subscribers
 * @property {number[]} publishers one setting each
 * @property {string[]} systems names of peers
 * @property {number} seed of the messages
 */

export const USAGE = `npm run bench -- fanout [options]
  --rounds N         runs of each system and setting (5)
  --seconds N        length of a measured window (5)
  --subscribers N    WebSocket connections (1000)
  --publishers A,B   numbers of publishers, a setting each (1,32)
  --only A,B         systems: ${Object.keys(PEERS).join(', ')}
  --seed N           of the messages' content (1)
  --short            one round, 100 subscribers, 2 s: whether it works, not how fast`;

const DEFAULTS = { rounds: 5, seconds: 5, subscribers: 1000, warmSeconds: 1.5 };
const SHORT = { rounds: 1, seconds: 2, subscribers: 100, warmSeconds: 0.5 };

/** @param {string[]} args @returns {Options | null} null when only help was asked for */
export function readOptions(args) {
  const string = { type: /** @type {const} */ ('string') };
  const boolean = { type: /** @type {const} */ ('boolean') };
  const { values } = parseArgs({
    args,
    options: {
      rounds: string,
      seconds: string,
      subscribers: string,
      publishers: string,
      only: string,
      seed: string,
      short: boolean,
      help: boolean,
    },
  });
  if (values.help) return null;
  const base = values.short ? SHORT : DEFAULTS;
  const compared = Object.keys(PEERS).filter((name) => PEERS[name].isCompared);
  const systems = values.only?.split(',') ?? compared;
  const unknown = systems.find((name) => !(name in PEERS));
  if (unknown !== undefined) throw new Fault('options', `--only: there is no system ${unknown}`);
  return {
    rounds: whole('rounds', values.rounds, base.rounds),
    seconds: whole('seconds', values.seconds, base.seconds),
    warmSeconds: base.warmSeconds,
    subscribers: whole('subscribers', values.subscribers, base.subscribers),
    publishers: (values.publishers ?? '1,32').split(',').map((text) => whole('publishers', text, 1)),
    systems,
    seed: whole('seed', values.seed, 1),
  };
}

function whole(name, text, otherwise) {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new Fault('options', `--${name} takes whole numbers from 1, not ${text}`);
  return value;
}
