/**
 * Which transport to try. The rule, in one place:
 *
 * - Transports are tried in their order. One that has never opened here is left after one failure, for
 *   the next at once; one that has opened before is left only after three in a row, because then it is
 *   more likely that the server is away.
 * - After the last comes the first again: a dead server must not be mistaken for a broken transport.
 *   Having gone round once, every further try waits like any reconnect.
 * - A failure to which Dobby itself answered says nothing against the transport.
 * - One that opens and then falls silent within some minutes, three times in a row, is left for the next.
 *   From then on one such silence is enough, until a connection over it has lasted.
 * - While a lesser transport is in use the better ones are probed beside it, after a minute, then two,
 *   four, ... up to half an hour. What is in use goes on until the better one has proved itself.
 */

const PATIENCE = 3;
/** A connection that lasted so long before it fell silent says nothing against its transport. */
const LASTING_MS = 5 * 60_000;
const FIRST_PROBE_MS = 60_000;
const LAST_PROBE_MS = 30 * 60_000;

/** The order of transports and what is known of them. */
export class Ladder<Rung> {
  readonly #rungs: readonly Rung[];
  readonly #proven = new Set<Rung>();
  /** Silences in a row. */
  readonly #silences = new Map<Rung, number>();
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
    // One that has fallen silent before may do so again: the waits between probes go on growing.
    if (at < this.#at && !this.#isSuspect(rung)) this.#probes = 0;
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

  /** A connection over `rung` has ended; `isSilent` if nothing came any more, in one direction or both. */
  ended(rung: Rung, lastedMs: number, isSilent: boolean): void {
    if (lastedMs >= LASTING_MS) this.#silences.delete(rung);
    else if (isSilent) this.#silences.set(rung, (this.#silences.get(rung) ?? 0) + 1);
    const next = this.#rungs.indexOf(rung) + 1;
    if (isSilent && this.#isSuspect(rung) && next < this.#rungs.length) this.#at = next;
  }

  /** A better transport to probe beside the one in use, and when; null when the best is in use. */
  get nextProbe(): { readonly rung: Rung; readonly afterMs: number } | null {
    if (this.#at === 0) return null;
    const rung = this.#rungs[this.#probes % this.#at] as Rung;
    return { rung, afterMs: Math.min(LAST_PROBE_MS, FIRST_PROBE_MS * 2 ** this.#probes) };
  }

  /** The probe has begun: the next one comes later. */
  probing(): void {
    this.#probes++;
  }

  #isSuspect(rung: Rung): boolean {
    return (this.#silences.get(rung) ?? 0) >= PATIENCE;
  }
}
