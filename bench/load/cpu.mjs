/** CPU time as the kernel counts it, of whole processes (all threads, living and ended) and of single threads. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** utime + stime of a stat file, in seconds. @param {string} file */
function secondsIn(file) {
  const stat = readFileSync(file, 'utf8');
  // The command name in brackets may hold spaces: fields are counted after it. utime and stime are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Seconds of CPU, user and system, that these processes have used. @param {number[]} pids */
export function cpuSeconds(pids) {
  return pids.reduce((sum, pid) => sum + secondsIn(`/proc/${pid}/stat`), 0);
}

/** Seconds of CPU that the whole machine has used, all cores together, time stolen from it included. */
export function machineSeconds() {
  const line = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0];
  const [user, nice, system, _idle, _waiting, irq, softirq, steal] = line
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND;
}

/** Seconds of CPU of this process's main thread. */
export function mainThreadSeconds() {
  return secondsIn(`/proc/self/task/${process.pid}/stat`);
}
