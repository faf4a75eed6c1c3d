/**
 * Checks everything that is not a test of behaviour, in one command: format, lint, types, import
 * edges, public exports, the client's size, generated tables, the rules for files. All checks run,
 * whatever fails; the faults are printed at the end.
 *
 *     node scripts/check.mjs [--without-vitest]     the flag leaves out what `vitest run` covers
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { fileFaults } from './file-rules.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const CLIENT = join(ROOT, 'client/dist/pomona.min.js');
const CLIENT_MAX_BYTES = 10 * 1024;
/** Two at a time: most of these use more than one core already. */
const PARALLEL = 2;

const bin = (name) => join(ROOT, 'node_modules/.bin', name);
const node = (...args) => command(process.execPath, args);
const python = (name, ...args) =>
  command(join(ROOT, 'python/.venv/bin', name), args, { cwd: join(ROOT, 'python') });

/** The build comes first, alone: others read what it writes. */
const BUILD = { name: 'build', run: node('scripts/build.mjs') };

const CHECKS = [
  {
    name: 'format and lint',
    run: command(bin('biome'), ['check', '--error-on-warnings', '--max-diagnostics=20']),
  },
  { name: 'types of the server', run: command(bin('tsc'), ['-p', 'server', '--noEmit']) },
  { name: 'types of the client', run: command(bin('tsc'), ['-p', 'client', '--noEmit']) },
  { name: 'types of tests and examples', run: command(bin('tsc'), ['-p', '.']) },
  { name: 'python format', run: python('ruff', 'format', '--check', '.') },
  { name: 'python lint', run: python('ruff', 'check', '.') },
  { name: 'python types', run: python('mypy', '--strict') },
  { name: 'client size', run: clientSize },
  { name: 'tables of the docs', run: node('scripts/docs-tables.mjs', '--check') },
  { name: 'rules for files', run: async () => fileFaults(ROOT).join('\n') },
  {
    name: 'import edges and public exports',
    run: command(bin('vitest'), [
      'run',
      '--project=unit',
      '--reporter=dot',
      'test/edges.test.ts',
      'test/exports.test.ts',
    ]),
    isVitest: true,
  },
];

/** A check answers what is wrong; an empty text means that all is well. */
function command(program, args, options = {}) {
  return () =>
    new Promise((resolve) => {
      const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined };
      const child = spawn(program, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'], ...options });
      let output = '';
      child.stdout.on('data', (chunk) => (output += chunk));
      child.stderr.on('data', (chunk) => (output += chunk));
      child.on('error', (error) =>
        resolve(
          error.code === 'ENOENT' ? `${program} is not installed: npm test installs it` : String(error),
        ),
      );
      child.on('close', (code) => resolve(code === 0 ? '' : output || `ended with code ${code}`));
    });
}

async function clientSize() {
  if (!existsSync(CLIENT)) return 'client/dist/pomona.min.js was not built';
  // As it is served: without the name of its source map.
  const served = readFileSync(CLIENT, 'utf8').replace(/\/\/# sourceMappingURL=.*\n?$/, '');
  const bytes = gzipSync(served, { level: 9 }).length;
  return bytes <= CLIENT_MAX_BYTES
    ? ''
    : `Pomona is ${bytes} bytes gzipped, ${bytes - CLIENT_MAX_BYTES} too many`;
}

const failures = [];

async function perform({ name, run }) {
  const start = performance.now();
  const fault = await run();
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${fault === '' ? 'ok  ' : 'FAIL'} ${name.padEnd(34)} ${seconds.padStart(5)} s`);
  if (fault !== '') failures.push({ name, fault });
}

await perform(BUILD);
const left = CHECKS.filter(({ isVitest }) => !(isVitest && process.argv.includes('--without-vitest')));
const worker = async () => {
  for (let check = left.shift(); check !== undefined; check = left.shift()) await perform(check);
};
await Promise.all(Array.from({ length: PARALLEL }, worker));

for (const { name, fault } of failures) console.error(`\n── ${name}\n${fault.trimEnd()}`);
if (failures.length > 0) {
  console.error(`\ncheck: ${failures.length} failed: ${failures.map(({ name }) => name).join(', ')}`);
  process.exitCode = 1;
}
