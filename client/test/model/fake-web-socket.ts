/** A WebSocket of the page over the fake network. It follows the HTML standard where Pomona could rely on it. */
import type { WebSocketConstructor, WebSocketLike } from '../../src/index.js';
import type { Network } from './network.js';
import { ServerSocket } from './server-socket.js';
import type { Wire } from './wire.js';

const LOST = 1006;

/** The constructor for one network. */
export function webSocketOf(network: Network): WebSocketConstructor {
  return class extends FakeWebSocket {
    constructor(_url: string) {
      super(network);
    }
  };
}

class FakeWebSocket implements WebSocketLike {
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  readyState: 0 | 1 | 2 | 3 = 0;
  readonly #network: Network;
  readonly #wire: Wire;
  readonly #name: string;
  #server: ServerSocket | null = null;

  constructor(network: Network) {
    this.#network = network;
    const { wire, name } = network.wire('websocket');
    this.#wire = wire;
    this.#name = name;
    wire.onClientEnd = () => this.#closed(LOST, '');
    wire.onServerEnd = () => this.#server?.lost();
    const { refusal } = wire.conditions;
    if (refusal === null) wire.up.send(() => this.#handshake());
    else network.parts.time.after(5, () => this.#refused(refusal !== 'mute'));
  }

  send(data: string): void {
    if (this.readyState === 0) throw new DOMException('The WebSocket is connecting.', 'InvalidStateError');
    if (this.readyState !== 1) return;
    this.#network.parts.note(`${this.#name} > ${data}`);
    this.#wire.up.send(() => this.#arrived(data));
  }

  close(_code?: number): void {
    if (this.readyState >= 2) return;
    const wasConnecting = this.readyState === 0;
    this.readyState = 2;
    this.#network.parts.note(`${this.#name} closed by the client`);
    this.#wire.up.send(() => this.#server?.lost());
    if (wasConnecting) this.#network.parts.time.after(0, () => this.#closed(LOST, ''));
    else this.#wire.down.send(() => this.#closed(1000, ''));
  }

  #arrived(data: string): void {
    const { figures } = this.#network;
    if (this.readyState > 1 && data.startsWith('{"type":"open"')) figures.lateOpens++;
    if (data === '{"type":"probe","step":1}') figures.probes++;
    this.#server?.receive(data);
  }

  #handshake(): void {
    const { host } = this.#network.parts;
    if (host.isDown) {
      this.#wire.down.send(() => this.#closed(LOST, ''));
      return;
    }
    this.#server = new ServerSocket(host.parts, {
      text: (text) => this.#wire.down.send(() => this.#receive(text)),
      closed: (code, reason) => this.#wire.down.send(() => this.#closed(code, reason)),
    });
    this.#wire.down.send(() => this.#page(() => this.#opened()));
  }

  #opened(): void {
    if (this.readyState !== 0) return;
    this.readyState = 1;
    this.onopen?.({ type: 'open' } as never);
  }

  #receive(text: string): void {
    this.#page(() => {
      if (this.readyState !== 1) return;
      this.#network.parts.note(`${this.#name} < ${text}`);
      this.onmessage?.({ type: 'message', data: text } as never);
    });
  }

  /** A policy of the page that forbids it fires `error` and never `close` in Chromium. */
  #refused(isClosed: boolean): void {
    this.#page(() => this.onerror?.({ type: 'error' } as never));
    if (isClosed) this.#closed(LOST, '');
  }

  #closed(code: number, reason: string): void {
    this.#page(() => {
      if (this.readyState === 3) return;
      this.readyState = 3;
      this.#network.forget(this.#wire);
      this.#network.parts.note(`${this.#name} ended with ${code} ${reason}`);
      this.onclose?.({ type: 'close', code, reason } as never);
    });
  }

  #page(task: () => void): void {
    this.#network.parts.page.run(task);
  }
}
