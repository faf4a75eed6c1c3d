/** The options of the bench of servers that are restarted. */
import { Options } from '../command/options.mjs';
import { Fault } from '../load/fault.mjs';
import { BUILDS } from '../peers/dobby.mjs';

/**
 * @typedef {object} RestartOptions
 * @property {number} rounds
 * @property {number} clients
 * @property {number} seconds of publishing after the signal
 * @property {('term' | 'kill')[]} variants
 * @property {string[]} systems
 * @property {number} seed
 */

const PEERS_HERE = ['socketio', 'ws-loop'];
/** @type {('term' | 'kill')[]} */
const VARIANTS = ['term', 'kill'];
const FULL = { rounds: 5, clients: 5000, seconds: 15 };
const SHORT = { rounds: 1, clients: 40, seconds: 1 };

export const USAGE = `npm run bench -- restart [options]
  --rounds N         runs of each system and variant (${FULL.rounds})
  --clients N        WebSocket clients (${FULL.clients})
  --seconds N        of publishing after the signal, at least (${FULL.seconds})
  --variants A,B     how the server is ended: ${VARIANTS.join(', ')} (both)
  --only A,B         systems (dobby,${PEERS_HERE.join(',')})
  --seed N           of the messages' content (1)
  --short            one round, ${SHORT.clients} clients, ${SHORT.seconds} s`;

/** @param {string[]} args @returns {RestartOptions | null} null when only help was asked for */
export function readOptions(args) {
  const { variants, rest } = takeVariants(args);
  const options = new Options(rest, ['rounds', 'clients', 'seconds', 'seed']);
  if (options.isHelp) return null;
  const base = options.isShort ? SHORT : FULL;
  const systems = options.systems(['dobby', ...PEERS_HERE]);
  const other = systems.find((name) => ![...BUILDS, ...PEERS_HERE].includes(name));
  if (other !== undefined) throw new Fault('options', `${other} cannot be restarted at its port here`);
  return {
    rounds: options.whole('rounds', base.rounds),
    clients: options.whole('clients', base.clients),
    seconds: options.whole('seconds', base.seconds),
    variants,
    systems,
    seed: options.whole('seed', 1),
  };
}

/** The one option that names words. @param {string[]} args */
function takeVariants(args) {
  const at = args.indexOf('--variants');
  if (at < 0) return { variants: VARIANTS, rest: args };
  const named = (args[at + 1] ?? '').split(',');
  const variants = VARIANTS.filter((name) => named.includes(name));
  if (variants.length !== named.length)
    throw new Fault('options', `--variants takes ${VARIANTS.join(', ')}, not ${args[at + 1]}`);
  return { variants, rest: args.toSpliced(at, 2) };
}
