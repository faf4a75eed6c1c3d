/**
 * Makes a fresh Debian with Node and Python ready for the tests: the system's packages, the Python
 * environment `python/.venv`, a build. Installs only what is missing, says what and why, starts no
 * service. Without root it names what to install by hand.
 *
 *     node scripts/prepare-tests.mjs
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const VENV = join(ROOT, 'python/.venv');
const PYPROJECT = join(ROOT, 'python/pyproject.toml');
const STAMP = join(VENV, '.installed');
/** Debian asks this program before a package starts its service; 101 means no. */
const POLICY = '/usr/sbin/policy-rc.d';

const NEEDED = [
  { command: 'chromium', package: 'chromium', why: 'the tests in a browser' },
  { command: 'nginx', package: 'nginx-light', why: 'the tests behind a proxy' },
];

function main() {
  installPackages();
  if (existsSync(PYPROJECT)) installPython();
  run(process.execPath, [join(ROOT, 'scripts/build.mjs')]);
}

function installPackages() {
  const missing = NEEDED.filter(({ command }) => !isThere(command));
  if (existsSync(PYPROJECT) && !existsSync(VENV) && !succeeds('python3', ['-c', 'import ensurepip'])) {
    missing.push({ package: 'python3-venv', why: 'the Python environment of the tests' });
  }
  if (missing.length === 0) return;
  for (const { package: name, why } of missing) console.log(`prepare-tests: ${name} is missing, for ${why}`);
  const names = missing.map(({ package: name }) => name);
  if (process.getuid?.() !== 0 || !isThere('apt-get')) {
    fail(`install by hand, then try again (on Debian: sudo apt-get install ${names.join(' ')})`);
  }
  aptInstall(names);
  for (const { command } of NEEDED)
    if (!isThere(command)) fail(`${command} is still missing after the install`);
}

function aptInstall(names) {
  const options = { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
  const wait = ['-o', 'DPkg::Lock::Timeout=300', '-qq'];
  const guarded = guardServices();
  try {
    run('apt-get', [...wait, 'update'], options);
    run('apt-get', [...wait, 'install', '-y', '--no-install-recommends', ...names], options);
  } finally {
    if (guarded) rmSync(POLICY);
  }
  console.log(`prepare-tests: installed ${names.join(', ')}`);
}

/** Keeps what is installed from starting. False when the machine has a policy of its own, which stays. */
function guardServices() {
  if (existsSync(POLICY)) return false;
  writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  return true;
}

/** Installs Cornelius, editable, with what its tests need: when its list of packages has changed. */
function installPython() {
  const wanted = createHash('sha256').update(readFileSync(PYPROJECT)).digest('hex');
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted) return;
  console.log('prepare-tests: python/.venv is made up to date with python/pyproject.toml');
  if (!existsSync(join(VENV, 'bin/pip'))) run('python3', ['-m', 'venv', VENV]);
  const quiet = ['--quiet', '--disable-pip-version-check'];
  run(join(VENV, 'bin/pip'), ['install', ...quiet, '-e', `${join(ROOT, 'python')}[dev,django]`]);
  writeFileSync(STAMP, wanted);
}

const isThere = (command) => succeeds('sh', ['-c', `command -v ${command}`]);
const succeeds = (command, args) => spawnSync(command, args, { stdio: 'ignore' }).status === 0;

/** Runs a command and shows what it printed only when it failed. */
function run(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', ...options });
  if (status !== 0)
    fail(`${[command, ...args].join(' ')} failed\n${stdout ?? ''}${stderr ?? ''}${error ?? ''}`);
}

function fail(message) {
  throw new Error(message);
}

try {
  main();
} catch (error) {
  console.error(`prepare-tests: ${error.message}`);
  process.exitCode = 1;
}
