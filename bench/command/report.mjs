/** What reports have in common: tables, bars, notes, and the figures of a measured window. */
import { Samples } from '../load/samples.mjs';

/**
 * One claim about a row. A promise that is broken fails the bench; what only compares speed does not.
 * @typedef {{claim: string, isMet: boolean, found: string, isPromise?: boolean}} Bar
 */

/** A ratio counts only while Dobby's own p99 is within this. */
export const MAX_P99_MS = 50;
/** A generator that was this busy, before a server that used less than this of its core, was the bottleneck. */
export const SATURATED = 0.9;
/** More than this share of a core, and times and rates per second are not the server's alone. */
export const NOISY = 0.2;

/** What the marks in tables mean, with the rows that have them. @type {[(row: any) => boolean, string][]} */
const NOTES = [
  [
    ({ counts, p99Ms }) => counts === false || p99Ms > MAX_P99_MS,
    `* p99 over ${MAX_P99_MS} ms; at a ratio: that of dobby, so the ratio does not count`,
  ],
  [
    ({ othersShare }) => othersShare > NOISY,
    '~ other processes took part of the cores in at least one of these runs: run again when it is quiet',
  ],
  [
    ({ isGeneratorBound }) => isGeneratorBound === true,
    "! the load generator was the bottleneck: rates per second and times may be its own, not the server's",
  ],
];

/** Prints rows, and what their marks mean. @param {[string, (row: any) => string][]} columns @param {object[]} rows */
export function printTable(columns, rows) {
  const cells = [columns.map(([title]) => title), ...rows.map((row) => columns.map(([, text]) => text(row)))];
  const widths = columns.map((_, column) => Math.max(...cells.map((line) => line[column].length)));
  for (const line of cells) {
    const padded = line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])));
    console.log(padded.join('  '));
  }
  console.log('');
  for (const [isNoted, text] of NOTES) if (rows.some(isNoted)) console.log(text);
}

/** Prints bars. @param {Bar[]} bars @returns {boolean} whether every promise is kept */
export function printBars(bars) {
  for (const { claim, isMet, found } of bars)
    console.log(`${isMet ? 'met    ' : 'NOT MET'}  ${claim}: ${found}`);
  return bars.every(({ isMet, isPromise = true }) => isMet || !isPromise);
}

/** Returns a number in at most five characters. @param {number} value */
export function short(value) {
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)}M`;
  return value >= 10_000 ? `${Math.round(value / 1000)}k` : String(Math.round(value));
}

/** Returns a share from 0 to 1 as text. @param {number} part */
export function percent(part) {
  return `${Math.round(part * 100)} %`;
}

/** Returns how much of what was due came, never rounded up to 100 %. @param {{delivered: number, expected: number}} deliveries */
export function share({ delivered, expected }) {
  if (delivered === expected) return '100 %';
  return `${(Math.floor((delivered / expected) * 100_000) / 1000).toFixed(3)} %`;
}

/** Returns milliseconds as text; what never came took for ever. @param {number | null} ms */
export function milliseconds(ms) {
  if (ms === null) return '';
  return ms === Number.POSITIVE_INFINITY ? '∞' : ms.toFixed(ms < 100 ? 1 : 0);
}

/** Returns the middle of what rounds gave. @param {number[]} values at least one */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Returns a quantile of the merged samples of runs. @param {any[]} runs @param {number} fraction */
export function quantile(runs, fraction) {
  return Samples.of(runs.map(({ samples }) => samples)).quantile(fraction) ?? 0;
}

const rangeOf = (values) => [Math.min(...values), Math.max(...values)];
const secondsOf = ({ elapsedMs }) => elapsedMs / 1000;

/** Whether the generator held the server back. */
function isGeneratorBound(run) {
  const busy = Math.max(run.generator.readerBusy, run.generator.readerCpu / secondsOf(run));
  return busy > SATURATED && Math.max(run.serverCpu, run.backEndCpu) / secondsOf(run) < SATURATED;
}

/** Returns the figures of measured windows: medians of rates, merged samples of times; `count` is of deliveries, or of answers. */
export function summariseWindows(runs) {
  const rates = runs.map(({ count, serverCpu }) => count / serverCpu);
  const medianOf = (figure) => median(runs.map(figure));
  return {
    updatesPerSecond: medianOf(({ updates = 0, publishMs = 1 }) => updates / (publishMs / 1000)),
    perSecond: medianOf(({ count, deliverMs }) => count / (deliverMs / 1000)),
    perCpuSecond: median(rates),
    perCpuSecondRange: rangeOf(rates),
    perCpuSecondOfAll: medianOf(({ count, serverCpu, backEndCpu }) => count / (serverCpu + backEndCpu)),
    hasBackEnd: runs.some(({ backEndCpu }) => backEndCpu > 0),
    lost: runs.reduce((sum, { lost = 0 }) => sum + lost, 0),
    disordered: runs.reduce((sum, { disordered = 0 }) => sum + disordered, 0),
    p50Ms: quantile(runs, 0.5),
    p50RangeMs: rangeOf(runs.map((run) => quantile([run], 0.5))),
    p99Ms: quantile(runs, 0.99),
    serverShare: medianOf((run) => run.serverCpu / secondsOf(run)),
    generatorCpu: medianOf(({ generator }) => generator.cpu),
    generatorMicros: medianOf(({ generator, count }) => (generator.cpu / count) * 1e6),
    generatorBusy: Math.max(...runs.map(({ generator }) => generator.readerBusy)),
    isGeneratorBound: runs.some(isGeneratorBound),
    othersShare: othersShareOf(runs),
  };
}

/** Returns the share of one core that neither server nor generator used, the highest of the runs. */
export function othersShareOf(runs) {
  return Math.max(...runs.map((run) => run.othersCpu / secondsOf(run)));
}

/** Returns how Dobby compares: above 1 does more with a CPU-second, below 1 is sooner. */
export function compareWindows(row, dobby) {
  return {
    ratio: dobby.perCpuSecond / row.perCpuSecond,
    counts: dobby.p99Ms <= MAX_P99_MS,
    p50Ratio: dobby.p50Ms / row.p50Ms,
    p99Ratio: dobby.p99Ms / row.p99Ms,
  };
}
