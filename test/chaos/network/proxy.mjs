/**
 * A proxy in front of Dobby that does harm: to each HTTP request and each WebSocket the fault that the seed drew for it. While it
 * is calm everything passes at once; a stream that was swallowed stays dead, because its bytes are gone.
 */
import { createServer, request as httpRequest } from 'node:http';
import { Calm } from './calm.mjs';
import { noFault } from './faults.mjs';
import { passWebSocket } from './web-socket.mjs';

const BUFFER_MS = 30_000;
/** A late request stays open so long after its answer, then the proxy notices that its client has gone. */
const LINGER_MS = 300;
const HOP_BY_HOP = ['connection', 'keep-alive', 'transfer-encoding', 'proxy-connection'];

/** @typedef {import('node:http').IncomingMessage} Incoming @typedef {import('node:http').ServerResponse} Outgoing @typedef {import('./faults.mjs').Fault} Fault */

export class HostileProxy {
  port = 0;
  calm = new Calm();
  faults;
  /** Cuts what is under way. @type {Set<() => void>} */
  #live = new Set();
  #targetPort;
  #server = createServer((request, response) => {
    this.#pass(request, response).catch(() => response.destroy());
  });

  /** @param {import('./faults.mjs').Faults} faults @param {() => number} targetPort */
  constructor(faults, targetPort) {
    this.faults = faults;
    this.#targetPort = targetPort;
    this.#server.on('upgrade', (request, socket, head) => {
      passWebSocket({ request, socket, head, port: this.#targetPort() }, this.#draw(), this);
    });
    this.#server.on('clientError', (_error, socket) => socket.destroy());
    this.#server.requestTimeout = 0;
  }

  get counts() {
    return this.faults.counts;
  }

  async listen() {
    await new Promise((resolve) => this.#server.listen(0, '127.0.0.1', () => resolve(undefined)));
    this.port = /** @type {import('node:net').AddressInfo} */ (this.#server.address()).port;
  }

  stop() {
    this.calm.set(true);
    this.#server.close();
    this.#server.closeAllConnections();
    for (const cut of [...this.#live]) cut();
  }

  /** Cuts every live connection with this probability: an outage. @param {number} probability */
  storm(probability) {
    for (const cut of [...this.#live]) if (this.faults.is(probability)) cut();
  }

  /** Enters a connection; returns the function that takes it out. @param {() => void} cut @param {number} cutMs */
  enter(cut, cutMs) {
    const counted = () => {
      leave();
      this.counts.cuts++;
      cut();
    };
    const cancel = this.calm.later(cutMs, counted);
    const leave = () => {
      cancel();
      this.#live.delete(counted);
    };
    this.#live.add(counted);
    return leave;
  }

  #draw() {
    return this.calm.isOn ? noFault() : this.faults.draw();
  }

  /** @param {Incoming} request @param {Outgoing} response */
  async #pass(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const isPost = request.method === 'POST';
    const fault = isPost ? this.#draw() : noFault();
    if (fault.status !== null) return this.#answer(request, response, fault.status);
    const { socket } = request;
    const leave = this.enter(
      () => (fault.isReset ? socket.resetAndDestroy() : socket.destroy()),
      fault.cutMs,
    );
    response.once('close', leave);
    await this.calm.wait(fault.holdMs || this.faults.jitterMs(fault));
    if (fault.swallowUpMs === Number.POSITIVE_INFINITY || this.calm.isOn)
      this.#forward({ request, response, body }, fault);
    else this.counts.swallowed++; // on the way up: the request never arrives, and the client waits
  }

  /** @param {{request: Incoming, response: Outgoing, body: Buffer}} exchange @param {Fault} fault */
  #forward({ request, response, body }, fault) {
    const { method, url, headers } = request;
    const own = withoutHops(headers);
    const upstream = httpRequest({
      port: this.#targetPort(),
      host: '127.0.0.1',
      method,
      path: url,
      headers: own,
      agent: false,
    });
    const hasLeft = response.destroyed;
    if (hasLeft && fault.holdMs > 0) this.#countLate(body, upstream);
    else response.once('close', () => upstream.destroy());
    upstream.on('error', () => {
      if (!response.headersSent) this.#answer(request, response, 502);
      else response.destroy();
    });
    upstream.on('response', (answer) => {
      this.#deliver(answer, response, fault).catch(() => response.destroy());
    });
    upstream.end(body);
  }

  /** @param {Buffer} body @param {import('node:http').ClientRequest} upstream */
  #countLate(body, upstream) {
    const isOpen = body.includes('"type":"open"');
    upstream.on('response', () => {
      this.counts[isOpen ? 'lateOpens' : 'lateOthers']++;
      setTimeout(() => upstream.destroy(), LINGER_MS);
    });
  }

  /** @param {Incoming} answer @param {Outgoing} response @param {Fault} fault */
  async #deliver(answer, response, fault) {
    const isStream = String(answer.headers['content-type']).startsWith('text/event-stream');
    let swallowed = false;
    const stopSwallowing = this.calm.later(fault.swallowDownMs, () => {
      if (response.destroyed) return;
      swallowed = true;
      this.counts.swallowed++;
    });
    response.once('close', stopSwallowing);
    let held = /** @type {Promise<void> | null} */ (null);
    if (fault.isBuffered && isStream) {
      this.counts.buffered++;
      const ended = new Promise((resolve) => answer.once('end', resolve));
      held = Promise.race([this.calm.wait(BUFFER_MS), ended.then(() => undefined)]);
    }
    response.writeHead(answer.statusCode ?? 502, withoutHops(answer.headers));
    if (isStream && held === null) response.flushHeaders();
    const chunks = held === null ? answer : await this.#collect(answer, held, response);
    for await (const chunk of chunks) {
      await this.calm.wait(this.faults.jitterMs(fault));
      if (!swallowed) response.write(chunk);
    }
    if (!swallowed) response.end();
  }

  /** Resolves with the stream when `held` is over; until then its bytes wait in memory. @param {Incoming} answer @param {Promise<void>} held @param {Outgoing} response */
  async #collect(answer, held, response) {
    /** @type {Buffer[]} */
    const chunks = [];
    const take = (/** @type {Buffer} */ chunk) => chunks.push(chunk);
    answer.on('data', take);
    await held;
    answer.off('data', take);
    answer.pause();
    for (const chunk of chunks) response.write(chunk);
    return answer.readableEnded ? [] : answer;
  }

  /** Answers as a box in between does. Half of these answers a page may read. @param {Incoming} request @param {Outgoing} response @param {number} status */
  #answer(request, response, status) {
    if (response.destroyed) return;
    this.counts.answered++;
    const { origin } = request.headers;
    const cors = origin !== undefined && this.faults.is(0.5) ? { 'Access-Control-Allow-Origin': origin } : {};
    response.writeHead(status, { 'Content-Type': 'text/html', ...cors }).end(`<h1>${status}</h1>`);
  }
}

/** @param {import('node:http').IncomingHttpHeaders} headers */
function withoutHops(headers) {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.includes(name)));
}
