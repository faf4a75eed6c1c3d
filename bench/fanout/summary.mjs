/** From runs to rows: medians of rates, merged samples of times, ratios, and what keeps a ratio from counting. */
import { median } from '../command/median.mjs';
import { othersShareOf } from '../command/noise.mjs';
import { rowsOf } from '../command/rows.mjs';
import { Samples } from '../load/latency.mjs';

/** A ratio counts only while Dobby's own updates arrive within this. */
export const MAX_P99_MS = 50;
/** A reader that was this busy, before a server that used less than this of its core, was the bottleneck. */
const SATURATED = 0.9;

/**
 * @typedef {object} Row
 * @property {string} system
 * @property {import('../command/measure.mjs').Setting} setting
 * @property {number} updatesPerSecond medians of the runs, like all rates
 * @property {number} deliveriesPerSecond
 * @property {number} lost deliveries that never came, of all runs together; always 0 for Dobby
 * @property {number} deliveriesPerCpuSecond of the whole server process
 * @property {[number, number]} range lowest and highest of the runs
 * @property {number} serverShare of one core
 * @property {number | null} ratio Dobby's deliveries per CPU-second divided by this system's
 * @property {boolean} counts whether the ratio may be quoted
 * @property {number | null} p50Ms of all deliveries of all runs
 * @property {number | null} p99Ms
 * @property {number} generatorCpu seconds a run
 * @property {number} generatorMicros CPU of the generator for each delivery, in µs
 * @property {number} readerBusy share of its time that the reading thread's event loop was busy, the highest of the runs
 * @property {boolean} isGeneratorBound
 * @property {number} othersShare of one core that other processes took, the highest of the runs
 */

/** @param {import('../command/measure.mjs').Run[]} runs @param {import('./options.mjs').FanoutOptions} options @returns {Row[]} */
export function summarise(runs, options) {
  return rowsOf(runs, options, { summarise: summariseOne, compare });
}

function compare(row, dobby) {
  if (dobby === undefined) return { ratio: null, counts: false };
  const counts = dobby.p99Ms !== null && dobby.p99Ms <= MAX_P99_MS;
  return { ratio: dobby.deliveriesPerCpuSecond / row.deliveriesPerCpuSecond, counts };
}

/**
 * @param {import('../command/measure.mjs').Run[]} runs of one system in one setting
 * @returns {Omit<Row, 'system' | 'setting' | 'ratio' | 'counts'>}
 */
function summariseOne(runs) {
  const samples = Samples.of(runs);
  const rates = runs.map((run) => run.deliveries / run.serverCpu);
  const medianOf = (figure) => median(runs.map(figure));
  const readerBusy = Math.max(...runs.map((run) => run.generator.readerBusy));
  return {
    updatesPerSecond: medianOf((run) => run.updates / (run.publishMs / 1000)),
    deliveriesPerSecond: medianOf((run) => run.deliveries / (run.deliverMs / 1000)),
    lost: runs.reduce((sum, run) => sum + run.lost, 0),
    deliveriesPerCpuSecond: median(rates),
    range: [Math.min(...rates), Math.max(...rates)],
    serverShare: medianOf((run) => run.serverCpu / (run.deliverMs / 1000)),
    p50Ms: samples.quantile(0.5),
    p99Ms: samples.quantile(0.99),
    generatorCpu: medianOf((run) => run.generator.cpu),
    generatorMicros: medianOf((run) => (run.generator.cpu / run.deliveries) * 1e6),
    readerBusy,
    othersShare: othersShareOf(runs),
    isGeneratorBound: runs.some(isGeneratorBound),
  };
}

/** Whether the generator held the server back in this run. @param {import('../command/measure.mjs').Run} run */
function isGeneratorBound({ generator, serverCpu, deliverMs }) {
  const seconds = deliverMs / 1000;
  const reader = Math.max(generator.readerBusy, generator.readerCpu / seconds);
  return reader > SATURATED && serverCpu / seconds < SATURATED;
}
