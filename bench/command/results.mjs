/** Keeps everything that was measured, as JSON in bench/results/. */
import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';

const RESULTS = new URL('../results/', import.meta.url);

/** @param {string} bench its name @param {object} report */
export async function writeResults(bench, report) {
  const at = new Date().toISOString();
  const machine = { node: process.version, cores: availableParallelism() };
  await mkdir(RESULTS, { recursive: true });
  const name = `${bench}-${at.replace(/[:.]/g, '-')}.json`;
  await writeFile(new URL(name, RESULTS), JSON.stringify({ bench, at, machine, ...report }));
  console.log(`written: bench/results/${name}`);
}
