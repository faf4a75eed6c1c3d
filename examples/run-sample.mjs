/**
 * Runs a sample: Python packages if they are missing, a build if there is none, Dobby, the
 * database, Django. Everything it makes lies in one state folder. It restarts nothing: when Dobby
 * or Django ends it says how to start it again. Stops on Ctrl-C or SIGTERM.
 *
 *     node examples/<sample>/start.mjs [--django-port 8000] [--dobby-port 4020] [--state <folder>]
 *
 * A port that is taken is left alone and the next free one is used; 0 is any free port.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const HOST = '127.0.0.1';
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const VENV = join(ROOT, 'python/.venv');
const PYTHON = join(VENV, 'bin/python');
const DOBBY = join(ROOT, 'server/dist/server/src/cli/main.js');
const PORTS_TO_TRY = 100;
const STOP_MS = 5_000;

/** Whoever wants the sample has no use for a Dobby that is configured in the shell. */
const ENVIRONMENT = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith('DOBBY_')),
);

/** What runs, each with a promise of its end. */
const running = new Map();
let isStopping = false;

/**
 * Runs the sample `name`, whose Django project lies in `folder`, until it is told to stop. `dobby` gives the flags that
 * Dobby needs besides, for a Django that is at an address.
 */
export async function runSample({ name, folder, dobby: flags = () => [] }) {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stop(0));
  await run(name, folder, flags).catch((error) => {
    console.error(`${name}: ${error.message}`);
    stop(1);
  });
}

async function run(name, folder, flags) {
  const { values: options } = parseArgs({
    options: {
      'django-port': { type: 'string', default: '8000' },
      'dobby-port': { type: 'string', default: '4020' },
      state: { type: 'string', default: join(folder, '.state') },
    },
  });
  preparePython();
  prepareBuild();
  const state = resolve(options.state);
  mkdirSync(state, { recursive: true, mode: 0o700 });

  const djangoPort = await freePort(options['django-port']);
  const dobbyFlags = ['--state-dir', join(state, 'dobby'), ...flags(`http://${HOST}:${djangoPort}`)];
  const dobbyPort = options['dobby-port'] === '0' ? 0 : await freePort(options['dobby-port']);
  const dobby = await startDobby(dobbyPort, dobbyFlags);
  const environment = { SAMPLE_STATE_DIR: state, DOBBY_URL: dobby.url };
  const manage = (...args) => [PYTHON, '-u', join(folder, 'manage.py'), ...args];
  perform(manage('migrate', '--verbosity=0'), environment);
  const users = perform(manage('load_sample'), environment).trim();
  const django = await startDjango(manage('runserver', '--noreload', `${HOST}:${djangoPort}`), environment);

  const other = django.url.replace(HOST, 'localhost');
  console.log(`
${name} runs on ${django.url}, as process ${django.pid}
  ${users}
  as two users at once: ${django.url} and ${other} have cookies of their own
Dobby runs on ${dobby.url}, as process ${dobby.pid}: end it and see what the pages do
Ctrl-C stops both.
`);
}

/** Installs Cornelius and Django into python/.venv, which the tests of the repository use too. */
function preparePython() {
  if (succeeds(PYTHON, '-c', 'import cornelius, django')) return;
  console.log('installing Django and Cornelius into python/.venv, once');
  if (!succeeds(PYTHON, '-m', 'pip', '--version')) perform(['python3', '-m', 'venv', VENV]);
  const quiet = ['--quiet', '--disable-pip-version-check'];
  perform([PYTHON, '-m', 'pip', 'install', ...quiet, '-e', `${join(ROOT, 'python')}[django]`]);
}

function prepareBuild() {
  if (existsSync(DOBBY) && existsSync(join(ROOT, 'server/dist/assets/pomona.js'))) return;
  console.log('building Dobby and Pomona, once');
  perform([process.execPath, join(ROOT, 'scripts/build.mjs')]);
}

function startDobby(port, flags) {
  const command = (chosen) => [process.execPath, DOBBY, '--port', String(chosen), ...flags];
  return start({
    name: 'Dobby',
    command: command(port),
    said: /^Dobby listens on (\S+)/,
    // The clients look for it where it was.
    again: ({ url }) => command(new URL(url).port),
  });
}

function startDjango(command, environment) {
  const hidden = { DJANGO_RUNSERVER_HIDE_WARNING: 'true' };
  return start({
    name: 'Django',
    command,
    environment: { ...environment, ...hidden },
    said: /^Starting development server at (\S+?)\/?$/,
    again: () => ['env', ...Object.entries(environment).map((each) => each.join('=')), ...command],
  });
}

/** Starts a process and resolves with its id and the address that it says it listens on. */
function start({ name, command: [program, ...args], environment = {}, said, again }) {
  const env = { ...ENVIRONMENT, ...environment };
  // A process group of its own: Ctrl-C reaches only us, and we end the others in order.
  const child = spawn(program, args, { env, detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((found, failed) => {
    let up = null;
    createInterface(child.stdout).on('line', (line) => {
      const url = said.exec(line)?.[1];
      if (url === undefined) return;
      up = { url, pid: child.pid };
      found(up);
    });
    const end = new Promise((over) => {
      child.on('error', (error) => over(String(error)));
      child.on('exit', (code, signal) => over(signal ?? `code ${code}`));
    });
    running.set(child, end);
    void end.then((how) => {
      running.delete(child);
      if (isStopping) return;
      if (up === null) failed(new Error(`${name} did not start (${how})`));
      else console.log(`${name} ended (${how}). To start it again:\n  ${again(up).join(' ')}`);
    });
  });
}

/** Finds a free port from `text` on; of 0 any. Dobby has to know where Django will be before that runs. */
async function freePort(text) {
  const first = Number(text);
  if (!Number.isInteger(first) || first < 0 || first > 65_535) throw new Error(`"${text}" is no port`);
  const last = first === 0 ? 0 : Math.min(first + PORTS_TO_TRY - 1, 65_535);
  for (let port = first; port <= last; port++) {
    const free = await tried(port);
    if (free !== null) return free;
  }
  throw new Error(`none of the ports from ${first} on is free`);
}

function tried(port) {
  return new Promise((found) => {
    const server = createServer();
    server.once('error', () => found(null));
    server.listen(port, HOST, () => {
      const { port: free } = server.address();
      server.close(() => found(free));
    });
  });
}

/** Ends what runs, at once after a while or at the second signal, and then this process. */
function stop(code) {
  const children = [...running];
  for (const [child] of children) child.kill(isStopping ? 'SIGKILL' : 'SIGTERM');
  if (isStopping) return;
  isStopping = true;
  setTimeout(() => stop(code), STOP_MS).unref();
  void Promise.all(children.map(([, end]) => end)).then(() => process.exit(code));
}

function succeeds(program, ...args) {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}

/** Runs a command and gives what it printed. */
function perform([program, ...args], environment = {}) {
  const env = { ...ENVIRONMENT, ...environment };
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', env });
  if (status === 0) return stdout;
  throw new Error(`${[program, ...args].join(' ')} failed\n${stdout ?? ''}${stderr ?? ''}${error ?? ''}`);
}
