/**
 * Runs everything, as CI does: prepares the machine, checks, runs all TypeScript suites, the unit tests
 * once more on Node 24, and the Python suite, and sums up. All parts run, whatever fails. The last line counts the tests; the
 * exit code is 0 only when no test failed, every part ended well, and there were tests at all.
 *
 *     node scripts/test.mjs
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OUTPUT = join(ROOT, 'test-output');
const VITEST_REPORT = join(OUTPUT, 'vitest.json');
const PYTEST_REPORT = join(OUTPUT, 'pytest.xml');

const PARTS = [
  { name: 'prepare', command: [process.execPath, 'scripts/prepare-tests.mjs'], isNeeded: true },
  { name: 'check', command: [process.execPath, 'scripts/check.mjs', '--without-vitest'] },
  {
    name: 'vitest',
    command: [
      join(ROOT, 'node_modules/.bin/vitest'),
      'run',
      '--reporter=default',
      '--reporter=./scripts/vitest-summary.mjs',
    ],
    env: { VITEST_SUMMARY: VITEST_REPORT },
  },
  {
    name: 'unit tests on Node 24, with a broker that answers at random times',
    command: [process.execPath, 'scripts/test-node24.mjs'],
    env: { RANDOM_BROKER: '1' },
  },
  {
    name: 'pytest',
    command: [join(ROOT, 'python/.venv/bin/pytest'), '-q', `--junitxml=${PYTEST_REPORT}`],
    cwd: join(ROOT, 'python'),
  },
];

/** Runs one part with its output as it is; true when it ended well. */
function perform({ name, command: [program, ...args], cwd = ROOT, env }) {
  console.log(`\n── ${name}`);
  const start = performance.now();
  const { status, signal, error } = spawnSync(program, args, {
    cwd,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env },
  });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const how = status === 0 ? 'well' : `with ${error?.message ?? signal ?? `code ${status}`}`;
  console.log(`── ${name} ended ${how} after ${seconds} s`);
  return status === 0;
}

function readVitest() {
  if (!existsSync(VITEST_REPORT)) return { passed: 0, failed: 0, failures: [], skipped: [] };
  return JSON.parse(readFileSync(VITEST_REPORT, 'utf8'));
}

/** Reads pytest's JUnit report; an error in a fixture or while collecting counts as a failure. */
function readPytest() {
  const summary = { passed: 0, failed: 0, failures: [], skipped: [] };
  if (!existsSync(PYTEST_REPORT)) return summary;
  const report = readFileSync(PYTEST_REPORT, 'utf8');
  for (const [, attributes, inside = ''] of report.matchAll(
    /<testcase\b([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g,
  )) {
    const name = [attribute(attributes, 'classname'), attribute(attributes, 'name')]
      .filter(Boolean)
      .join(' > ');
    if (/<(failure|error)\b/.test(inside)) {
      summary.failed++;
      summary.failures.push(name);
    } else if (/<skipped\b/.test(inside)) {
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

rmSync(OUTPUT, { recursive: true, force: true });
mkdirSync(OUTPUT, { recursive: true });
const start = performance.now();
const ended = [];
for (const part of PARTS) {
  const isWell = perform(part);
  ended.push({ name: part.name, isWell });
  if (!isWell && part.isNeeded) break;
}

const summaries = [readVitest(), readPytest()];
const passed = summaries.reduce((sum, each) => sum + each.passed, 0);
const failures = summaries.flatMap((each) => each.failures);
const skipped = summaries.flatMap((each) => each.skipped);
const bad = ended.filter(({ isWell }) => !isWell).map(({ name }) => name);

console.log(`\n── ${((performance.now() - start) / 1000).toFixed(0)} s in all`);
for (const { name, reason } of skipped) console.log(`skipped: ${name}: ${reason}`);
for (const name of failures) console.log(`failed: ${name}`);
for (const name of bad) console.log(`did not end well: ${name}`);
if (bad.length > 0 || failures.length > 0 || passed === 0) process.exitCode = 1;
// What is no test and failed, as the checks, counts as one: the last line must not say that all is well.
const failed = Math.max(failures.length, bad.length);
console.log(`Tests: ${passed} passed, ${failed} failed, ${skipped.length} skipped`);
