/**
 * The app's own back end: serves the pages, and answers the connect and disconnect views after telling Dobby. A view takes 0 to
 * 300 ms; now and then it answers 500, or late, or never. What it tells Dobby it always tells within that time.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { mayHear } from './paths.mjs';

const FATES = { answer: 84, fail: 6, late: 6, never: 4 };
const VIEW_MS = 300;
const LATE_MS = [1_000, 5_000];
const read = (/** @type {string} */ path) => readFileSync(fileURLToPath(new URL(path, import.meta.url)));
const JAVASCRIPT = 'text/javascript';

export class BackEnd {
  port = 0;
  /** While it is true every view answers well and at once. */
  isCalm = false;
  counts = { connects: 0, disconnects: 0, failed: 0, late: 0, never: 0 };
  #chance;
  /** @type {import('./dobby.mjs').Dobby | null} */
  #dobby = null;
  #files = new Map([
    ['/', { type: 'text/html', body: read('../clients/page.html') }],
    ['/away', { type: 'text/html', body: Buffer.from('<!doctype html><title>away</title>') }],
    ['/pomona.js', { type: JAVASCRIPT, body: read('../../../client/dist/pomona.min.js') }],
    ['/frames.mjs', { type: JAVASCRIPT, body: read('../clients/frames.mjs') }],
    ['/recorder.mjs', { type: JAVASCRIPT, body: read('../clients/recorder.mjs') }],
  ]);
  #server = createServer((request, response) => {
    this.#answer(request, response).catch((error) => {
      response.writeHead(500).end(String(error));
    });
  });

  /** @param {import('../chance.mjs').Chance} chance */
  constructor(chance) {
    this.#chance = chance;
  }

  async listen() {
    await new Promise((resolve) => this.#server.listen(0, '127.0.0.1', () => resolve(undefined)));
    this.port = /** @type {import('node:net').AddressInfo} */ (this.#server.address()).port;
  }

  /** Names the server that the views tell. @param {import('./dobby.mjs').Dobby} dobby */
  serve(dobby) {
    this.#dobby = dobby;
  }

  stop() {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  /** @param {import('node:http').IncomingMessage} request @param {import('node:http').ServerResponse} response */
  async #answer(request, response) {
    const url = new URL(request.url ?? '/', 'http://back-end');
    const file = this.#files.get(url.pathname);
    if (file !== undefined) {
      response.writeHead(200, { 'Content-Type': file.type, 'Cache-Control': 'max-age=600' }).end(file.body);
      return;
    }
    if (request.method !== 'POST') {
      response.writeHead(404).end();
      return;
    }
    let text = '';
    for await (const chunk of request) text += chunk;
    const answer = await this.#view(
      url.pathname.slice(1),
      url.searchParams.get('client') ?? '',
      JSON.parse(text),
    );
    if (answer === null) return; // never: the client leaves, or the run ends
    response
      .writeHead(answer.status, { 'Content-Type': 'application/json' })
      .end(JSON.stringify(answer.body));
  }

  /** @param {string} name @param {string} client @param {{uid: string, paths: string[]}} body */
  async #view(name, client, { uid, paths }) {
    const chance = this.#chance;
    const fate = this.isCalm ? 'answer' : chance.weighted(FATES);
    const isActing = fate === 'answer' || fate === 'late' || chance.is(0.5);
    const beforeMs = chance.between(0, VIEW_MS);
    const afterMs =
      fate === 'late' ? chance.between(LATE_MS[0], LATE_MS[1]) : chance.between(0, VIEW_MS - beforeMs);
    await sleep(this.isCalm ? 0 : beforeMs);
    const acted = isActing ? await this.#act(name, client, uid, paths) : { status: 200, body: {} };
    await sleep(this.isCalm ? 0 : afterMs);
    if (fate === 'never') {
      this.counts.never++;
      return null;
    }
    if (fate === 'late') this.counts.late++;
    if (fate !== 'fail') return acted;
    this.counts.failed++;
    return { status: 500, body: {} };
  }

  /** Tells Dobby what the visitor may hear or has left. @param {string} name @param {string} client @param {string} uid @param {string[]} paths */
  async #act(name, client, uid, paths) {
    const dobby = /** @type {import('./dobby.mjs').Dobby} */ (this.#dobby);
    try {
      if (name === 'disconnect') {
        this.counts.disconnects++;
        await dobby.api('disconnect', { id: uid, paths });
        return { status: 200, body: {} };
      }
      this.counts.connects++;
      const granted = paths.filter((path) => mayHear(client, path));
      if (granted.length > 0) await dobby.api('connect', { id: uid, paths: granted, user: client });
      return { status: 200, body: { refused: paths.filter((path) => !granted.includes(path)) } };
    } catch {
      // Dobby is away, or no longer knows the session: the client asks again.
      return { status: 503, body: {} };
    }
  }
}
