/** The server under test: the built command line in a process of its own, restarted at the same port with the same state folder. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PATH_CONFIG } from './paths.mjs';

const MAIN = fileURLToPath(new URL('../../../server/dist/server/src/cli/main.js', import.meta.url));
const KEY = 'a-key-of-the-chaos-script-0123456789';
const START_MS = 20_000;
const EXIT_MS = 10_000;
const API_MS = 3_000;
const OUTPUT_CHARACTERS = 20_000;

export class Dobby {
  port = 0;
  restarts = 0;
  crashes = 0;
  /** What it printed last. */
  output = '';
  #folder = mkdtempSync(join(tmpdir(), 'dobby-chaos-'));
  /** @type {import('node:child_process').ChildProcess | null} */
  #child = null;

  /** Starts one. @param {{origins: readonly string[], pingIntervalMs: number, sessionTtlMs: number, grantWaitMs: number}} options */
  static async start(options) {
    if (!existsSync(MAIN)) throw new Error('the server is not built: npm run build');
    const dobby = new Dobby();
    const { origins, ...times } = options;
    const config = { ...PATH_CONFIG, ...times, allowedOrigins: origins, logLevel: 'warn' };
    writeFileSync(join(dobby.#folder, 'config.json'), JSON.stringify(config));
    await dobby.#spawn();
    return dobby;
  }

  /** Ends the process with `signal` and starts the next one. @param {'SIGTERM' | 'SIGKILL'} signal */
  async restart(signal) {
    if (signal === 'SIGTERM') this.restarts++;
    else this.crashes++;
    await this.#end(signal);
    await this.#spawn();
  }

  /** Calls a method of the API. Throws when the answer is not 200 or takes longer than 3 s. @param {string} method @param {object} body */
  async api(method, body) {
    const response = await fetch(`http://127.0.0.1:${this.port}/api/${method}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${KEY}` },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(API_MS),
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(`${method} was answered ${response.status} ${answer?.error?.code}`);
    return answer;
  }

  async stop() {
    await this.#end('SIGTERM');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #spawn() {
    const flags = ['--port', String(this.port), '--host', '127.0.0.1', '--state-dir', this.#folder];
    const child = spawn(process.execPath, [MAIN, ...flags, '--config', join(this.#folder, 'config.json')], {
      env: { ...process.env, DOBBY_API_KEY: KEY },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    let output = '';
    const url = await new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        child.kill('SIGKILL');
        reject(new Error(`the server has no address after ${START_MS} ms: ${output}`));
      }, START_MS);
      const take = (/** @type {unknown} */ chunk) => {
        output += String(chunk);
        this.output = (this.output + String(chunk)).slice(-OUTPUT_CHARACTERS);
        const found = /listens on (http:\S+)/.exec(output)?.[1];
        if (found === undefined) return;
        clearTimeout(late);
        resolve(found);
      };
      child.stdout.on('data', take);
      child.stderr.on('data', take);
      child.on('exit', (code) => reject(new Error(`the server ended with ${code}: ${output}`)));
    });
    this.port = Number(new URL(url).port);
  }

  /** @param {NodeJS.Signals} signal */
  async #end(signal) {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    const late = setTimeout(() => child.kill('SIGKILL'), EXIT_MS);
    child.kill(signal);
    await ended;
    clearTimeout(late);
  }
}
