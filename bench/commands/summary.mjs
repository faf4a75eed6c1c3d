/** From runs to rows: medians of rates, merged samples of times, ratios, and what Dobby has to reach. */
import { median } from '../command/median.mjs';
import { othersShareOf } from '../command/noise.mjs';
import { rowsOf } from '../command/rows.mjs';
import { MAX_P99_MS } from '../fanout/summary.mjs';
import { Samples } from '../load/latency.mjs';

/** A generator that was this busy, before a server that used less than this of its core, was the bottleneck. */
const SATURATED = 0.9;
/** Modules make at least so many times the round trips of Socket.IO. */
const LEAST_RATIO = 1;

/**
 * @typedef {object} Row
 * @property {string} system
 * @property {number} setting clients
 * @property {number} callsPerSecond medians of the runs, like all rates
 * @property {number} callsPerCpuSecond of the server alone
 * @property {[number, number]} range lowest and highest of the runs
 * @property {number | null} callsPerCpuSecondOfAll with what stands behind the server, if anything does
 * @property {number | null} ratio Dobby's round trips per CPU-second divided by this system's
 * @property {boolean} counts whether the ratio may be quoted
 * @property {number} p50Ms of all round trips of all runs
 * @property {number} p99Ms
 * @property {number} serverShare of one core
 * @property {number} generatorCpu seconds a run
 * @property {number} generatorMicros CPU of the generator for each round trip, in µs
 * @property {number} generatorBusy share of its time that its event loop was busy, the highest of the runs
 * @property {boolean} isGeneratorBound
 * @property {number} othersShare of one core that other processes took, the highest of the runs
 */

/** @typedef {import('./commands.mjs').Run} Run */

/** @param {Run[]} runs @param {import('./options.mjs').CommandsOptions} options @returns {Row[]} */
export function summarise(runs, options) {
  return rowsOf(runs, options, { summarise: summariseOne, compare });
}

function compare(row, dobby) {
  if (dobby === undefined) return { ratio: null, counts: false };
  return { ratio: dobby.callsPerCpuSecond / row.callsPerCpuSecond, counts: dobby.p99Ms <= MAX_P99_MS };
}

/** @param {Run[]} runs of one system in one setting */
function summariseOne(runs) {
  const samples = Samples.of(runs);
  const rates = runs.map((run) => run.calls / run.serverCpu);
  const medianOf = (figure) => median(runs.map(figure));
  const hasBackEnd = runs.some((run) => run.backEndCpu > 0);
  return {
    callsPerSecond: medianOf((run) => run.calls / (run.deliverMs / 1000)),
    callsPerCpuSecond: median(rates),
    range: /** @type {[number, number]} */ ([Math.min(...rates), Math.max(...rates)]),
    callsPerCpuSecondOfAll: hasBackEnd
      ? medianOf((run) => run.calls / (run.serverCpu + run.backEndCpu))
      : null,
    p50Ms: samples.quantile(0.5) ?? 0,
    p99Ms: samples.quantile(0.99) ?? 0,
    serverShare: medianOf((run) => run.serverCpu / (run.deliverMs / 1000)),
    generatorCpu: medianOf((run) => run.generator.cpu),
    generatorMicros: medianOf((run) => (run.generator.cpu / run.calls) * 1e6),
    generatorBusy: Math.max(...runs.map((run) => run.generator.readerBusy)),
    othersShare: othersShareOf(/** @type {any} */ (runs)),
    isGeneratorBound: runs.some(isGeneratorBound),
  };
}

/** Whether the generator held the server back in this run: all that was asked waited for it. @param {Run} run */
function isGeneratorBound({ generator, serverCpu, backEndCpu, elapsedMs }) {
  const seconds = elapsedMs / 1000;
  const busy = Math.max(generator.readerBusy, generator.readerCpu / seconds);
  return busy > SATURATED && Math.max(serverCpu, backEndCpu) / seconds < SATURATED;
}

/** @param {Row[]} rows @returns {import('../command/bars.mjs').Bar[]} */
export function barsOf(rows) {
  return rows
    .filter(({ system, ratio }) => system === 'socketio' && ratio !== null)
    .map(({ setting, ratio, counts }) => ({
      claim: `modules at least ${LEAST_RATIO.toFixed(1)} times Socket.IO's acknowledgements per CPU-second, ${setting} clients`,
      isMet: counts && (ratio ?? 0) >= LEAST_RATIO,
      found: `${(ratio ?? 0).toFixed(2)}${counts ? '' : ', which does not count'}`,
      isPromise: false,
    }));
}
