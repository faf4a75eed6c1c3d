/** The course of every bench: options, the checkers' own test, all systems by turns, the table, the bars, the results. */
import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { COLUMNS } from './columns.mjs';
import { readOptions, usageOf } from './options.mjs';
import { printBars, printTable } from './report.mjs';
import { selfTest } from './self-test.mjs';

const RESULTS = new URL('../results/', import.meta.url);

/**
 * @typedef {object} Bench
 * @property {string} name
 * @property {string} about
 * @property {Record<string, import('./options.mjs').Values>} options beside the common ones
 * @property {Record<string, import('../peers/table.mjs').Peer>} peers that `--only` may name
 * @property {string[]} systems that run when none is named; rows are compared with the first
 * @property {(options: any) => any[]} settings
 * @property {(turn: {system: string, setting: any}, options: any) => Promise<any>} measure one run
 * @property {(run: any) => string} line what is printed of a run when it has ended
 * @property {(options: any) => string} title
 * @property {(runs: any[]) => object} summarise the rounds of one system in one setting
 * @property {(row: any, first: any) => object} [compare] with the first system's row of the same setting
 * @property {string[]} columns names of the table in columns.mjs
 * @property {(row: any) => import('./report.mjs').Bar[]} [bars] what a row has to reach
 */

/** Runs a bench. @param {Bench} bench @param {string[]} args @returns {Promise<number>} the exit code */
export async function runBench(bench, args) {
  const options = readOptions(bench, args);
  if (options === null) {
    console.log(usageOf(bench));
    return 0;
  }
  console.log(selfTest());
  const settings = bench.settings(options);
  const runs = [];
  for (const turn of turns({ ...options, settings })) {
    const run = { ...turn, ...(await bench.measure(turn, options)) };
    runs.push(run);
    console.log(`round ${turn.round + 1}  ${turn.system}, ${turn.setting.name}: ${bench.line(run)}`);
  }
  const rows = rowsOf(bench, runs, { settings, systems: options.systems });
  console.log(`\n${bench.title(options)}; ${options.rounds} runs\n`);
  printTable(
    bench.columns.map((name) => COLUMNS[name]),
    rows,
  );
  const isKept = printBars(rows.flatMap((row) => bench.bars?.(row) ?? []));
  const bare = rows.map(({ runs: _runs, ...row }) => row);
  await writeResults(bench.name, { options, rows: bare, runs });
  return isKept ? 0 : 1;
}

/** What is to run, in its order: each round begins with another system, so that none always runs first or after the same one. */
function* turns({ rounds, settings, systems }) {
  for (let round = 0; round < rounds; round++)
    for (const setting of settings)
      for (let i = 0; i < systems.length; i++)
        yield { round, setting, system: systems[(i + round) % systems.length] };
}

/** One row for each setting and system, in that order. */
function rowsOf({ summarise, compare, systems: [first] }, runs, { settings, systems }) {
  return settings.flatMap((setting) => {
    const rows = systems.map((system) => {
      const own = runs.filter((run) => run.system === system && run.setting === setting);
      return { system, setting, ...summarise(own) };
    });
    const base = rows.find(({ system }) => system === first);
    return rows.map((row) => ({ ...row, ...(base === undefined ? {} : compare?.(row, base)) }));
  });
}

/** Keeps everything that was measured, as JSON in bench/results/. */
async function writeResults(bench, report) {
  const at = new Date().toISOString();
  const machine = { node: process.version, cores: availableParallelism() };
  await mkdir(RESULTS, { recursive: true });
  const name = `${bench}-${at.replace(/[:.]/g, '-')}.json`;
  await writeFile(new URL(name, RESULTS), JSON.stringify({ bench, at, machine, ...report }));
  console.log(`written: bench/results/${name}`);
}
