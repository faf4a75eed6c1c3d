/** Starts an example by the lines of its README, in a copy of its folder and on ports of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from '../../../test/e2e/server-process.js';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const SOURCE = join(ROOT, 'examples/identity');
const MADE = /\.dobby|\.sqlite3|__pycache__|\/test/;
const UP_MS = 40_000;

/** Nobody's Dobby that is configured in the shell, and the Python of the repository. */
const ENVIRONMENT = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('DOBBY_'))),
  PATH: `${join(ROOT, 'python/.venv/bin')}:${process.env['PATH']}`,
};

/** The fenced blocks below a heading of the README. */
export function blocksOf(heading: string): string[] {
  const page = readFileSync(join(SOURCE, 'README.md'), 'utf8');
  const chapter = page.split(/^## /m).find((text) => text.startsWith(heading)) ?? '';
  return [...chapter.matchAll(/^```\w*\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block);
}

/** An example that runs. */
export class Example {
  readonly url: string;
  readonly dobbyUrl: string;
  readonly #folder: string;
  readonly #name: string;
  #child: ChildProcess | null = null;
  #output = '';

  /** Runs the lines that stand below `heading`; resolves when Dobby, and what `isUp` asks for, are there. */
  static async start(
    heading: string,
    { hasBackEnd = true, change = (lines: string) => lines } = {},
  ): Promise<Example> {
    const example = new Example(heading.toLowerCase(), await freePort(), await freePort());
    example.#run(change(blocksOf(heading)[0] ?? ''));
    await example.#isUp(`${example.dobbyUrl}/health`);
    if (hasBackEnd) await example.#isUp(`${example.url}/session.html`);
    return example;
  }

  private constructor(name: string, dobbyPort: number, port: number) {
    this.#name = name;
    this.url = `http://127.0.0.1:${port}`;
    this.dobbyUrl = `http://127.0.0.1:${dobbyPort}`;
    this.#folder = mkdtempSync(join(tmpdir(), `dobby-identity-${name}-`));
    const copy = join(this.#folder, 'examples/identity');
    cpSync(SOURCE, copy, { recursive: true, filter: (file) => !MADE.test(file.slice(SOURCE.length)) });
    symlinkSync(join(ROOT, 'node_modules'), join(this.#folder, 'node_modules'));
    for (const file of readdirSync(copy, { recursive: true, withFileTypes: true })) {
      if (!file.isFile()) continue;
      const path = join(file.parentPath, file.name);
      writeFileSync(path, this.#withPorts(readFileSync(path, 'utf8')));
    }
  }

  #withPorts(text: string): string {
    return text
      .replaceAll('127.0.0.1:4020', new URL(this.dobbyUrl).host)
      .replaceAll(/\b8000\b/g, new URL(this.url).port);
  }

  #run(lines: string): void {
    const env = { ...ENVIRONMENT, DOBBY_PORT: new URL(this.dobbyUrl).port };
    const options = {
      cwd: this.#folder,
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'],
    };
    this.#child = spawn('bash', ['-ec', this.#withPorts(lines)], options);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk) => {
        this.#output += String(chunk);
      });
    }
  }

  async #isUp(url: string): Promise<void> {
    const deadline = Date.now() + UP_MS;
    while (
      !(await fetch(url).then(
        ({ ok }) => ok,
        () => false,
      ))
    ) {
      if (Date.now() > deadline) throw new Error(`${url} does not answer: ${this.#output}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** What it has printed. */
  get output(): string {
    return this.#output;
  }

  /** Waits until it has printed something. */
  prints(text: string): Promise<void> {
    return eventually(
      () => this.#output.includes(text),
      () => `"${text}" in ${this.#output}`,
    );
  }

  /** Its own folder, in which Dobby was started. */
  get folder(): string {
    return join(this.#folder, 'examples/identity', this.#name);
  }

  /** What Dobby has made in its state folder. */
  secret(name: string): string {
    return readFileSync(join(this.folder, '.dobby', name), 'utf8').trim();
  }

  /** Asks Dobby's API. */
  async api(method: string, body: object = {}): Promise<Record<string, unknown>> {
    const headers = { Authorization: `Bearer ${this.secret('api-key')}`, 'Content-Type': 'application/json' };
    const response = await fetch(`${this.dobbyUrl}/api/${method}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    });
    return (await response.json()) as Record<string, unknown>;
  }

  /** Ends all of it at once. */
  async stop(): Promise<void> {
    const pid = this.#child?.pid ?? 0;
    // The shell may have ended before Dobby, which it has put into the background.
    if (pid > 0)
      await eventually(
        () => !signalGroup(pid, 'SIGKILL'),
        () => 'the end of the example',
      );
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Whether there is a process of the group that was signalled. */
function signalGroup(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(-pid, signal);
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
