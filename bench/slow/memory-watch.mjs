/** The memory of a server's processes over time, once a second. */
import { nowMs } from '../load/clock.mjs';
import { residentBytes } from '../load/memory.mjs';

const EVERY_MS = 1_000;

export class MemoryWatch {
  /** @type {{atMs: number, bytes: number}[]} */
  samples = [];
  #pids;
  #timer;

  /** Begins. @param {number[]} pids */
  constructor(pids) {
    this.#pids = pids;
    this.look();
    this.#timer = setInterval(() => this.look(), EVERY_MS);
  }

  /** Takes one more sample now. @returns {number} bytes */
  look() {
    const bytes = residentBytes(this.#pids);
    this.samples.push({ atMs: nowMs(), bytes });
    return bytes;
  }

  /** The most that was held. */
  get most() {
    return Math.max(...this.samples.map(({ bytes }) => bytes));
  }

  stop() {
    clearInterval(this.#timer);
  }
}
