/** A clock that is turned by hand, a transport without a network, and a back end that answers when told. */
import type { UpFrame } from '../../protocol/frames.js';
import type { Core } from '../src/features.js';
import type {
  Clock,
  PomonaOptions,
  Transport,
  TransportContext,
  TransportEnd,
  TransportKind,
} from '../src/index.js';
import { Pomona } from '../src/index.js';

/** Time stands still until `advance`. */
export class FakeClock implements Clock {
  #now = 1_000_000;
  #timers = new Map<number, { at: number; run: () => void }>();
  #next = 1;

  now(): number {
    return this.#now;
  }

  setTimeout(run: () => void, ms: number): number {
    this.#timers.set(this.#next, { at: this.#now + ms, run });
    return this.#next++;
  }

  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as number);
  }

  /** How many timers are set. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Time passes while the machine sleeps, and timers with it: what became due is run by the next `advance`. */
  sleep(ms: number): void {
    this.#now += ms;
  }

  /** Lets time pass, timer by timer, with what each leads to. */
  async advance(ms: number): Promise<void> {
    await settled();
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#timers].filter(([, { at }]) => at <= end).sort((a, b) => a[1].at - b[1].at)[0];
      if (due === undefined) break;
      this.#timers.delete(due[0]);
      this.#now = Math.max(this.#now, due[1].at);
      due[1].run();
      await settled();
    }
    this.#now = end;
    await settled();
  }
}

/** All that was promised has happened. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await null;
}

/** One opened transport, in the hands of the test. The first is there before Pomona opens it, at the end of the tick. */
export class FakeTransport implements Transport {
  context!: TransportContext;
  readonly name: string;
  readonly sent: UpFrame[] = [];
  open: Extract<UpFrame, { type: 'open' }> | null = null;
  attempt = 0;
  closed: 'silently' | 'with farewell' | null = null;

  constructor(name: string) {
    this.name = name;
  }

  send(frames: readonly string[]): void {
    for (const frame of frames) this.sent.push(JSON.parse(frame) as UpFrame);
  }

  close(farewell: boolean): void {
    this.closed = farewell ? 'with farewell' : 'silently';
  }

  /** Dobby says something. */
  async says(...frames: unknown[]): Promise<void> {
    for (const frame of frames) this.context.frame(this.#asOf(frame));
    await settled();
  }

  /** The transport can send, and Dobby answers `opened`. */
  async opens(opened: Record<string, unknown> = {}): Promise<void> {
    await settled();
    this.asks();
    await this.says({
      type: 'opened',
      id: 'one',
      ticket: 'ticket-1',
      connection: 1,
      resumed: false,
      received: 0,
      pingIntervalMs: 25_000,
      ...opened,
    });
  }

  /** The transport can send. What counts the attempts is told apart: most tests are not about it. */
  asks(): void {
    const { attempt, ...open } = JSON.parse(this.context.firstFrame());
    this.open = open;
    this.attempt = attempt;
  }

  /** Decisions say as of which frame they were made; by default as of the last one that was sent. */
  #asOf(frame: unknown): unknown {
    const { type } = (frame ?? {}) as { readonly type?: unknown };
    if (type !== 'refused' && type !== 'unsubscribed') return frame;
    const received = Math.max(0, ...this.sent.map((sent) => ('n' in sent ? sent.n : 0)));
    return { received, ...(frame as object) };
  }

  async ends(end: Partial<TransportEnd> = {}): Promise<void> {
    await settled();
    this.context.ended({ message: 'gone', ...end });
    await settled();
  }

  /** What was sent after the `open` frame, of this type. */
  sentOf<T extends UpFrame['type']>(type: T): Extract<UpFrame, { type: T }>[] {
    return this.sent.filter((frame): frame is Extract<UpFrame, { type: T }> => frame.type === type);
  }
}

/** A request to the back end that waits for its answer. */
export interface Request {
  readonly url: string;
  readonly init: RequestInit;
  readonly body: { uid: string; paths: string[] };
  answer(status: number, body?: unknown): Promise<void>;
  fail(): Promise<void>;
}

/** A Pomona on fake transports, with everything that it did. */
export class Stage {
  readonly clock = new FakeClock();
  readonly transports: FakeTransport[] = [];
  readonly requests: Request[] = [];
  readonly events: unknown[][] = [];
  readonly pomona: Pomona;
  random = 0.5;

  constructor(options: PomonaOptions = {}, names: readonly string[] = ['fake']) {
    this.transports.push(new FakeTransport(names[0] ?? ''));
    this.pomona = new Pomona({
      url: 'http://dobby.test/comet',
      clock: this.clock,
      random: () => this.random,
      fetch: (url, init) => this.#fetch(String(url), init as RequestInit),
      transports: names.map((name) => this.#kind(name)),
      ...options,
    });
    for (const name of [
      'subscribed',
      'refused',
      'gap',
      'unsubscribed',
      'update',
      'state',
      'id',
      'kicked',
      'expired',
    ] as const)
      this.pomona.on(name, (event: unknown) => this.events.push([name, event]));
    this.pomona.on('error', ({ code }) => this.events.push(['error', code]));
  }

  /** The newest transport. */
  get transport(): FakeTransport {
    const newest = this.transports.at(-1);
    if (newest === undefined) throw new Error('no transport was opened');
    return newest;
  }

  /** The events of one name. */
  told(name: string): unknown[] {
    return this.events.filter(([told]) => told === name).map(([, event]) => event);
  }

  #kind(name: string): TransportKind {
    return {
      name,
      open: (context) => {
        const isFirst = this.transport.context === undefined;
        if (!isFirst) this.transports.push(new FakeTransport(name));
        this.transport.context = context;
        return this.transport;
      },
    };
  }

  #fetch(url: string, init: RequestInit): Promise<Response> {
    return new Promise((resolve, reject) => {
      this.requests.push({
        url,
        init,
        body: JSON.parse(String(init.body)),
        answer: async (status, body) => {
          resolve(new Response(body === undefined ? null : JSON.stringify(body), { status }));
          await settled();
          await new Promise((done) => setImmediate(done));
          await settled();
        },
        fail: async () => {
          reject(new TypeError('fetch failed'));
          await settled();
        },
      });
      init.signal?.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')));
    });
  }
}

/** A position in the epoch that tests use. */
export const at = (offset: number, epoch = 'aaaaaaaa') => ({ epoch, offset });
/** A `subscribed` frame for one path. */
export const subscribed = (path: string, position: unknown = at(0)) => ({
  type: 'subscribed',
  paths: [{ path, position }],
});
/** An update. */
export const update = (path: string, offset: number, epoch?: string) => ({
  path,
  message: offset,
  position: at(offset, epoch),
});

/** What the features of a Pomona work with; to be asked once. */
export function coreOf(pomona: Pomona): Core {
  let core: Core | undefined;
  pomona.extend('core of a test', (given) => {
    core = given;
    return {};
  });
  if (core === undefined) throw new Error('asked twice');
  return core;
}
