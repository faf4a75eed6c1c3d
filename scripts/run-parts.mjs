/**
 * Runs the parts of a test run one after the other, whatever fails, and sums up. Each suite within a part writes a report, which the
 * environment asks for: vitest by `vitest-summary.mjs`, pytest by its JUnit report.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the repository. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OUTPUT = join(ROOT, 'test-output');

/**
 * @typedef {object} Part
 * @property {string} name
 * @property {string[]} command
 * @property {Record<string, string>} [env] beside this process's own
 * @property {string} [cwd] by default the root
 * @property {number} minutes about how long it takes, on two cores
 * @property {boolean} [isNeeded] whether the others cannot run when it fails
 * @property {boolean} [hasTests] whether it fails when no test passed
 */

/**
 * Runs parts and prints a summary, whose last line counts the tests; sets the exit code to 1 when a test failed, a part did not end
 * well or had no tests.
 * @param {readonly Part[]} parts
 */
export function runParts(parts) {
  rmSync(OUTPUT, { recursive: true, force: true });
  mkdirSync(OUTPUT, { recursive: true });
  const start = performance.now();
  const minutes = parts.reduce((sum, part) => sum + part.minutes, 0);
  console.log(`${parts.length} parts, about ${Math.ceil(minutes)} minutes`);
  const ended = [];
  for (const part of parts) {
    ended.push(perform(part));
    if (!ended.at(-1).isWell && part.isNeeded) break;
  }
  summarize(ended, secondsSince(start));
}

const secondsSince = (start) => (performance.now() - start) / 1000;

/** Runs one part with its output as it is. */
function perform({ name, command: [program, ...args], cwd = ROOT, env, hasTests }) {
  console.log(`\n── ${name}`);
  const start = performance.now();
  const vitestReport = join(OUTPUT, `${name}.json`);
  const pytestReport = join(OUTPUT, `${name}.xml`);
  const { status, signal, error } = spawnSync(program, args, {
    cwd,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      ...process.env,
      VITEST_SUMMARY: vitestReport,
      PYTEST_ADDOPTS: `--junitxml=${pytestReport}`,
      ...env,
    },
  });
  const seconds = secondsSince(start);
  const suites = [readVitest(vitestReport), readPytest(pytestReport)];
  const passed = suites.reduce((sum, each) => sum + each.passed, 0);
  const faults = [];
  if (status !== 0) faults.push(error?.message ?? signal ?? `code ${status}`);
  if (hasTests && passed === 0) faults.push('no test passed');
  console.log(
    `── ${name} ended ${faults.length === 0 ? 'well' : `with ${faults.join(', ')}`} after ${seconds.toFixed(1)} s`,
  );
  return {
    ...{ name, seconds, faults, passed },
    isWell: faults.length === 0,
    failures: suites.flatMap((each) => each.failures),
    skipped: suites.flatMap((each) => each.skipped),
  };
}

function readVitest(report) {
  if (!existsSync(report)) return { passed: 0, failures: [], skipped: [] };
  return JSON.parse(readFileSync(report, 'utf8'));
}

/** Reads pytest's JUnit report; an error in a fixture or while collecting counts as a failure. */
function readPytest(file) {
  const summary = { passed: 0, failures: [], skipped: [] };
  if (!existsSync(file)) return summary;
  const report = readFileSync(file, 'utf8');
  for (const [, attributes, inside = ''] of report.matchAll(
    /<testcase\b([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g,
  )) {
    const name = [attribute(attributes, 'classname'), attribute(attributes, 'name')]
      .filter(Boolean)
      .join(' > ');
    if (/<(failure|error)\b/.test(inside)) summary.failures.push(name);
    else if (/<skipped\b/.test(inside)) {
      const [, skipped] = /<skipped\b([^>]*)>/.exec(inside);
      summary.skipped.push({ name, reason: attribute(skipped, 'message') ?? 'no reason given' });
    } else summary.passed++;
  }
  return summary;
}

function attribute(text, name) {
  const found = new RegExp(`\\b${name}="([^"]*)"`).exec(text)?.[1];
  const characters = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
  return found?.replace(/&(lt|gt|quot|apos|amp);/g, (_all, each) => characters[each]);
}

function summarize(ended, seconds) {
  console.log(`\n── ${seconds.toFixed(0)} s in all`);
  const width = Math.max(...ended.map(({ name }) => name.length));
  for (const { name, isWell, seconds, passed } of ended) {
    const time = `${seconds.toFixed(0).padStart(5)} s`;
    console.log(
      `${isWell ? 'ok  ' : 'FAIL'} ${name.padEnd(width)} ${time} ${passed ? `  ${passed} tests passed` : ''}`.trimEnd(),
    );
  }
  for (const { name: part, skipped } of ended)
    for (const { name, reason } of skipped) console.log(`skipped: ${part}: ${name}: ${reason}`);
  for (const { name: part, failures } of ended)
    for (const name of failures) console.log(`failed: ${part}: ${name}`);
  for (const { name, faults } of ended)
    if (faults.length > 0) console.log(`did not end well: ${name}: ${faults.join(', ')}`);
  const count = (list) => ended.reduce((sum, each) => sum + list(each), 0);
  const failed = count(({ failures }) => failures.length);
  const bad = count(({ isWell }) => (isWell ? 0 : 1));
  if (failed > 0 || bad > 0) process.exitCode = 1;
  // What is no test and failed, as the checks, counts as one: the last line must not say that all is well.
  console.log(
    `Tests: ${count(({ passed }) => passed)} passed, ${Math.max(failed, bad)} failed, ${count(({ skipped }) => skipped.length)} skipped`,
  );
}
