/** What the benches' command lines have in common: numbers, lists of them, systems, `--short` and `--help`. */
import { parseArgs } from 'node:util';
import { Fault } from '../load/fault.mjs';
import { PEERS } from '../peers/table.mjs';

/** Names of all peers. */
export const SYSTEMS = Object.keys(PEERS);

/** The values of a command line. */
export class Options {
  #values;

  /**
   * @param {string[]} args
   * @param {string[]} names that take a value, beside `--only`; all take `--short` and `--help`
   */
  constructor(args, names) {
    const text = { type: /** @type {const} */ ('string') };
    const flag = { type: /** @type {const} */ ('boolean') };
    const valued = Object.fromEntries([...names, 'only'].map((name) => [name, text]));
    /** @type {Record<string, string | boolean | undefined>} */
    this.#values = parseArgs({ args, options: { ...valued, short: flag, help: flag } }).values;
  }

  get isHelp() {
    return this.#values.help === true;
  }

  get isShort() {
    return this.#values.short === true;
  }

  /** A whole number from 1. @param {string} name @param {number} otherwise */
  whole(name, otherwise) {
    return this.wholes(name, [otherwise])[0];
  }

  /** Whole numbers from 1, with commas between. @template T @param {string} name @param {T} otherwise @returns {number[] | T} */
  wholes(name, otherwise) {
    const text = this.#values[name];
    if (text === undefined) return otherwise;
    return String(text)
      .split(',')
      .map((each) => {
        const value = Number(each);
        if (Number.isInteger(value) && value > 0) return value;
        throw new Fault('options', `--${name} takes whole numbers from 1, not ${text}`);
      });
  }

  /**
   * The systems named by `--only`, else those of `names` that can run here; what is left out is said.
   * @param {string[]} [names]
   */
  systems(names = SYSTEMS.filter((name) => PEERS[name].isCompared)) {
    const only = this.#values.only;
    if (only === undefined) return names.filter((name) => isReady(name));
    const asked = String(only).split(',');
    const unknown = asked.find((name) => !(name in PEERS));
    if (unknown !== undefined) throw new Fault('options', `--only: there is no system ${unknown}`);
    const missing = asked.flatMap((name) => PEERS[name].missing() ?? []);
    if (missing.length > 0) throw new Fault('unready', missing.join('\n'));
    return asked;
  }
}

function isReady(name) {
  const missing = PEERS[name].missing();
  if (missing === null) return true;
  if (name === 'dobby') throw new Fault('unready', missing);
  console.log(`Without ${name}: ${missing}`);
  return false;
}
