/**
 * Starts the sample: Python packages if they are missing, a build if there is none, Dobby, the
 * database, Django. Everything it makes lies in one state folder. It restarts nothing: when Dobby
 * ends it says how to start it again, when Django ends all is over. Stops on Ctrl-C or SIGTERM.
 *
 *     node examples/contacts/start.mjs [--django-port 8000] [--dobby-port 4020] [--state <folder>]
 *
 * A port that is taken is left alone and the next free one is used; 0 is any free port.
 */
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const HOST = '127.0.0.1';
const HERE = fileURLToPath(new URL('.', import.meta.url));
const ROOT = resolve(HERE, '../..');
const VENV = join(ROOT, 'python/.venv');
const PYTHON = join(VENV, 'bin/python');
const DOBBY = join(ROOT, 'server/dist/server/src/cli/main.js');
const PORTS_TO_TRY = 100;
const STOP_MS = 5_000;

/** Whoever wants the sample has no use for a Dobby that is configured in the shell. */
const ENVIRONMENT = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith('DOBBY_')),
);

const { values: options } = parseArgs({
  options: {
    'django-port': { type: 'string', default: '8000' },
    'dobby-port': { type: 'string', default: '4020' },
    state: { type: 'string', default: join(HERE, '.state') },
  },
});
const state = resolve(options.state);

/** What runs, each with a promise of its end. */
const running = new Map();
let isStopping = false;

async function main() {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stop(0));
  preparePython();
  prepareBuild();
  mkdirSync(state, { recursive: true, mode: 0o700 });

  const dobby = await startDobby(await freePort(options['dobby-port']));
  const environment = {
    ...ENVIRONMENT,
    CONTACTS_STATE_DIR: state,
    CONTACTS_SECRET_KEY: secretKey(),
    DOBBY_URL: dobby.url,
    DOBBY_API_KEY_FILE: join(state, 'dobby/api-key'),
    PYTHONUNBUFFERED: '1',
    DJANGO_RUNSERVER_HIDE_WARNING: 'true',
  };
  manage(environment, 'migrate', '--verbosity=0');
  const users = manage(environment, 'load_sample').trim();
  const { url } = await startDjango(await freePort(options['django-port']), environment);

  const other = url.replace(HOST, 'localhost');
  console.log(`
Contacts runs on ${url}
  ${users}
  as two users at once: ${url} and ${other} have cookies of their own
Dobby runs on ${dobby.url}, as process ${dobby.pid}: end it and see what the pages do
Ctrl-C stops both.
`);
}

/** Installs Cornelius and Django into python/.venv, which the tests of the repository use too. */
function preparePython() {
  if (succeeds(PYTHON, ['-c', 'import cornelius, django'])) return;
  console.log('contacts: installing Django and Cornelius into python/.venv, once');
  if (!succeeds(PYTHON, ['-m', 'pip', '--version'])) run('python3', ['-m', 'venv', VENV]);
  const quiet = ['--quiet', '--disable-pip-version-check'];
  run(PYTHON, ['-m', 'pip', 'install', ...quiet, '-e', `${join(ROOT, 'python')}[django]`]);
}

function prepareBuild() {
  if (existsSync(DOBBY) && existsSync(join(ROOT, 'server/dist/assets/pomona.js'))) return;
  console.log('contacts: building Dobby and Pomona, once');
  run(process.execPath, [join(ROOT, 'scripts/build.mjs')]);
}

/** Kept, so that nobody is logged out by a restart of the sample. */
function secretKey() {
  const file = join(state, 'secret-key');
  if (!existsSync(file)) writeFileSync(file, randomBytes(48).toString('base64url'), { mode: 0o600 });
  return readFileSync(file, 'utf8');
}

async function startDobby(port) {
  const folder = join(state, 'dobby');
  const command = (chosen) => [DOBBY, '--port', String(chosen), '--state-dir', folder];
  const dobby = await start({
    name: 'Dobby',
    command: [process.execPath, ...command(port)],
    env: ENVIRONMENT,
    said: /^Dobby listens on (\S+)/,
    ended: (how) => {
      const shown = command(new URL(dobby.url).port);
      console.log(
        `Dobby ended (${how}). Contacts goes on without it. To start it again:\n  node ${shown.join(' ')}`,
      );
    },
  });
  return dobby;
}

function startDjango(port, env) {
  return start({
    name: 'Django',
    command: [PYTHON, join(HERE, 'manage.py'), 'runserver', '--noreload', `${HOST}:${port}`],
    env,
    said: /^Starting development server at (\S+?)\/?$/,
    ended: (how) => fail(`Django ended (${how})`),
  });
}

/** Starts a process and resolves with its id and the address that it says it listens on. */
function start({ name, command: [program, ...args], env, said, ended }) {
  // A process group of its own: Ctrl-C reaches only us, and we end the others in order.
  const child = spawn(program, args, { env, detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((found, failed) => {
    let isUp = false;
    createInterface(child.stdout).on('line', (line) => {
      const url = said.exec(line)?.[1];
      if (url === undefined) return;
      isUp = true;
      found({ url, pid: child.pid });
    });
    const end = new Promise((over) => {
      child.on('error', (error) => over(String(error)));
      child.on('exit', (code, signal) => over(signal ?? `code ${code}`));
    });
    running.set(child, end);
    void end.then((how) => {
      running.delete(child);
      if (isStopping) return;
      if (isUp) ended(how);
      else failed(new Error(`${name} did not start (${how})`));
    });
  });
}

function manage(env, ...args) {
  return run(PYTHON, [join(HERE, 'manage.py'), ...args], env);
}

/** Finds a free port from `text` on; 0 leaves the choice to whoever listens. */
async function freePort(text) {
  const first = Number(text);
  if (!Number.isInteger(first) || first < 0 || first > 65_535) throw new Error(`"${text}" is no port`);
  if (first === 0) return 0;
  for (let port = first; port < Math.min(first + PORTS_TO_TRY, 65_536); port++)
    if (await isFree(port)) return port;
  throw new Error(`none of the ports from ${first} on is free`);
}

function isFree(port) {
  return new Promise((found) => {
    const server = createServer();
    server.once('error', () => found(false));
    server.listen(port, HOST, () => server.close(() => found(true)));
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

function fail(message) {
  console.error(`contacts: ${message}`);
  stop(1);
}

function succeeds(program, args) {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}

/** Runs a command and gives what it printed. */
function run(program, args, env = ENVIRONMENT) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', env });
  if (status === 0) return stdout;
  throw new Error(`${[program, ...args].join(' ')} failed\n${stdout ?? ''}${stderr ?? ''}${error ?? ''}`);
}

await main().catch((error) => fail(error.message));
