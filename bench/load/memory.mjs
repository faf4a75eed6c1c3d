/** Memory as the kernel counts it. */
import { readFileSync } from 'node:fs';

/** Bytes of memory that these processes hold, page by page (RSS); what two of them share counts twice. @param {number[]} pids */
export function residentBytes(pids) {
  return pids.reduce((sum, pid) => {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    return sum + Number(/^Rss: +(\d+) kB$/m.exec(rollup)?.[1]) * 1024;
  }, 0);
}
