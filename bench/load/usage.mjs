/** What a run costs, as the kernel counts it: the server, what stands behind it, the load generator, and all other processes. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** Returns milliseconds since boot: monotonic, and the same in every thread and process of the machine. */
export function nowMs() {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}

/** Returns utime and stime of a stat file, in seconds. */
function secondsIn(file) {
  const stat = readFileSync(file, 'utf8');
  // The command name in brackets may hold spaces: fields are counted after it. utime and stime are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Returns seconds of CPU that these processes have used, all threads. @param {number[]} pids */
export function cpuSeconds(pids) {
  return pids.reduce((sum, pid) => sum + secondsIn(`/proc/${pid}/stat`), 0);
}

/** Returns seconds of CPU that the machine has used, all cores together, time stolen from it included. */
function machineSeconds() {
  const line = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0].trim();
  const [user, nice, system, _idle, _waiting, irq, softirq, steal] = line.split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND;
}

/** Returns bytes of memory that these processes hold (RSS); what two of them share counts twice. @param {number[]} pids */
export function residentBytes(pids) {
  return pids.reduce((sum, pid) => {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    return sum + Number(/^Rss: +(\d+) kB$/m.exec(rollup)?.[1]) * 1024;
  }, 0);
}

/** What this process uses from now on. @returns {() => {cpu: number, busy: number}} seconds, and a share */
export function ownUsage() {
  const [cpuBefore, busyBefore] = [process.cpuUsage(), performance.eventLoopUtilization()];
  return () => {
    const { user, system } = process.cpuUsage(cpuBefore);
    return { cpu: (user + system) / 1e6, busy: performance.eventLoopUtilization(busyBefore).utilization };
  };
}

/** A window in which the server's processes may be replaced. */
export class Usage {
  #pids;
  #before;
  #ofGone = 0;
  #backEndPids;
  #backEndBefore;
  #machineBefore = machineSeconds();
  #own = ownUsage();
  #beganMs = nowMs();

  /** Begins. @param {number[]} pids of the server @param {number[]} [backEndPids] of what stands behind it */
  constructor(pids, backEndPids = []) {
    this.#pids = pids;
    this.#before = cpuSeconds(pids);
    this.#backEndPids = backEndPids;
    this.#backEndBefore = cpuSeconds(backEndPids);
  }

  /** Notes what the server has used: it is about to end. */
  leave() {
    this.#ofGone += cpuSeconds(this.#pids) - this.#before;
    this.#pids = [];
    this.#before = 0;
  }

  /** Counts a server that has taken its place. @param {number[]} pids */
  follow(pids) {
    this.#pids = pids;
  }

  /** Ends; all in seconds but `elapsedMs`. @param {ReturnType<ReturnType<typeof ownUsage>>} reader what the process of the clients has used */
  end(reader) {
    const serverCpu = this.#ofGone + cpuSeconds(this.#pids) - this.#before;
    const backEndCpu = cpuSeconds(this.#backEndPids) - this.#backEndBefore;
    const cpu = reader.cpu + this.#own().cpu;
    const known = serverCpu + backEndCpu + cpu;
    return {
      serverCpu,
      backEndCpu,
      othersCpu: Math.max(0, machineSeconds() - this.#machineBefore - known),
      elapsedMs: nowMs() - this.#beganMs,
      generator: { cpu, readerCpu: reader.cpu, readerBusy: reader.busy },
    };
  }
}
