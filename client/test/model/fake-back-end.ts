/** The page's own back end: the connect view and the disconnect view, each with time for the way there, the work and the way back. */
import { Dice } from './dice.js';
import type { FakePage } from './fake-page.js';
import type { Host } from './host.js';
import type { Time } from './time.js';

/** The two views. */
export const CONNECT_URL = 'http://app.test/connect';
export const DISCONNECT_URL = 'http://app.test/disconnect';
const MOST_MS = 300;
/** A view that is slow may take longer than its client waits. */
const SLOW_MS = 15_000;

/** What becomes of a request. `lost` before the work or after it: no answer comes, with or without an error. */
type Fate =
  | 'answered'
  | 'slow'
  | 'failed first'
  | 'failed after'
  | 'lost first'
  | 'lost after'
  | 'cut first'
  | 'cut after';
const FAULTS: readonly [Fate, ...Fate[]] = [
  'slow',
  'failed first',
  'failed after',
  'lost first',
  'lost after',
  'cut first',
  'cut after',
];

const UNKNOWN: readonly [FakeAnswer, ...FakeAnswer[]] = [
  { status: 404, body: { error: { code: 'unknown_session', message: 'There is no session of this id.' } } },
  { status: 503, body: null },
  { status: 200, body: {} },
];

/** What a back end stands on. */
export interface BackEndParts {
  readonly seed: number;
  readonly time: Time;
  readonly page: FakePage;
  readonly host: Host;
  readonly note: (what: string) => void;
  readonly fail: (what: string) => void;
  /** Whether the page wants a path now. */
  readonly isWanted: (path: string) => boolean;
}

interface Asked {
  readonly uid: string;
  readonly paths: readonly string[];
}

/** A back end that allows every path, but for a few refusals. */
export class FakeBackEnd {
  readonly #parts: BackEndParts;
  readonly #faultRate: number;
  readonly #refusalRate: number;
  /** What the connect view answers where Dobby does not know the session: as Cornelius does, as a failure, or nothing special. */
  readonly #unknown: FakeAnswer;
  /** Requests that the client waits for, by session and path. */
  readonly #underWay = new Set<string>();
  #count = 0;
  #isCalm = false;
  /** Paths that it has refused at least once. */
  readonly refused = new Set<string>();
  /** Requests of each view. */
  readonly requests = { connect: 0, disconnect: 0 };

  constructor(parts: BackEndParts) {
    this.#parts = parts;
    const dice = new Dice(parts.seed, 'back end');
    this.#faultRate = dice.pick([0, 0.05, 0.3]);
    this.#refusalRate = dice.pick([0, 0, 0.1]);
    this.#unknown = dice.pick(UNKNOWN);
  }

  /** From now on nothing fails. */
  calm(): void {
    this.#isCalm = true;
  }

  /** The page has gone: what was asked before counts no more. */
  forget(): void {
    this.#underWay.clear();
  }

  /** The page's `fetch` to one of the views. */
  fetch(url: string, init: RequestInit): Promise<Response> {
    const { seed, time, page, note } = this.#parts;
    const number = this.#count++;
    const dice = new Dice(seed, 'request', number);
    const name = `${url === CONNECT_URL ? 'connect' : 'disconnect'} view #${number}`;
    const asked = JSON.parse(String(init.body)) as Asked;
    note(`${name} > ${asked.paths} of ${asked.uid}`);
    const done = this.#begin(url, asked);
    const fate = !this.#isCalm && dice.chance(this.#faultRate) ? dice.pick(FAULTS) : 'answered';
    return new Promise((resolve, reject) => {
      const { signal } = init;
      const later = (task: () => void) => time.after(dice.int(0, MOST_MS), task);
      const settle = (what: string, run: () => void): void =>
        page.run(() => {
          note(`${name} < ${what}`);
          done();
          run();
        });
      const end = (answer: FakeAnswer): void => {
        if (fate.startsWith('lost')) return;
        if (fate.startsWith('cut')) settle('cut', () => reject(new TypeError('fetch failed')));
        else settle(`${answer.status} ${JSON.stringify(answer.body)}`, () => resolve(responseOf(answer)));
      };
      const abort = (): void => {
        done();
        reject(signal?.reason);
      };
      if (signal?.aborted) abort();
      signal?.addEventListener('abort', abort);
      later(() => {
        if (fate.endsWith('first')) return void later(() => end({ status: 500, body: null }));
        time.after(
          fate === 'slow' ? dice.int(MOST_MS, SLOW_MS) : dice.int(0, MOST_MS),
          () =>
            void this.#work(url, asked, dice).then((answer) =>
              later(() => end(fate === 'failed after' ? { status: 500, body: null } : answer)),
            ),
        );
      });
    });
  }

  /** Of one path one request at a time is under way, and no path that is wanted is released. Returns what ends the request. */
  #begin(url: string, { uid, paths }: Asked): () => void {
    const { fail, isWanted } = this.#parts;
    const keys = paths.map((path) => `${uid} ${path}`);
    for (const [index, key] of keys.entries()) {
      const path = paths[index] ?? '';
      if (this.#underWay.has(key)) fail(`${path}: two requests to the views are under way`);
      if (url === DISCONNECT_URL && isWanted(path)) fail(`${path} is released, though it is wanted`);
      this.#underWay.add(key);
    }
    let isDone = false;
    return () => {
      if (isDone) return;
      isDone = true;
      for (const key of keys) this.#underWay.delete(key);
    };
  }

  async #work(url: string, { uid, paths }: Asked, dice: Dice): Promise<FakeAnswer> {
    const { host, note } = this.#parts;
    if (host.isDown) return { status: 500, body: null };
    const { sessions } = host.world;
    if (url === DISCONNECT_URL) {
      this.requests.disconnect++;
      note(`the disconnect view takes ${paths} from ${uid}`);
      await sessions.admin.disconnect(uid, paths);
      return { status: 200, body: {} };
    }
    this.requests.connect++;
    const refused = this.#isCalm ? [] : paths.filter(() => dice.chance(this.#refusalRate));
    for (const path of refused) this.refused.add(path);
    const granted = paths.filter((path) => !refused.includes(path));
    note(`the connect view grants ${granted} to ${uid}`);
    const outcome = granted.length > 0 ? sessions.connect(uid, granted) : { value: [] };
    if ('error' in outcome) return this.#unknown;
    if (granted.length === 0 && dice.chance(0.5)) return { status: 403, body: null };
    return { status: 200, body: { refused } };
  }
}

interface FakeAnswer {
  readonly status: number;
  readonly body: unknown;
}

function responseOf({ status, body }: FakeAnswer): Response {
  const text = body === null ? '' : JSON.stringify(body);
  const headers = new Headers({ 'Content-Type': 'application/json' });
  const response = {
    ...{ status, ok: status < 300, headers, redirected: false, type: 'basic', url: '' },
    text: async () => text,
    json: async () => JSON.parse(text) as unknown,
  };
  return response as unknown as Response;
}
