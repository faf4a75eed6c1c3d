/** The command line of the benches: one table of options, of which each bench names its own with their values. */
import { parseArgs } from 'node:util';
import { Fault } from '../load/fault.mjs';

/**
 * The values of an option. Its kind follows from `full`: a number (null: the bench knows better), several, or several words of those in `full`.
 * @typedef {{full: number | number[] | string[] | null, short?: number | number[] | string[] | null}} Values `short` with `--short`
 */

/** What can be said on a command line. A bench may have values beside these, which are fixed. @type {Record<string, string>} */
const ABOUT = {
  rounds: 'runs of each system and setting',
  seed: "of the messages' content",
  seconds: 'length of a measured window, or of what befalls servers and clients',
  subscribers: 'WebSocket connections, each number with every load',
  publishers: 'that await each answer, a load each',
  every: 'a load each: one update in so many ms, answers not awaited',
  clients: 'WebSocket clients',
  outstanding: 'commands of each client without an answer',
  sleepers: 'numbers of commands of the first client that are asleep, a setting each',
  sessions: 'numbers of sessions, a setting each',
  wait: 'seconds from the last opening to the reading',
  modes: 'what happens, a setting each',
};
const COMMON = { rounds: { full: 5, short: 1 }, seed: { full: 1 } };

/** @param {import('./course.mjs').Bench} bench @returns {Record<string, Values>} */
const optionsOf = (bench) => ({ ...COMMON, ...bench.options });

/** Returns the values of a command line, and the `systems` to run. Null when only help was asked for. @param {import('./course.mjs').Bench} bench */
export function readOptions(bench, args) {
  const table = optionsOf(bench);
  const named = Object.keys(table).filter((name) => name in ABOUT);
  const valued = Object.fromEntries([...named, 'only'].map((name) => [name, { type: 'string' }]));
  const flags = { short: { type: 'boolean' }, help: { type: 'boolean' } };
  const { values } = parseArgs({ args, options: /** @type {any} */ ({ ...valued, ...flags }) });
  if (values['help']) return null;
  const read = Object.entries(table).map(([name, { full, short = full }]) => {
    const text = values[name];
    return [name, text === undefined ? (values['short'] ? short : full) : parsed(name, full, String(text))];
  });
  return { ...Object.fromEntries(read), systems: systemsOf(bench, values['only']) };
}

function parsed(name, full, text) {
  const isMany = Array.isArray(full);
  const words = isMany && typeof full[0] === 'string' ? full : null;
  const parts = text.split(',').map((part) => (words === null ? Number(part) : part));
  // Where nothing at all is the usual value it may be asked for too.
  const least = isMany && full.includes(0) ? 0 : 1;
  const isSound = (part) => (words === null ? Number.isInteger(part) && part >= least : words.includes(part));
  if (parts.every(isSound) && (isMany || parts.length === 1)) return isMany ? parts : parts[0];
  const due = words?.join(', ') ?? `${isMany ? 'whole numbers' : 'a whole number'} from ${least}`;
  throw new Fault('options', `--${name} takes ${due}, not ${text}`);
}

/** The systems named by `--only`, else those of the bench that can run here; what is left out is said. */
function systemsOf({ peers, systems }, only) {
  if (only !== undefined) {
    const asked = String(only).split(',');
    const unknown = asked.find((name) => !(name in peers));
    if (unknown !== undefined) throw new Fault('options', `--only: there is no system ${unknown}`);
    const missing = asked.flatMap((name) => peers[name].missing() ?? []);
    if (missing.length > 0) throw new Fault('unready', missing.join('\n'));
    return asked;
  }
  return systems.filter((name) => {
    const missing = peers[name].missing();
    if (missing === null) return true;
    if (name === systems[0]) throw new Fault('unready', missing);
    console.log(`Without ${name}: ${missing}`);
    return false;
  });
}

/** Returns what `--help` prints. @param {import('./course.mjs').Bench} bench */
export function usageOf(bench) {
  const line = (option, about) => `  ${option.padEnd(20)} ${about}`;
  const lines = Object.entries(optionsOf(bench))
    .filter(([name]) => name in ABOUT)
    .map(([name, { full }]) => {
      const usual = full === null || String(full) === '' ? '' : ` (${full})`;
      return line(`--${name} ${Array.isArray(full) ? 'A,B' : 'N'}`, `${ABOUT[name]}${usual}`);
    });
  return [
    `npm run bench -- ${bench.name} [options]`,
    ...lines,
    line('--only A,B', `of ${Object.keys(bench.peers)} (${bench.systems})`),
    line('--short', 'seconds instead of minutes: whether it works, not how fast'),
  ].join('\n');
}
