/** Runs the `start.mjs` of a sample as a user would, and reads what it prints. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Program } from './program.js';

/** What a sample is made of. */
export type Part = 'Dobby' | 'Django';

/** The line that tells that a part is up. */
const UP = { Dobby: /^Dobby listens on/, Django: /^Starting development server at/ };

/** A sample, running on ports and in a state folder of its own. */
export class Sample {
  readonly url: string;
  readonly dobbyUrl: string;
  readonly password: string;
  readonly #state: string;
  readonly #program: Program;
  readonly #processes: Record<Part, number>;
  /** What a test has started again, with the command that did it. */
  readonly #restarted = new Map<Part, { program: Program; command: string }>();

  /** Starts the sample in the folder `name`. */
  static async start(name: string): Promise<Sample> {
    const state = mkdtempSync(join(tmpdir(), `${name}-`));
    const ports = ['--django-port', '0', '--dobby-port', '0'];
    const script = `examples/${name}/start.mjs`;
    const program = new Program('start.mjs', process.execPath, [script, ...ports, '--state', state]);
    const [, url = '', django] = await program.line(new RegExp(`^${name} runs on (\\S+), as process (\\d+)`));
    const [, password = ''] = await program.line(/password: (\S+)$/);
    const [, dobbyUrl = '', dobby] = await program.line(/^Dobby runs on (\S+), as process (\d+)/);
    const processes = { Django: Number(django), Dobby: Number(dobby) };
    return new Sample(program, state, { url, password, dobbyUrl, processes });
  }

  private constructor(
    program: Program,
    state: string,
    said: { url: string; password: string; dobbyUrl: string; processes: Record<Part, number> },
  ) {
    this.#program = program;
    this.#state = state;
    this.url = said.url;
    this.password = said.password;
    this.dobbyUrl = said.dobbyUrl;
    this.#processes = said.processes;
  }

  /** Sends a signal to a part. */
  signal(part: Part, signal: NodeJS.Signals): void {
    process.kill(this.#processes[part], signal);
  }

  /** Ends a part as a crash would; resolves with the command that the sample says starts it again. */
  async kill(part: Part): Promise<string> {
    const again = this.#restarted.get(part);
    if (again !== undefined) {
      await again.program.end('SIGKILL');
      return again.command;
    }
    this.signal(part, 'SIGKILL');
    await this.#program.line(new RegExp(`^${part} ended \\(SIGKILL\\)`));
    const [, command = ''] = await this.#program.line(/^ {2}(\S.*)$/);
    return command;
  }

  /** Starts a part again, with the command that `kill` gave. */
  async restart(part: Part, command: string): Promise<void> {
    const program = new Program(part, `exec ${command}`, [], { shell: true });
    this.#restarted.set(part, { program, command });
    await program.line(UP[part]);
    this.#processes[part] = program.child.pid as number;
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
    for (const { program } of this.#restarted.values()) await program.end('SIGTERM');
    rmSync(this.#state, { recursive: true, force: true });
    return code;
  }
}
