/** A real Dobby and a real Django that know of each other, each in a process of its own on a free port. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Program } from '../../../examples/test/program.js';
import { type ServerProcess, startServer } from '../server-process.js';

const MANAGE = fileURLToPath(new URL('app/manage.py', import.meta.url));
const PYTHON = fileURLToPath(new URL('../../../python/.venv/bin/python', import.meta.url));
const SECRETS = {
  DOBBY_API_KEY: 'an-api-key-of-the-tests-0123456789',
  DOBBY_WEBHOOK_SECRET: 'a-webhook-secret-of-the-tests-0123456789',
  DOBBY_TOKEN_SECRET: 'a-token-secret-of-the-tests-0123456789',
};

/** How a world differs from the plain one. */
export interface WorldOptions {
  /** Whether Dobby asks Django's session view. */
  readonly asksBackEnd?: boolean;
  /** More flags for Dobby. */
  readonly flags?: readonly string[];
  /** A host name under which Django's pages may connect, beside those of the loopback. */
  readonly host?: string;
}

/** What Django counted, by the last part of the URL: `session`, `connect`, `token`, … */
export type Counts = Readonly<Record<string, number>>;

export class World {
  readonly #state = mkdtempSync(join(tmpdir(), 'dobby-identity-'));
  readonly #djangoPort: number;
  readonly #flags: readonly string[];
  #dobby!: ServerProcess;
  #django: Program | null = null;

  /** Starts both. */
  static async start({ asksBackEnd = false, flags = [], host }: WorldOptions = {}): Promise<World> {
    const port = await freePort();
    const asking = asksBackEnd ? ['--session-url', `http://127.0.0.1:${port}/dobby/session`] : [];
    const allowed = host === undefined ? [] : ['--allowed-origins', `http://${host}:${port}`];
    const world = new World(port, [
      '--public',
      'open/{rest*}',
      '--log-level',
      'warn',
      ...asking,
      ...allowed,
      ...flags,
    ]);
    world.#dobby = await world.#runDobby(0);
    await world.startDjango().catch(async (error) => {
      await world.stop();
      throw error;
    });
    return world;
  }

  private constructor(djangoPort: number, flags: readonly string[]) {
    this.#djangoPort = djangoPort;
    this.#flags = ['--state-dir', join(this.#state, 'dobby'), ...flags];
  }

  /** The page, as seen under a host name. */
  page(host = 'localhost'): string {
    return `http://${host}:${this.#djangoPort}`;
  }

  /** Dobby's endpoint. */
  get endpoint(): string {
    return `${this.#dobby.url}/comet`;
  }

  /** The endpoint, as seen under a host name. */
  endpointAt(host: string): string {
    return `http://${host}:${this.#dobby.port}/comet`;
  }

  /** What Dobby printed since it was started last. */
  get dobbyOutput(): string {
    return this.#dobby.output();
  }

  #runDobby(port: number): Promise<ServerProcess> {
    return startServer(['--port', String(port), ...this.#flags], SECRETS);
  }

  /** Ends Dobby by a signal and starts it again where it was; `meanwhile` begins when it has ended. */
  async restartDobby(signal: 'SIGTERM' | 'SIGKILL', meanwhile?: () => void): Promise<void> {
    const { port } = this.#dobby;
    await this.#dobby.kill(signal);
    meanwhile?.();
    this.#dobby = await this.#runDobby(port);
  }

  /** Starts Django; `environment` differs from what fits Dobby. */
  async startDjango(environment: Readonly<Record<string, string>> = {}): Promise<void> {
    const variables: Record<string, string> = {
      ...SECRETS,
      DOBBY_URL: this.#dobby.url,
      APP_DOBBY_PORT: String(this.#dobby.port),
      APP_STATE: this.#state,
      PYTHONDONTWRITEBYTECODE: '1',
      DJANGO_RUNSERVER_HIDE_WARNING: 'true',
      ...environment,
    };
    const assignments = Object.entries(variables).map((each) => each.join('='));
    const command = [PYTHON, '-u', MANAGE, 'serve', `127.0.0.1:${this.#djangoPort}`];
    this.#django = new Program('Django', 'env', [...assignments, ...command]);
    await this.#django.line(/^Starting development server at/);
  }

  async stopDjango(): Promise<void> {
    await this.#django?.end('SIGKILL');
    this.#django = null;
  }

  async stop(): Promise<void> {
    await Promise.all([this.#dobby.kill('SIGKILL'), this.stopDjango()]);
    rmSync(this.#state, { recursive: true });
  }

  /** Asks Dobby's API. */
  async api<Answer = unknown>(method: string, body: object = {}): Promise<Answer> {
    const response = await fetch(`${this.#dobby.url}/api/${method}`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${SECRETS.DOBBY_API_KEY}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
    const answer = (await response.json()) as Answer;
    if (!response.ok) throw new Error(`${method}: ${JSON.stringify(answer)}`);
    return answer;
  }

  /** Publishes one update. */
  async publish(path: string, message: unknown): Promise<void> {
    await this.api('update', { path, message });
  }

  /** The ids of all sessions that Dobby knows. */
  async sessionIds(): Promise<string[]> {
    const { sessions } = await this.api<{ sessions: { id: string }[] }>('sessions', { limit: 1_000 });
    return sessions.map(({ id }) => id);
  }

  async counts(): Promise<Counts> {
    return (await (await fetch(`${this.page('127.0.0.1')}/counts/`)).json()) as Counts;
  }

  /** What was counted since `before` in the views that concern Dobby; those of zero are left out. */
  async countsSince(before: Counts): Promise<Counts> {
    const now = await this.counts();
    const names = ['session', 'connect', 'disconnect', 'token', 'path-token', 'join'];
    const rose = names.map((name) => [name, (now[name] ?? 0) - (before[name] ?? 0)] as const);
    return Object.fromEntries(rose.filter(([, count]) => count > 0));
  }

  /** Makes the session view answer HTML, or too late; `''` makes it well again. */
  async fault(kind: 'html' | 'late' | ''): Promise<void> {
    await fetch(`${this.page('127.0.0.1')}/fault/?kind=${kind}`);
  }

  /** Changes a user as an administrator would. */
  async change(user: string, what: { active?: boolean; crew?: boolean }): Promise<void> {
    const response = await fetch(`${this.page('127.0.0.1')}/change/`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ user, ...what }),
    });
    if (!response.ok) throw new Error(`change: HTTP ${response.status}`);
  }
}

/** Dobby has to know where Django will be before that runs. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
