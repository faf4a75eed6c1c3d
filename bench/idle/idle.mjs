/** Idle: many sessions with one subscription each, and nothing happens. What memory does one of them cost? */
import { median } from '../command/median.mjs';
import { writeResults } from '../command/results.mjs';
import { rowsOf } from '../command/rows.mjs';
import { printTable } from '../command/table.mjs';
import { turns, withServer } from '../command/turns.mjs';
import { drive } from '../load/children.mjs';
import { KEY } from '../peers/key.mjs';
import { readOptions, USAGE } from './options.mjs';

const HOLDER = new URL('./holder.mjs', import.meta.url);
/** Beside the wait: warming up, opening, hearing. */
const OVERHEAD_MS = 180_000;
const MB = 1024 * 1024;

/** @typedef {import('./holder.mjs').Held & {system: string, setting: number, round: number}} IdleRun */
/** Medians of the rounds. @typedef {import('./holder.mjs').Held & {system: string, setting: number, bytesPerSession: number, ratio: number | null}} Row */

/** @type {import('../command/table.mjs').Column<Row>[]} */
const COLUMNS = [
  ['system', (row) => row.system],
  ['sessions', (row) => String(row.setting)],
  ['KB/session', (row) => (row.bytesPerSession / 1024).toFixed(2)],
  ['it ÷ dobby', (row) => row.ratio?.toFixed(2) ?? ''],
  ['MB before', (row) => megabytes(row.beforeBytes)],
  ['MB opened', (row) => megabytes(row.openBytes)],
  ['MB held', (row) => megabytes(row.heldBytes)],
  ['opening s', (row) => (row.openMs / 1000).toFixed(1)],
  ['CPU s held', (row) => row.waitCpu.toFixed(2)],
];

/** @param {number} bytes */
function megabytes(bytes) {
  return (bytes / MB).toFixed(1);
}

/** @param {string[]} args @returns {Promise<number>} the exit code */
export async function idle(args) {
  const options = readOptions(args);
  if (options === null) {
    console.log(USAGE);
    return 0;
  }
  /** @type {IdleRun[]} */
  const runs = [];
  for (const turn of turns(options)) {
    const { system, round, setting } = turn;
    const held = await hold(system, setting, options);
    runs.push({ ...turn, ...held });
    const each = (perSession({ ...turn, ...held }) / 1024).toFixed(2);
    console.log(`round ${round + 1}  ${system}, ${setting} sessions: ${each} KB each`);
  }
  const rows = rowsOf(runs, options, { summarise, compare });
  const { rounds, waitSeconds } = options;
  console.log(
    `\nResident memory of all server processes, ${waitSeconds} s after the last session was opened; median of ${rounds} runs\n`,
  );
  printTable(COLUMNS, rows);
  await writeResults('idle', { options, rows, runs });
  return 0;
}

/** @param {string} system @param {number} sessions @param {import('./options.mjs').IdleOptions} options @returns {Promise<import('./holder.mjs').Held>} */
function hold(system, sessions, { waitSeconds, seed }) {
  return withServer(system, ({ port, pids }, peer) => {
    const waitMs = waitSeconds * 1000;
    const publish = { url: peer.updateUrl, key: KEY };
    const order = { port, pids, dialect: peer.dialect, publish, sessions, waitMs, seed };
    return drive(order, waitMs + OVERHEAD_MS, HOLDER);
  });
}

/** @param {IdleRun[]} runs of one system and number of sessions */
function summarise(runs) {
  /** @param {(run: IdleRun) => number} figure */
  const medianOf = (figure) => median(runs.map(figure));
  return {
    bytesPerSession: medianOf(perSession),
    beforeBytes: medianOf((run) => run.beforeBytes),
    openBytes: medianOf((run) => run.openBytes),
    heldBytes: medianOf((run) => run.heldBytes),
    openMs: medianOf((run) => run.openMs),
    waitCpu: medianOf((run) => run.waitCpu),
  };
}

function compare(row, dobby) {
  return { ratio: dobby === undefined ? null : row.bytesPerSession / dobby.bytesPerSession };
}

/** @param {IdleRun} run */
function perSession({ heldBytes, beforeBytes, setting }) {
  return (heldBytes - beforeBytes) / setting;
}
