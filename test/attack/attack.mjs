/**
 * `npm run attack -- --sockets 8 --seconds 120`: attacks a server of its own, on the loopback, with everything that clients without a
 * name can send, and measures what that costs an innocent client (the time from an update to its arrival) and the server (memory).
 * Fails when the innocent client's p99 is above 250 ms, when the server needs more than 200 MB beyond its start, or when it is not back
 * within 20 MB of that after `--rest` seconds (60). `--only` names one kind of attack. Memory is the resident set as the system counts it; nothing asks for a collection.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { WebSocket } from 'ws';
import { residentBytes } from '../../bench/load/usage.mjs';
import { KEY, startServer } from '../../bench/peers/server.mjs';

const MB = 1024 * 1024;
const EVERY_MS = 50;
const WARM_UP_MS = 5_000;
export const MAX_P99_MS = 250;
export const MAX_GROWTH_MB = 200;
export const MAX_REST_MB = 20;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const residentMb = ({ pids }) => residentBytes(pids) / MB;

async function start(stateDir, nodeFlags) {
  const main = join(import.meta.dirname, '../../server/bin/dobby.mjs');
  const flags = ['--port', '0', '--state-dir', stateDir, '--public', 'demo/{name*}', '--log-level', 'error'];
  const env = { DOBBY_API_KEY: KEY };
  const server = await startServer(process.execPath, [...nodeFlags, main, ...flags], { env });
  return { server, url: `http://127.0.0.1:${server.port}` };
}

/** How long updates may take after the attack. */
const SETTLE_MS = 10_000;

/** One client that hears a path, and a back end that publishes to it; what did not arrive in 10 s counts as that. */
class Innocent {
  latencies = [];
  refused = 0;
  #sent = new Map();
  #n = 0;
  #socket = null;
  #timer = null;
  #url;

  constructor(url) {
    this.#url = url;
  }

  async start() {
    this.#open();
    await pause(200);
    this.#timer = setInterval(() => void this.#publish(), EVERY_MS);
  }

  /** Publishes nothing more; waits for what was sent. Resolves with the number of updates that did not arrive. */
  async settle() {
    clearInterval(this.#timer);
    const deadline = performance.now() + SETTLE_MS;
    while (this.#sent.size > 0 && performance.now() < deadline) await pause(20);
    return this.#sent.size;
  }

  stop() {
    const now = performance.now();
    for (const at of this.#sent.values())
      if (now - at > 1_000) this.latencies.push(Math.min(now - at, 10_000));
    const socket = this.#socket;
    this.#socket = null;
    socket?.terminate();
  }

  #open() {
    const socket = new WebSocket(`${this.#url.replace('http', 'ws')}/comet`);
    this.#socket = socket;
    socket.on('open', () =>
      socket.send(JSON.stringify({ type: 'open', protocol: 1, paths: [{ path: 'demo/innocent' }] })),
    );
    socket.on('error', () => undefined);
    socket.on('message', (data) => {
      const frame = JSON.parse(String(data));
      if (frame.type === 'ping') socket.send('{"type":"pong"}');
      const at = this.#sent.get(frame.message);
      if (at === undefined) return;
      this.#sent.delete(frame.message);
      this.latencies.push(performance.now() - at);
    });
    socket.on('close', () => {
      if (this.#socket !== socket) return;
      this.refused++;
      setTimeout(() => this.#open(), 100);
    });
  }

  async #publish() {
    const n = ++this.#n;
    this.#sent.set(n, performance.now());
    await fetch(`${this.#url}/api/update`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${KEY}` },
      body: JSON.stringify({ path: 'demo/innocent', message: n }),
    }).catch(() => undefined);
  }
}

const at = (sorted, part) =>
  sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;

/** Attacks, and returns the figures. */
export async function attack({ sockets, seconds, restSeconds, only = '', nodeFlags = [] }) {
  const stateDir = mkdtempSync(join(tmpdir(), 'dobby-attack-'));
  const { server, url } = await start(stateDir, nodeFlags);
  try {
    const innocent = new Innocent(url);
    await innocent.start();
    await pause(WARM_UP_MS);
    const startMb = residentMb(server);
    innocent.latencies.length = 0;
    let mostMb = startMb;
    const watch = setInterval(() => {
      mostMb = Math.max(mostMb, residentMb(server));
    }, 250);
    const attackers = spawn(
      process.execPath,
      [join(import.meta.dirname, 'attackers.mjs'), url, String(sockets), String(seconds), only],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let said = '';
    attackers.stdout.on('data', (chunk) => {
      said += chunk;
    });
    await new Promise((resolve) => attackers.once('close', resolve));
    const missing = await innocent.settle();
    const latencies = innocent.latencies.toSorted((a, b) => a - b);
    clearInterval(watch);
    await pause(1_000 * restSeconds);
    const restMb = residentMb(server);
    innocent.stop();
    return {
      ...{ sockets, seconds, restSeconds },
      updates: latencies.length,
      missing,
      p50Ms: at(latencies, 0.5),
      p99Ms: at(latencies, 0.99),
      mostMs: latencies.at(-1) ?? Number.NaN,
      reconnects: innocent.refused,
      startMb,
      growthMb: mostMb - startMb,
      restMb: restMb - startMb,
      attacks: JSON.parse(said === '' ? '{}' : said),
    };
  } finally {
    await server.stop();
    rmSync(stateDir, { recursive: true });
  }
}

/** Returns what is above the bounds. */
export function excesses({ p99Ms, growthMb, restMb, restSeconds, updates, missing }) {
  const excess = [];
  if (missing > 0) excess.push(`${missing} updates did not arrive`);
  if (updates === 0) excess.push('no update arrived');
  if (p99Ms > MAX_P99_MS) excess.push(`p99 ${p99Ms.toFixed(0)} ms > ${MAX_P99_MS} ms`);
  if (growthMb > MAX_GROWTH_MB) excess.push(`${growthMb.toFixed(0)} MB more > ${MAX_GROWTH_MB} MB`);
  if (restSeconds >= 60 && restMb > MAX_REST_MB)
    excess.push(`${restMb.toFixed(0)} MB are left > ${MAX_REST_MB} MB`);
  return excess;
}

if (import.meta.filename === process.argv[1]) {
  const { values } = parseArgs({
    options: {
      sockets: { type: 'string', default: '8' },
      seconds: { type: 'string', default: '120' },
      rest: { type: 'string', default: '60' },
      only: { type: 'string', default: '' },
    },
  });
  const figures = await attack({
    sockets: Number(values.sockets),
    seconds: Number(values.seconds),
    restSeconds: Number(values.rest),
    only: values.only,
  });
  console.log(
    JSON.stringify(
      figures,
      (_, value) => (typeof value === 'number' ? Math.round(value * 10) / 10 : value),
      2,
    ),
  );
  const excess = excesses(figures);
  if (excess.length > 0) console.error(`FAILED ${excess.join('; ')}`);
  process.exitCode = excess.length > 0 ? 1 : 0;
}
