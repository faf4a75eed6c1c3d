/** `dobby`: serves until it is told to stop, and says how to begin. */
import { join } from 'node:path';
import { loadConfig } from '../config/sources.js';
import { unknownVariables } from '../config/variables.js';
import { createDobby, type Dobby } from '../dobby.js';
import { keepHeapSmall } from './heap.js';

const COUNTERS_EVERY_MS = 1_000;
const PARENT_EVERY_MS = 250;
/** A supervisor may rely on 2 s. */
const STOP_MS = 1_900;
/** A signal that comes so soon after another is the same one: a terminal tells the whole group, and a wrapper in it passes it on. */
const SAME_SIGNAL_MS = 200;
const warn = (message: string): void => void process.stderr.write(`dobby: ${message}\n`);
const say = (line: string): void => void process.stdout.write(`${line}\n`);
// Whoever read the output may have gone; a server does not end for that.
process.stdout.on('error', () => undefined);

/** Starts a server from flags, environment and file. Resolves when it listens, or was told to stop before. */
export async function serve(flags: Record<string, unknown>): Promise<void> {
  for (const { name, nearest } of unknownVariables(process.env)) {
    warn(`${name} is no setting of Dobby and is ignored; did you mean ${nearest}?`);
  }
  const file = flags['config'] as string | undefined;
  const config = loadConfig({ file, environment: process.env, flags, onWarning: warn });
  const dobby = createDobby(config);
  // Before it starts: a signal that ended it while it loads a handoff would cost that.
  const isStopping = stopOnSignals(dobby);
  try {
    greet(dobby, await dobby.start());
    // What a start reads lives on: until here the heap may grow quickly.
    keepHeapSmall();
  } catch (error) {
    if (!isStopping()) throw error;
    return;
  }
  if (config.counters) printCounters(dobby);
}

/** The key is printed to a terminal only: elsewhere output is kept, and a key in a log is a key lost. */
function greet(dobby: Dobby, url: string): void {
  const { config, apiKey } = dobby;
  say(`Dobby listens on ${url}`);
  say(`  clients: ${url}${config.endpoint}    API: ${url}/api    health: ${url}/health`);
  const isTerminal = process.stdout.isTTY === true;
  const keyFile = join(config.stateDir, 'api-key');
  const keyAdvice = config.apiKey === undefined ? `head -n1 ${keyFile}` : 'the one in DOBBY_API_KEY';
  const keyInShell = config.apiKey === undefined ? `$(head -n1 ${keyFile})` : '$DOBBY_API_KEY';
  if (dobby.modules.length > 0) say(`  commands: ${dobby.modules.join(', ')}`);
  if (config.commandUrl !== undefined)
    say(`  commands go to ${config.commandUrl}${dobby.modules.length > 0 ? ' otherwise' : ''}`);
  if (apiKey.isNew) say(`  an API key was made: ${isTerminal ? apiKey.key : `see ${keyFile}`}`);
  if (!config.demo) return;
  say('');
  say('Open this page, twice if you like, send an update and see it arrive:');
  say(`  ${url}/demo${isTerminal ? `#key=${apiKey.key}` : `    (it asks for the key: ${keyAdvice})`}`);
  say('or read it with curl in one terminal:');
  say(`  curl -N "${url}${config.endpoint}?path=demo/hello"`);
  say('and send with curl in another:');
  say(
    `  curl "${url}/api/update" -H "Authorization: Bearer ${keyInShell}" -H "Content-Type: application/json" -d '{"path":"demo/hello","message":"Hello!"}'`,
  );
}

function printCounters(dobby: Dobby): void {
  let last = dobby.info;
  const timer = setInterval(() => {
    const now = dobby.info;
    say(
      `sessions ${now.sessions}  connections ${now.connections}  paths ${now.paths}  subscriptions ${now.subscriptions}  ` +
        `updates ${now.updates} (+${now.updates - last.updates})  deliveries ${now.deliveries} (+${now.deliveries - last.deliveries})`,
    );
    last = now;
  }, COUNTERS_EVERY_MS);
  timer.unref();
}

/** The first signal stops in order and within 2 s, a second one at once. Answers a function that tells whether there was one. */
function stopOnSignals(dobby: Dobby): () => boolean {
  let stoppedAt: number | null = null;
  const stop = (): void => {
    const now = performance.now();
    if (stoppedAt !== null) {
      if (now - stoppedAt >= SAME_SIGNAL_MS) process.exit(1);
      return;
    }
    stoppedAt = now;
    setTimeout(() => {
      process.stderr.write(`dobby: stopping took more than ${STOP_MS} ms\n`);
      dobby.abandon();
      process.exit(1);
    }, STOP_MS);
    void dobby.stop().then(() => process.exit(0));
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  watchPackageScript(stop);
  return () => stoppedAt !== null;
}

/**
 * Calls `onExit` once after the package manager's script (npm, pnpm, yarn, npx) that started this process has ended. Its
 * shell forwards no signals: a supervisor that ends npm would leave the server running on its port.
 */
function watchPackageScript(onExit: () => void): void {
  const parent = process.ppid;
  // Process 1 as parent: the script has ended already, and this process was meant to outlive it.
  if (process.env['npm_lifecycle_event'] === undefined || parent === 1) return;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    onExit();
  }, PARENT_EVERY_MS);
  timer.unref();
}
