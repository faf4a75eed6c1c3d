/** The command line of a bench, from its table of options. */
import { parseArgs } from 'node:util';
import { Fault } from '../load/fault.mjs';

/**
 * An option; its kind follows from `full`: a whole number from 1 (null: the bench knows better), several, or, with `of`, words.
 * @typedef {object} Option
 * @property {string} [about] an option without it is fixed
 * @property {number | number[] | string[] | null} full
 * @property {number | number[] | string[] | null} [short] with `--short`
 * @property {readonly string[]} [of] the words that it takes
 */

/** @type {Record<string, Option>} */
const COMMON = {
  rounds: { about: 'runs of each system and setting', full: 5, short: 1 },
  seed: { about: "of the messages' content", full: 1 },
};

/** @param {import('./course.mjs').Bench} bench */
const optionsOf = (bench) => ({ ...COMMON, ...bench.options });

/** Returns the values of a command line, and the `systems` to run. Null when only help was asked for. @param {import('./course.mjs').Bench} bench */
export function readOptions(bench, args) {
  const table = optionsOf(bench);
  const named = Object.keys(table).filter((name) => table[name].about !== undefined);
  const valued = Object.fromEntries([...named, 'only'].map((name) => [name, { type: 'string' }]));
  const flags = { short: { type: 'boolean' }, help: { type: 'boolean' } };
  const { values } = parseArgs({ args, options: /** @type {any} */ ({ ...valued, ...flags }) });
  if (values['help']) return null;
  const read = Object.entries(table).map(([name, option]) => {
    const { full, short = full } = option;
    const text = values[name];
    return [name, text === undefined ? (values['short'] ? short : full) : parsed(name, option, String(text))];
  });
  return { ...Object.fromEntries(read), systems: systemsOf(bench, values['only']) };
}

function parsed(name, { full, of }, text) {
  const parts = text.split(',').map((part) => (of === undefined ? Number(part) : part));
  const isSound = (part) => (of === undefined ? Number.isInteger(part) && part > 0 : of.includes(part));
  const isMany = Array.isArray(full);
  if (parts.every(isSound) && (isMany || parts.length === 1)) return isMany ? parts : parts[0];
  const due = of === undefined ? `${isMany ? 'whole numbers' : 'a whole number'} from 1` : of.join(', ');
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
  const lines = Object.entries(optionsOf(bench))
    .filter(([, { about }]) => about !== undefined)
    .map(([name, { about, full }]) => {
      const value = Array.isArray(full) ? 'A,B' : 'N';
      return `  ${`--${name} ${value}`.padEnd(20)} ${about}${full === null || String(full) === '' ? '' : ` (${full})`}`;
    });
  const systems = `  ${'--only A,B'.padEnd(20)} of ${Object.keys(bench.peers)} (${bench.systems})`;
  const short = `  ${'--short'.padEnd(20)} seconds instead of minutes: whether it works, not how fast`;
  return [`npm run bench -- ${bench.name} [options]`, ...lines, systems, short].join('\n');
}
