/** What Dobby has to reach in a bench, and whether it did. */

/**
 * One claim about a run. A promise that is broken fails the bench; what only compares speed does not.
 * @typedef {{claim: string, isMet: boolean, found: string, isPromise?: boolean}} Bar
 */

/** Prints them. @param {Bar[]} bars @returns {boolean} whether every promise is kept */
export function printBars(bars) {
  for (const { claim, isMet, found } of bars)
    console.log(`${isMet ? 'met    ' : 'NOT MET'}  ${claim}: ${found}`);
  if (bars.length > 0) console.log('');
  return bars.every(({ isMet, isPromise = true }) => isMet || !isPromise);
}

/** A bar of something that must not happen. @param {string} claim @param {number} count @returns {Bar} */
export function none(claim, count) {
  return { claim: `no ${claim}`, isMet: count === 0, found: String(count) };
}

/** Milliseconds as text; what never came took for ever. @param {number | null} ms */
export function milliseconds(ms) {
  if (ms === null) return '';
  return ms === Number.POSITIVE_INFINITY ? '∞' : ms.toFixed(ms < 100 ? 1 : 0);
}
