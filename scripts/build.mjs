/**
 * Builds what is published: `server/dist` and `client/dist`, each with its own copy of protocol/,
 * and Pomona and its entries in one minified file each, which the server serves too. Runs after `npm install`, so it is
 * quick, quiet when all is well, and skips a folder that has no sources. Output whose source is
 * gone is removed; a `dist` is never emptied, because tests of another run may be using it. It also takes away the link
 * to a second Node.
 *
 *     node scripts/build.mjs
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const COMPILER = join(ROOT, 'node_modules/.bin/tsc');
const at = (...parts) => join(ROOT, ...parts);

/** What went wrong; the rest is built all the same. */
const failures = [];

/** Every file below `folder`, as paths relative to it. */
function filesBelow(folder) {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}

function compile(name) {
  const { status, stdout, stderr, error } = spawnSync(COMPILER, ['-p', name], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  if (error) throw error;
  if (status !== 0) failures.push(`tsc -p ${name} failed\n${stdout}${stderr}`);
  removeOrphans(name);
  if (!existsSync(at(name, 'dist'))) return;
  copyFileSync(at('LICENSE'), at(name, 'dist/LICENSE'));
}

/** Removes output of sources that were renamed or deleted: it would be published otherwise. */
function removeOrphans(name) {
  for (const part of [`${name}/src`, 'protocol']) {
    const folder = at(name, 'dist', part);
    for (const file of filesBelow(folder)) {
      const source = file.replace(/(\.d\.ts|\.js)(\.map)?$/, '.ts');
      if (!existsSync(at(part, source))) rmSync(join(folder, file));
    }
  }
}

/** The client's entries for pages without a bundler, each one file that imports nothing. */
const BUNDLES = {
  pomona: 'client/src/index.ts',
  'pomona-state': 'client/src/state/index.ts',
  'pomona-commands': 'client/src/commands/index.ts',
  'pomona-tokens': 'client/src/tokens/index.ts',
};

async function bundleClient() {
  const { build } = await import('esbuild');
  await build({
    entryPoints: Object.entries(BUNDLES).map(([out, source]) => ({ in: at(source), out })),
    outdir: at('client/dist'),
    outExtension: { '.js': '.min.js' },
    bundle: true,
    format: 'esm',
    minify: true,
    sourcemap: true,
    target: 'es2022',
    logLevel: 'warning',
  });
}

function copyAssets() {
  const target = at('server/dist/assets');
  mkdirSync(target, { recursive: true });
  for (const file of filesBelow(at('server/assets'))) {
    mkdirSync(join(target, file, '..'), { recursive: true });
    copyFileSync(at('server/assets', file), join(target, file));
  }
  for (const name of Object.keys(BUNDLES)) {
    const bundle = at(`client/dist/${name}.min.js`);
    if (!existsSync(bundle)) continue;
    const script = readFileSync(bundle, 'utf8').replace(/\/\/# sourceMappingURL=.*\n?$/, '');
    writeFileSync(join(target, `${name}.js`), script);
  }
}

function hasTools() {
  const { resolve } = createRequire(import.meta.url);
  try {
    resolve('esbuild');
  } catch {
    return false;
  }
  return existsSync(COMPILER);
}

/**
 * Removes the link that npm makes to the Node 24 of `npm run test:node24`: scripts of npm would run on that one, because
 * they look for commands here first.
 */
function unlinkNode() {
  for (const name of ['node', 'node.cmd', 'node.ps1']) rmSync(at('node_modules/.bin', name), { force: true });
}

async function main() {
  unlinkNode();
  if (!hasTools()) {
    console.warn('build: nothing was built, because the development packages are not installed');
    return;
  }
  for (const name of ['server', 'client']) {
    if (filesBelow(at(name, 'src')).some((file) => file.endsWith('.ts'))) compile(name);
  }
  if (existsSync(at('client/src/index.ts'))) await bundleClient();
  if (existsSync(at('server/dist'))) copyAssets();
  const command = at('server/dist/server/src/cli/main.js');
  if (existsSync(command)) chmodSync(command, 0o755);
}

await main().catch((error) => failures.push(error.message));
for (const failure of failures) console.error(`build: ${failure}`);
if (failures.length > 0) process.exitCode = 1;
