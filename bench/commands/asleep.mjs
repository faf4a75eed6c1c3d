/** What commands of a session that are asleep cost its other commands, and those of others: windows with and without them by turns. */
import { printBars } from '../command/bars.mjs';
import { median } from '../command/median.mjs';
import { OTHERS_COLUMN, othersShareOf, warnOfOthers } from '../command/noise.mjs';
import { writeResults } from '../command/results.mjs';
import { percent, printTable } from '../command/table.mjs';
import { turns, withPeer } from '../command/turns.mjs';
import { drive } from '../load/children.mjs';
import { Samples } from '../load/latency.mjs';
import { COMMAND_PEERS } from '../peers/command-table.mjs';

const DRIVER = new URL('./asleep-driver.mjs', import.meta.url);
const MESSAGE_BYTES = 64;
/** Beside the window: connecting, warming up, until all have woken. */
const OVERHEAD_MS = 120_000;
/** The p99 with sleepers is at most so many times the one without; medians of the runs, so that one that others disturbed does not decide. */
const MOST_RATIO = 1.2;

/** By turns, as systems are elsewhere. */
const VARIANTS = ['awake', 'asleep'];
/** Whose commands: as the result names them, and as people do. */
const WHOSE = /** @type {const} */ ([
  ['own', 'the session of the sleepers'],
  ['others', 'other sessions'],
]);

/** @typedef {import('./asleep-driver.mjs').AsleepResult & {round: number, system: string, setting: number}} Run */

/**
 * @typedef {object} Row
 * @property {string} whose commands
 * @property {number} setting clients
 * @property {boolean} isAsleep
 * @property {number} count
 * @property {number} p50Ms of all runs
 * @property {number} p99Ms
 * @property {number} medianMs of the runs' p99s
 * @property {[number, number]} range lowest and highest of them
 * @property {number | null} ratio of that median to the one without sleepers
 * @property {number} serverShare of one core
 * @property {number} generatorBusy
 * @property {number} latestMs
 * @property {number} othersShare
 */

/** @type {import('../command/table.mjs').Column<Row>[]} */
const COLUMNS = [
  ['commands of', (row) => row.whose],
  ['clients', (row) => String(row.setting)],
  ['asleep', (row) => (row.isAsleep ? 'yes' : 'no')],
  ['commands', (row) => String(row.count)],
  ['p50 ms', (row) => row.p50Ms.toFixed(2)],
  ['p99 ms', (row) => row.p99Ms.toFixed(2)],
  ['median of runs', (row) => row.medianMs.toFixed(2)],
  ['lowest-highest', (row) => row.range.map((ms) => ms.toFixed(2)).join('-')],
  ['÷ awake', (row) => row.ratio?.toFixed(2) ?? ''],
  ['server CPU', (row) => percent(row.serverShare)],
  ['generator late', (row) => `${row.latestMs.toFixed(1)} ms`],
  ['generator busy', (row) => percent(row.generatorBusy)],
  OTHERS_COLUMN,
];

/** @param {import('./options.mjs').CommandsOptions} options @returns {Promise<number>} the exit code */
export async function asleep(options) {
  /** @type {Run[]} */
  const runs = [];
  for (const turn of turns({ ...options, systems: VARIANTS })) {
    const run = { ...turn, ...(await measure(turn, options)) };
    runs.push(run);
    const p99s = WHOSE.map(([key, name]) => `${name} p99 ${quantile([run], key, 0.99).toFixed(2)} ms`);
    console.log(`round ${turn.round + 1}  ${turn.system}, ${turn.setting} clients: ${p99s.join(', ')}`);
  }
  const rows = options.settings.flatMap((setting) => rowsOf(runs, setting));
  const { rounds, seconds, sleepers, everyMs } = options;
  console.log(
    `\nOne command of each client every ${everyMs} ms, with ${sleepers} commands of one client asleep and without, ${rounds} runs of ${seconds} s each; every answer checked\n`,
  );
  printTable(COLUMNS, rows);
  warnOfOthers(rows);
  printBars(barsOf(rows));
  await writeResults('commands-asleep', { options, rows, runs });
  return 0;
}

/** @returns {Promise<import('./asleep-driver.mjs').AsleepResult>} */
function measure({ system, setting: clients }, { everyMs, sleepers, warmSeconds, seconds, seed }) {
  return withPeer(COMMAND_PEERS['dobby'], ({ port, pids, backEndPids }, { dialect }) => {
    /** @type {import('./asleep-driver.mjs').AsleepOrder} */
    const order = {
      ...{ port, pids, backEndPids, dialect, clients, everyMs, seed },
      sleepers: system === 'asleep' ? sleepers : 0,
      warmMs: warmSeconds * 1000,
      measuredMs: seconds * 1000,
      messageBytes: MESSAGE_BYTES,
    };
    return drive(order, order.warmMs + order.measuredMs + OVERHEAD_MS, DRIVER);
  });
}

/** @param {Run[]} all @param {number} setting @returns {Row[]} */
function rowsOf(all, setting) {
  return WHOSE.flatMap(([key, whose]) => {
    const [awake, asleepRow] = VARIANTS.map((variant) => {
      const runs = all.filter((run) => run.system === variant && run.setting === setting);
      return { whose, setting, isAsleep: variant === 'asleep', ratio: null, ...summarise(runs, key) };
    });
    return [awake, { ...asleepRow, ratio: asleepRow.medianMs / awake.medianMs }];
  });
}

/** @param {Run[]} runs @param {'own' | 'others'} key */
function summarise(runs, key) {
  const p99s = runs.map((run) => quantile([run], key, 0.99));
  const most = (figure) => Math.max(...runs.map(figure));
  return {
    count: samplesOf(runs, key).count,
    p50Ms: quantile(runs, key, 0.5),
    p99Ms: quantile(runs, key, 0.99),
    medianMs: median(p99s),
    range: /** @type {[number, number]} */ ([Math.min(...p99s), Math.max(...p99s)]),
    serverShare: most((run) => run.serverCpu / (run.elapsedMs / 1000)),
    latestMs: most((run) => run.latestMs),
    generatorBusy: most((run) => run.generator.readerBusy),
    othersShare: othersShareOf(/** @type {any} */ (runs)),
  };
}

function samplesOf(runs, key) {
  return Samples.of(runs.map((run) => ({ samples: run[key] })));
}

/** @param {Run[]} runs @param {'own' | 'others'} key @param {number} fraction */
function quantile(runs, key, fraction) {
  return samplesOf(runs, key).quantile(fraction) ?? 0;
}

/** @param {Row[]} rows @returns {import('../command/bars.mjs').Bar[]} */
function barsOf(rows) {
  return rows
    .filter(({ isAsleep }) => isAsleep)
    .map(({ whose, setting, ratio }) => ({
      claim: `the p99 of ${whose} at most ${MOST_RATIO} times the one without sleepers, ${setting} clients`,
      isMet: (ratio ?? 0) <= MOST_RATIO,
      found: (ratio ?? 0).toFixed(2),
      isPromise: false,
    }));
}
