/** The page's `fetch` to Dobby over the fake network: one connection for each request. */
import type { Network } from './network.js';
import { ServerExchange } from './server-exchange.js';
import type { Purpose } from './weather.js';
import type { Wire } from './wire.js';

const PROXY_PAGE = '<html>The proxy says no.</html>';
const PURPOSES: Readonly<Record<string, Purpose>> = {
  open: 'long-poll',
  poll: 'poll',
  send: 'send',
  probe: 'probe',
};

/** The `fetch` of one network. */
export function fetchOf(network: Network): typeof fetch {
  return (_url, init = {}) => new Request(network, init).response;
}

/** What has come of an answer, and who reads it. */
class Body {
  readonly #chunks: Uint8Array[] = [];
  #end: 'open' | 'ended' | { readonly error: unknown } = 'open';
  #wake: () => void = () => {};

  push(bytes: Uint8Array): void {
    this.#chunks.push(bytes);
    this.#wake();
  }

  end(): void {
    if (this.#end === 'open') this.#end = 'ended';
    this.#wake();
  }

  fail(error: unknown): void {
    if (this.#end === 'open') this.#end = { error };
    this.#wake();
  }

  async read(): Promise<{ done: boolean; value: Uint8Array | undefined }> {
    while (this.#chunks.length === 0 && this.#end === 'open')
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    if (typeof this.#end === 'object') throw this.#end.error;
    const value = this.#chunks.shift();
    return { done: value === undefined, value };
  }

  async text(): Promise<string> {
    const chunks: Uint8Array[] = [];
    for (;;) {
      const { value } = await this.read();
      if (value === undefined) return Buffer.concat(chunks).toString();
      chunks.push(value);
    }
  }
}

class Request {
  readonly response: Promise<Response>;
  readonly #network: Network;
  readonly #wire: Wire;
  readonly #name: string;
  readonly #body = new Body();
  #resolve: (response: Response) => void = () => {};
  #reject: (error: unknown) => void = () => {};
  #exchange: ServerExchange | null = null;
  #isOver = false;
  #deafen: () => void = () => {};

  constructor(network: Network, init: RequestInit) {
    this.#network = network;
    this.response = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const body = String(init.body);
    const accept = new Headers(init.headers).get('accept') ?? '*/*';
    const { type } = JSON.parse(body) as { type: string };
    const isStream = accept.includes('event-stream');
    const { wire, name } = network.wire(isStream ? 'event-stream' : (PURPOSES[type] ?? 'probe'));
    this.#wire = wire;
    this.#name = name;
    network.parts.note(`${name} > ${body}`);
    this.#listenTo(init.signal);
    wire.onClientEnd = () => this.#fail('the connection was cut');
    wire.onServerEnd = () => this.#exchange?.lost();
    if (wire.conditions.isBuffered && isStream) wire.down.buffer();
    if (!this.#isOver) this.#send(wire, { body, accept });
  }

  #listenTo(signal: AbortSignal | null | undefined): void {
    if (!signal) return;
    const abort = (): void => this.#abort(signal.reason);
    this.#deafen = () => signal.removeEventListener('abort', abort);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort);
  }

  #send({ up, down, conditions }: Wire, posted: { body: string; accept: string }): void {
    const { refusal } = conditions;
    if (refusal === 'mute') return;
    if (refusal === 'refused') up.send(() => this.#fail('the connection was refused'));
    else if (refusal !== null)
      up.send(() => {
        down.send(() => this.#head(refusal, { 'Content-Type': 'text/html' }));
        down.send(() => this.#chunk(Buffer.from(PROXY_PAGE)));
        down.send(() => this.#end());
      });
    else up.send(() => this.#arrived(posted));
  }

  #arrived(posted: { body: string; accept: string }): void {
    const { down } = this.#wire;
    const { figures } = this.#network;
    if (this.#isOver && posted.body.startsWith('{"type":"open"')) figures.lateOpens++;
    if (posted.body === '{"type":"probe","step":1}') figures.probes++;
    const { host, time } = this.#network.parts;
    if (host.isDown) {
      down.flush();
      down.send(() => this.#fail('nothing listens'));
      return;
    }
    const sink = {
      head: (status: number, headers: Record<string, string>) => down.send(() => this.#head(status, headers)),
      chunk: (bytes: Uint8Array) => down.send(() => this.#chunk(bytes)),
      end: () => {
        down.send(() => this.#end());
        down.flush();
      },
    };
    this.#exchange = new ServerExchange(posted, sink, (task) => void time.after(0, task));
    void this.#exchange.handle(host.post);
  }

  #head(status: number, headers: Record<string, string>): void {
    this.#page(() => {
      if (this.#isOver) return;
      this.#network.parts.note(`${this.#name} < ${status}`);
      const body = this.#body;
      const reader = { read: () => body.read(), cancel: async () => this.#abort(new Error('cancelled')) };
      const response = {
        ...{ status, ok: status >= 200 && status < 300, headers: new Headers(headers) },
        ...{ redirected: false, type: 'basic', url: '', body: { getReader: () => reader } },
        text: () => body.text(),
        json: async () => JSON.parse(await body.text()) as unknown,
      };
      this.#resolve(response as unknown as Response);
    });
  }

  #chunk(bytes: Uint8Array): void {
    this.#page(() => {
      if (this.#isOver) return;
      this.#network.parts.note(`${this.#name} < ${Buffer.from(bytes).toString().trim()}`);
      this.#body.push(bytes);
    });
  }

  #end(): void {
    this.#page(() => {
      this.#over();
      this.#body.end();
    });
  }

  #fail(why: string): void {
    this.#page(() => {
      if (this.#isOver) return;
      this.#network.parts.note(`${this.#name}: ${why}`);
      this.#give(new TypeError('fetch failed'));
    });
  }

  /** The client wants no answer any more. */
  #abort(reason: unknown): void {
    if (this.#isOver) return;
    this.#network.parts.note(`${this.#name} aborted by the client`);
    this.#wire.up.send(() => this.#exchange?.lost());
    this.#give(reason);
  }

  #give(error: unknown): void {
    this.#over();
    this.#reject(error);
    this.#body.fail(error);
  }

  #over(): void {
    this.#isOver = true;
    this.#deafen();
    this.#network.forget(this.#wire);
  }

  #page(task: () => void): void {
    this.#network.parts.page.run(task);
  }
}
