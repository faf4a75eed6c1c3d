/**
 * When each client of a crowd is gone: after times online that have no memory (exponential, with one mean), as connections break that
 * nobody ends. Were they all alike, who goes next would be who has been connected longest, and a server that serves in
 * the order of connecting would reach just those first.
 */

/** A client that goes before it is back, or is back for a moment, tells nothing of the server. */
const LEAST_ONLINE_MS = 250;

/**
 * The times at which one client goes, so that it is back by `untilMs`: the same in every run.
 * @param {number} index of the client
 * @param {{startMs: number, everyMs: number, offMs: number, untilMs: number}} outages where `everyMs` is the mean time from one to the next
 * @returns {number[]} in rising order
 */
export function outageTimes(index, { startMs, everyMs, offMs, untilMs }) {
  const times = [];
  let fromMs = startMs;
  for (let n = 0; ; n++) {
    fromMs += LEAST_ONLINE_MS - Math.log(1 - evenly(index, n)) * (everyMs - offMs - LEAST_ONLINE_MS);
    if (fromMs + offMs > untilMs) return times;
    times.push(fromMs);
    fromMs += offMs;
  }
}

/** Evenly spread in [0, 1): the final mix of MurmurHash3. */
function evenly(index, n) {
  let hash = Math.imul(index + 1, 0x9e3779b1) ^ Math.imul(n + 1, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
