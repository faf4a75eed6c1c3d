/** Runs `start.mjs` as a user would, and reads what it prints. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const START_MS = 50_000;

/** A process whose lines can be waited for. */
export class Program {
  readonly child: ChildProcess;
  readonly #name: string;
  readonly #lines: string[] = [];
  #said = '';
  #wake: () => void = () => {};

  constructor(name: string, command: string, args: readonly string[], options: { shell?: boolean } = {}) {
    this.#name = name;
    this.child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'], ...options });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      createInterface(stream as NodeJS.ReadableStream).on('line', (line) => {
        this.#lines.push(line);
        this.#said += `${line}\n`;
        this.#wake();
      });
    }
    this.child.on('exit', () => this.#wake());
  }

  /** Resolves with the first line not yet taken that matches, and what its groups hold. */
  async line(pattern: RegExp, deadlineMs = START_MS): Promise<RegExpExecArray> {
    const deadline = AbortSignal.timeout(deadlineMs);
    const late = new Promise<void>((resolve) => deadline.addEventListener('abort', () => resolve()));
    for (;;) {
      for (let line = this.#lines.shift(); line !== undefined; line = this.#lines.shift()) {
        const found = pattern.exec(line);
        if (found !== null) return found;
      }
      if (deadline.aborted || this.child.exitCode !== null) {
        throw new Error(`${this.#name} did not say ${pattern}; it said:\n${this.#said}`);
      }
      await Promise.race([late, new Promise<void>((resolve) => (this.#wake = resolve))]);
    }
  }

  /** Ends it; resolves with its exit code, or the signal that ended it. */
  async end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const exit = once(this.child, 'exit');
      this.child.kill(signal);
      await exit;
    }
    return this.child.exitCode ?? this.child.signalCode;
  }
}

/** The sample, running on ports and in a state folder of its own. */
export class Sample {
  readonly url: string;
  readonly dobbyUrl: string;
  readonly password: string;
  readonly #state: string;
  readonly #program: Program;
  #dobbyProcess: number;
  #restarted: Program | null = null;

  static async start(): Promise<Sample> {
    const state = mkdtempSync(join(tmpdir(), 'contacts-'));
    const ports = ['--django-port', '0', '--dobby-port', '0'];
    const script = 'examples/contacts/start.mjs';
    const program = new Program('start.mjs', process.execPath, [script, ...ports, '--state', state]);
    const [, url = ''] = await program.line(/^Contacts runs on (\S+)/);
    const [, password = ''] = await program.line(/password: (\S+)$/);
    const [, dobby = '', pid] = await program.line(/^Dobby runs on (\S+), as process (\d+)/);
    return new Sample(program, state, { url, password, dobby, pid: Number(pid) });
  }

  private constructor(
    program: Program,
    state: string,
    said: { url: string; password: string; dobby: string; pid: number },
  ) {
    this.#program = program;
    this.#state = state;
    this.url = said.url;
    this.password = said.password;
    this.dobbyUrl = said.dobby;
    this.#dobbyProcess = said.pid;
  }

  /** Ends Dobby as a crash would; resolves with the command that the sample says starts it again. */
  async killDobby(): Promise<string> {
    process.kill(this.#dobbyProcess, 'SIGKILL');
    await this.#program.line(/^Dobby ended \(SIGKILL\)/);
    const [, command = ''] = await this.#program.line(/^ {2}(node .*)$/);
    return command;
  }

  /** Starts Dobby again, with the command that `killDobby` gave. */
  async restartDobby(command: string): Promise<void> {
    this.#restarted = new Program('Dobby', `exec ${command}`, [], { shell: true });
    await this.#restarted.line(/^Dobby listens on/);
  }

  /** Asks Dobby's API with the sample's key. */
  async api(method: string, body: object = {}): Promise<unknown> {
    const key = readFileSync(join(this.#state, 'dobby/api-key'), 'utf8').trim();
    const response = await fetch(`${this.dobbyUrl}/api/${method}`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
    return response.json();
  }

  /** Ends everything; resolves with the exit code of `start.mjs`. */
  async stop(): Promise<number | NodeJS.Signals | null> {
    const code = await this.#program.end('SIGTERM');
    await this.#restarted?.end('SIGTERM');
    rmSync(this.#state, { recursive: true, force: true });
    return code;
  }
}
