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
   * @param {string[]} [flags] that take none, beside these
   */
  constructor(args, names, flags = []) {
    const text = { type: /** @type {const} */ ('string') };
    const flag = { type: /** @type {const} */ ('boolean') };
    const valued = Object.fromEntries([...names, 'only'].map((name) => [name, text]));
    const bare = Object.fromEntries([...flags, 'short', 'help'].map((name) => [name, flag]));
    /** @type {Record<string, string | boolean | undefined>} */
    this.#values = parseArgs({ args, options: { ...valued, ...bare } }).values;
  }

  get isHelp() {
    return this.#values.help === true;
  }

  get isShort() {
    return this.#values.short === true;
  }

  /** Whether a flag was given. @param {string} name */
  has(name) {
    return this.#values[name] === true;
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
   * @param {Record<string, {missing: () => string | null}>} [peers] the table that they stand in
   */
  systems(names = SYSTEMS.filter((name) => PEERS[name].isCompared), peers = PEERS) {
    const only = this.#values.only;
    if (only === undefined) return names.filter((name) => isReady(name, peers));
    const asked = String(only).split(',');
    const unknown = asked.find((name) => !(name in peers));
    if (unknown !== undefined) throw new Fault('options', `--only: there is no system ${unknown}`);
    const missing = asked.flatMap((name) => peers[name].missing() ?? []);
    if (missing.length > 0) throw new Fault('unready', missing.join('\n'));
    return asked;
  }
}

function isReady(name, peers) {
  const missing = peers[name].missing();
  if (missing === null) return true;
  if (name === 'dobby') throw new Fault('unready', missing);
  console.log(`Without ${name}: ${missing}`);
  return false;
}
