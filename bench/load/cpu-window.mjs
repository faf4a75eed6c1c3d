/** CPU time of a window: what the server used, and what neither it nor the load generator did. */
import { nowMs } from './clock.mjs';
import { cpuSeconds, machineSeconds } from './cpu.mjs';

export class CpuWindow {
  #pids;
  #serverBefore;
  #serverOfGone = 0;
  #machineBefore = machineSeconds();
  #ownBefore = process.cpuUsage();
  #beganMs = nowMs();

  /** Begins. @param {number[]} pids of the server */
  constructor(pids) {
    this.#pids = pids;
    this.#serverBefore = cpuSeconds(pids);
  }

  /** The server is about to end: what it has used is noted, as long as it can be read. */
  leave() {
    this.#serverOfGone += cpuSeconds(this.#pids) - this.#serverBefore;
    this.#pids = [];
    this.#serverBefore = 0;
  }

  /** Another server has taken its place. @param {number[]} pids */
  follow(pids) {
    this.#pids = pids;
  }

  /** @param {number} generatorCpu seconds of the load generator's other processes @returns {{serverCpu: number, othersShare: number}} seconds, and a share of one core */
  end(generatorCpu) {
    const serverCpu = this.#serverOfGone + cpuSeconds(this.#pids) - this.#serverBefore;
    const own = process.cpuUsage(this.#ownBefore);
    const generator = generatorCpu + (own.user + own.system) / 1e6;
    const others = machineSeconds() - this.#machineBefore - serverCpu - generator;
    return { serverCpu, othersShare: Math.max(0, others) / ((nowMs() - this.#beganMs) / 1000) };
  }
}
