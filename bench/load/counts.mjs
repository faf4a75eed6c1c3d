/** Counts by name, as several clients or processes give them. */

/** Sums of what is counted under the same names. @param {Record<string, number>[]} all @returns {Record<string, number>} */
export function countAll(all) {
  /** @type {Record<string, number>} */
  const sums = {};
  for (const counts of all) {
    for (const [name, count] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + count;
  }
  return sums;
}
