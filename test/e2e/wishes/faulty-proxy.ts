/** A TCP proxy between one client and Dobby that delays each direction of each connection, holds it, swallows it and cuts it. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { Dice } from '../../../client/test/model/dice.js';

const MOST_DELAY_MS = 80;
const MOST_HOLD_MS = 5_000;
const MOST_LIFE_MS = 6_000;

/** One direction of one connection: bytes arrive in order, later or never. */
class Pipe {
  readonly #delayMs: number;
  readonly #into: Socket;
  readonly #timers = new Set<NodeJS.Timeout>();
  #nextAt: number;
  isSwallowing = false;

  constructor(from: Socket, into: Socket, { delayMs, holdMs }: { delayMs: number; holdMs: number }) {
    this.#delayMs = delayMs;
    this.#into = into;
    this.#nextAt = performance.now() + holdMs;
    from.on('data', (bytes) => this.#later(() => into.write(bytes)));
    from.on('end', () => this.#later(() => into.end()));
    into.once('close', () => {
      for (const timer of this.#timers) clearTimeout(timer);
    });
  }

  #later(deliver: () => void): void {
    const now = performance.now();
    this.#nextAt = Math.max(this.#nextAt, now + this.#delayMs);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.isSwallowing && !this.#into.destroyed) deliver();
    }, this.#nextAt - now);
    this.#timers.add(timer);
  }
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  readonly up: Pipe;
  readonly down: Pipe;
}

/** The proxy of one client. */
export class FaultyProxy {
  readonly #server: Server;
  readonly #target: URL;
  readonly #dice: Dice;
  readonly #pairs = new Set<Pair>();
  #isCalm = false;
  /** Connections that came, and that were cut. */
  readonly figures = { connections: 0, cuts: 0, held: 0, swallowed: 0 };

  constructor(target: string, dice: Dice) {
    this.#target = new URL(target);
    this.#dice = dice;
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client));
  }

  /** Listens; returns its address. */
  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** From now on new connections have no faults. */
  calm(): void {
    this.#isCalm = true;
  }

  /** Cuts every connection. */
  cut(): void {
    for (const pair of this.#pairs) this.#end(pair);
  }

  /** One direction of every connection delivers nothing any more. */
  swallow(direction: 'up' | 'down'): void {
    this.figures.swallowed += this.#pairs.size;
    for (const pair of this.#pairs) pair[direction].isSwallowing = true;
  }

  /** Ends everything. */
  async stop(): Promise<void> {
    for (const { client, server } of this.#pairs) {
      client.destroy();
      server.destroy();
    }
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(client: Socket): void {
    this.figures.connections++;
    const dice = this.#dice;
    const server = connect({
      host: this.#target.hostname,
      port: Number(this.#target.port),
      allowHalfOpen: true,
    });
    const often = (probability: number): boolean => !this.#isCalm && dice.chance(probability);
    const pipe = (from: Socket, into: Socket): Pipe => {
      const isHeld = often(0.08);
      if (isHeld) this.figures.held++;
      const delayMs = this.#isCalm ? 0 : dice.int(0, MOST_DELAY_MS);
      return new Pipe(from, into, { delayMs, holdMs: isHeld ? dice.int(300, MOST_HOLD_MS) : 0 });
    };
    const pair: Pair = { client, server, up: pipe(client, server), down: pipe(server, client) };
    this.#pairs.add(pair);
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', () => this.#end(pair));
    }
    client.on('close', () => this.#closed(pair));
    server.on('close', () => this.#closed(pair));
    if (often(0.15)) this.#later(dice.int(20, MOST_LIFE_MS), pair, () => this.#end(pair));
    if (often(0.06))
      this.#later(dice.int(20, MOST_LIFE_MS), pair, () => this.#swallow(pair, dice.pick(['up', 'down'])));
  }

  #later(ms: number, { client }: Pair, run: () => void): void {
    const timer = setTimeout(run, ms);
    client.once('close', () => clearTimeout(timer));
  }

  #swallow(pair: Pair, direction: 'up' | 'down'): void {
    this.figures.swallowed++;
    pair[direction].isSwallowing = true;
  }

  #end(pair: Pair): void {
    if (!this.#pairs.delete(pair)) return;
    this.figures.cuts++;
    pair.client.resetAndDestroy();
    pair.server.resetAndDestroy();
  }

  /** One side has gone for good: what it sent before still arrives. */
  #closed(pair: Pair): void {
    if (!this.#pairs.has(pair)) return;
    if (!pair.client.destroyed || !pair.server.destroyed) return void this.#finish(pair);
    this.#pairs.delete(pair);
  }

  #finish({ client, server }: Pair): void {
    const rest = client.destroyed ? server : client;
    const timer = setTimeout(() => rest.destroy(), MOST_HOLD_MS + MOST_DELAY_MS);
    rest.once('close', () => clearTimeout(timer));
  }
}
