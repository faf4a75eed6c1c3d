/** A process whose lines can be waited for. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const START_MS = 50_000;

/** One process. */
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
