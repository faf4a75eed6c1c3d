/** The back end's API over a world, asked without a socket. */
import { registerApi } from '../../src/api/http.js';
import { ApiKeys } from '../../src/auth/api-keys/api-keys.js';
import { createHttpServer } from '../../src/http/http-server.js';
import type { Log } from '../../src/observe/log.js';
import { createWorld, type World, type WorldOptions } from './world.js';

export const KEY = 'a-key-of-the-tests-0123';

/** What was answered; the body is whatever JSON it was. */
export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly body: any;
}

export interface Api {
  readonly world: World;
  /** What was logged as an error of the server. */
  readonly failures: object[];
  isStopping: boolean;
  /** `KEY`, and whatever a test adds. */
  readonly keys: ApiKeys;
  call(method: string, body: unknown, headers?: Record<string, string>): Promise<Answer>;
  get(url: string): Promise<Answer>;
  headersOf(url: string): Promise<object>;
  /** The API of the next server, to which this one hands everything over. */
  handOver(): Api;
}

/** Puts the API before a world. */
export function createApi(options: WorldOptions = {}): Api {
  return apiOf(createWorld(options));
}

function apiOf(world: World): Api {
  const failures: object[] = [];
  const ignore = () => {};
  const log: Log = { debug: ignore, info: ignore, warn: ignore, error: (fields) => failures.push(fields) };
  const app = createHttpServer(log);
  const startedAt = world.clock.now();
  const about = () => ({ version: '0.0.0-test', uptimeMs: world.clock.now() - startedAt });
  const api: Api = {
    world,
    failures,
    isStopping: false,
    keys: new ApiKeys([KEY]),
    async call(method, body, headers = {}) {
      const answer = await app.inject({
        method: 'POST',
        url: `/api/${method}`,
        headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json', ...headers },
        payload: typeof body === 'string' ? body : JSON.stringify(body),
      });
      world.clock.background();
      return { status: answer.statusCode, body: answer.json() };
    },
    async get(url) {
      const answer = await app.inject({ method: 'GET', url });
      return { status: answer.statusCode, body: answer.json() };
    },
    async headersOf(url) {
      return (await app.inject({ method: 'GET', url })).headers;
    },
    handOver() {
      return apiOf(world.handOver());
    },
  };
  registerApi(app, {
    ...world,
    keys: api.keys,
    about,
    isStopping: () => api.isStopping,
  });
  return api;
}
