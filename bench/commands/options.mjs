/** The options of the bench of commands, in both its forms. */
import { Options } from '../command/options.mjs';
import { Fault } from '../load/fault.mjs';
import { COMMAND_PEERS } from '../peers/command-table.mjs';

/** Commands of one session that Dobby takes at a time (docs/protocol.md, `commandsAtATime`). */
const AT_A_TIME = 16;
/** Sleepers must outlast the window, and no command may take longer than 30 s. */
const MAX_ASLEEP_SECONDS = 20;

/**
 * @typedef {object} CommandsOptions
 * @property {boolean} isAsleep
 * @property {number} rounds
 * @property {number} seconds of each measured window
 * @property {number} warmSeconds before it
 * @property {number[]} settings numbers of clients
 * @property {number} outstanding commands of each client that have no answer; not with `isAsleep`
 * @property {number} everyMs between two commands of a client, and
 * @property {number} sleepers commands of the first that are asleep; only with `isAsleep`
 * @property {string[]} systems names of peers
 * @property {number} seed of the arguments
 */

export const USAGE = `npm run bench -- commands [options]
  --rounds N       runs of each system and setting (5)
  --seconds N      length of a measured window (5; with --asleep 10)
  --clients A,B    numbers of WebSocket clients, a setting each (100; with --asleep 20)
  --outstanding N  commands of each client that have no answer, at all times, at most ${AT_A_TIME} (4)
  --only A,B       systems: ${Object.keys(COMMAND_PEERS).join(', ')}
  --seed N         of the arguments (1)
  --short          one round, 20 clients, 1 s: whether it works, not how fast

npm run bench -- commands --asleep [options]: what commands of a session that are asleep cost others; Dobby alone
  --every N        ms between two commands of a client, answers not awaited (20)
  --sleepers N     commands of the first session that are asleep, below ${AT_A_TIME} (15)`;

const NAMES = ['rounds', 'seconds', 'clients', 'outstanding', 'seed', 'every', 'sleepers'];
const DEFAULTS = { rounds: 5, seconds: 5, clients: [100], warmSeconds: 3 };
const SHORT = { rounds: 1, seconds: 1, clients: [20], warmSeconds: 0.3 };
const ASLEEP = { rounds: 5, seconds: 10, clients: [20], warmSeconds: 2 };

/** @param {string[]} args @returns {CommandsOptions | null} null when only help was asked for */
export function readOptions(args) {
  const options = new Options(args, NAMES, ['asleep']);
  if (options.isHelp) return null;
  const isAsleep = options.has('asleep');
  const base = options.isShort ? SHORT : isAsleep ? ASLEEP : DEFAULTS;
  const names = isAsleep ? ['dobby'] : Object.keys(COMMAND_PEERS);
  const read = {
    isAsleep,
    rounds: options.whole('rounds', base.rounds),
    seconds: options.whole('seconds', base.seconds),
    warmSeconds: base.warmSeconds,
    settings: options.wholes('clients', base.clients),
    outstanding: options.whole('outstanding', 4),
    everyMs: options.whole('every', 20),
    sleepers: options.whole('sleepers', AT_A_TIME - 1),
    systems: options.systems(names, COMMAND_PEERS),
    seed: options.whole('seed', 1),
  };
  check(read);
  return read;
}

/** @param {CommandsOptions} options */
function check({ isAsleep, outstanding, sleepers, seconds, systems, settings }) {
  const complaint = [
    [outstanding > AT_A_TIME, `--outstanding is at most ${AT_A_TIME}`],
    [sleepers >= AT_A_TIME, `--sleepers is below ${AT_A_TIME}`],
    [isAsleep && seconds > MAX_ASLEEP_SECONDS, `--seconds is at most ${MAX_ASLEEP_SECONDS} with --asleep`],
    [isAsleep && settings.some((clients) => clients < 2), '--clients is at least 2 with --asleep'],
    [isAsleep && String(systems) !== 'dobby', '--asleep looks at dobby alone'],
  ].find(([isWrong]) => isWrong);
  if (complaint !== undefined) throw new Fault('options', String(complaint[1]));
}
