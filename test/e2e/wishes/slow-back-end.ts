/** A back end over HTTP whose connect and disconnect views take their time, fail now and then, and call Dobby's API. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Dice } from '../../../client/test/model/dice.js';

const MOST_MS = 100;

/** What it needs of Dobby. */
export interface BackEndTarget {
  readonly url: string;
  readonly apiKey: string;
}

interface Asked {
  readonly uid: string;
  readonly paths: readonly string[];
}

/** The back end of all clients. */
export class SlowBackEnd {
  readonly #server: Server;
  readonly #target: BackEndTarget;
  readonly #dice: Dice;
  /** Paths of these sequences are decided without faults. */
  readonly #calm = new Set<string>();
  readonly refused = new Set<string>();
  readonly figures = { connect: 0, disconnect: 0, failed: 0 };

  constructor(target: BackEndTarget, dice: Dice) {
    this.#target = target;
    this.#dice = dice;
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  /** Listens; returns its address. */
  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** From now on nothing fails for the paths below `prefix`. */
  calm(prefix: string): void {
    this.#calm.add(prefix);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += chunk;
    const asked = JSON.parse(text) as Asked;
    const isCalm = this.#calm.has(asked.paths[0]?.split('/')[0] ?? '');
    const isFailing = !isCalm && this.#dice.chance(0.15);
    const isEarly = this.#dice.chance(0.5);
    await this.#while();
    if (isFailing && isEarly) return this.#fail(response);
    const body =
      request.url === '/connect' ? await this.#connect(asked, isCalm) : await this.#disconnect(asked);
    await this.#while();
    if (isFailing) return this.#fail(response);
    if (body === null) response.statusCode = 503;
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify(body ?? {}));
  }

  async #connect({ uid, paths }: Asked, isCalm: boolean): Promise<object | null> {
    this.figures.connect++;
    const refused = isCalm ? [] : paths.filter(() => this.#dice.chance(0.02));
    for (const path of refused) this.refused.add(path);
    await this.#while();
    const granted = paths.filter((path) => !refused.includes(path));
    const isConnected = granted.length === 0 || (await this.#call('connect', { id: uid, paths: granted }));
    return isConnected ? { refused } : null;
  }

  async #disconnect({ uid, paths }: Asked): Promise<object> {
    this.figures.disconnect++;
    await this.#while();
    await this.#call('disconnect', { id: uid, paths });
    return {};
  }

  /** Calls a method of the API; says whether it took effect. */
  async #call(method: string, body: object): Promise<boolean> {
    const { url, apiKey } = this.#target;
    const headers = { Authorization: `Bearer ${apiKey}`, 'Content-Type': 'application/json' };
    const answer = await fetch(`${url}/api/${method}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    });
    await answer.arrayBuffer();
    return answer.ok;
  }

  #fail(response: ServerResponse): void {
    this.figures.failed++;
    if (this.#dice.chance(0.5)) response.destroy();
    else {
      response.statusCode = 500;
      response.end();
    }
  }

  #while(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, this.#dice.int(0, MOST_MS)));
  }
}
