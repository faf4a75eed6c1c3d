/**
 * Which transport to try. The rule, in one place:
 *
 * - Transports are tried in their order. One that has never opened here is left after one failure, for
 *   the next at once; one that has opened before is left only after three in a row, because then it is
 *   more likely that the server is away.
 * - After the last comes the first again: a dead server must not be mistaken for a broken transport.
 *   Having gone round once, every further try waits like any reconnect.
 * - A failure to which Dobby itself answered says nothing against the transport.
 * - While a lesser transport is in use the better ones are tried beside it, after a minute, then two,
 *   four, ... up to half an hour. What is in use goes on until the better one has opened.
 */

const PATIENCE = 3;
const FIRST_PROBE_MS = 60_000;
const LAST_PROBE_MS = 30 * 60_000;

/** The order of transports and what is known of them. */
export class Ladder<Rung> {
  readonly #rungs: readonly Rung[];
  readonly #proven = new Set<Rung>();
  #at = 0;
  #failures = 0;
  #hasGoneRound = false;
  #probes = 0;

  /** `rungs`: best first, at least one. */
  constructor(rungs: readonly Rung[]) {
    this.#rungs = rungs;
  }

  /** The transport to try. */
  get current(): Rung {
    return this.#rungs[this.#at] as Rung;
  }

  /** `rung` has opened. */
  opened(rung: Rung): void {
    const at = this.#rungs.indexOf(rung);
    if (at < this.#at) this.#probes = 0;
    this.#at = at;
    this.#proven.add(rung);
    this.#failures = 0;
    this.#hasGoneRound = false;
  }

  /** The current transport did not open; says whether to try the next one at once. */
  failed(): boolean {
    const patience = this.#proven.has(this.current) ? PATIENCE : 1;
    if (++this.#failures < patience) return false;
    this.#failures = 0;
    this.#at = (this.#at + 1) % this.#rungs.length;
    if (this.#at === 0) this.#hasGoneRound = true;
    return !this.#hasGoneRound;
  }

  /** A better transport to try beside the one in use, and when; null when the best is in use. */
  nextProbe(): { readonly rung: Rung; readonly afterMs: number } | null {
    if (this.#at === 0) return null;
    const rung = this.#rungs[this.#probes % this.#at] as Rung;
    const afterMs = Math.min(LAST_PROBE_MS, FIRST_PROBE_MS * 2 ** this.#probes++);
    return { rung, afterMs };
  }
}
