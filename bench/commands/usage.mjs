/** What a measured window costs: the server, what stands behind it, the load generator, and everybody else on the machine. */
import { performance } from 'node:perf_hooks';
import { nowMs } from '../load/clock.mjs';
import { cpuSeconds, machineSeconds, mainThreadSeconds } from '../load/cpu.mjs';

/**
 * Begins a window in the load generator's process.
 * @param {{pids: number[], backEndPids: number[]}} server
 * @returns {() => {serverCpu: number, backEndCpu: number, othersCpu: number, elapsedMs: number, generator: {cpu: number, readerCpu: number, readerBusy: number}}}
 *   ends it; seconds, and a share from 0 to 1
 */
export function beginUsage({ pids, backEndPids }) {
  const startMs = nowMs();
  const machine = machineSeconds();
  const server = cpuSeconds(pids);
  const backEnd = cpuSeconds(backEndPids);
  const reader = mainThreadSeconds();
  const own = process.cpuUsage();
  const busy = performance.eventLoopUtilization();
  return () => {
    const used = process.cpuUsage(own);
    const cpu = (used.user + used.system) / 1e6;
    const serverCpu = cpuSeconds(pids) - server;
    const backEndCpu = cpuSeconds(backEndPids) - backEnd;
    return {
      serverCpu,
      backEndCpu,
      othersCpu: Math.max(0, machineSeconds() - machine - serverCpu - backEndCpu - cpu),
      elapsedMs: nowMs() - startMs,
      generator: {
        cpu,
        readerCpu: mainThreadSeconds() - reader,
        readerBusy: performance.eventLoopUtilization(busy).utilization,
      },
    };
  };
}
