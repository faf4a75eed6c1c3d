/**
 * Runs the unit tests on Node 24, whatever runs this. The binary comes with an optional package, for Linux; elsewhere it is
 * the Node that runs this, if that is 24.
 *
 *     node scripts/test-node24.mjs             a quick pass: all but what takes long
 *     node scripts/test-node24.mjs --all       all of them
 *     node scripts/test-node24.mjs <files>     these, as `vitest run --project unit`
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MAJOR = 24;
const REPORTERS = ['--reporter=dot', '--reporter=./scripts/vitest-summary.mjs'];
const packaged = join(ROOT, `node_modules/node-${process.platform}-${process.arch}/bin/node`);

function binary() {
  if (existsSync(packaged)) return packaged;
  return process.versions.node.startsWith(`${MAJOR}.`) ? process.execPath : null;
}

const isAll = process.argv.includes('--all');
const files = process.argv.slice(2).filter((arg) => arg !== '--all');
const node = binary();
if (node === null) {
  console.log(`test-node24: skipped, there is no Node ${MAJOR} here (npm has one for Linux)`);
} else {
  const { status } = spawnSync(
    node,
    [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', '--project=unit', ...REPORTERS, ...files],
    {
      cwd: ROOT,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ...(files.length === 0 && !isAll && { QUICK_TESTS: '1' }) },
    },
  );
  process.exitCode = status ?? 1;
}
