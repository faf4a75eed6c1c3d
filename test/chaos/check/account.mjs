/**
 * The checker of one life of one client: takes what it recorded, in order, and reports each breach of the promise. From `subscribed`
 * on every update of a path arrives once and in order, or a gap comes first and covers what is missing.
 */
import { mayHear } from '../world/paths.mjs';

const TRACE = 30;

/**
 * @typedef {import('../world/ledger.mjs').Position} Position
 * @typedef {{kind: string, client: string, path: string | null, detail: string, trace: string[]}} Violation
 * @typedef {object} Track
 * @property {number | null} segment of the handler that is on the path, null when none is
 * @property {Position} at the position reached; null when it is not known yet, or the path has no log
 * @property {number} heard the number of the last update
 * @property {number} whole up to this number nothing is missing on a path without a log; 0: not known
 */

export class Account {
  deliveries = 0;
  /** Gaps by reason. @type {Map<string, number>} */
  gaps = new Map();
  unasked = 0;
  #client;
  #ledger;
  #report;
  #log;
  #isClosing = false;
  /** @type {Map<string, Track>} */
  #tracks = new Map();
  /** @type {string[]} */
  #trace = [];

  /** @param {string} client @param {{ledger: import('../world/ledger.mjs').Ledger, report: (violation: Violation) => void, log: (line: string) => void}} owner */
  constructor(client, { ledger, report, log }) {
    this.#client = client;
    this.#ledger = ledger;
    this.#report = report;
    this.#log = log;
  }

  /** Returns the number of the last update heard on `path`. @param {string} path */
  heard(path) {
    return this.#track(path).heard;
  }

  /** Returns the last events. */
  get trace() {
    return [...this.#trace];
  }

  /** Enters what was done to the client from outside. @param {string} text */
  note(text) {
    this.#enter(`${clock(Date.now())} driver: ${text}`);
  }

  /** @param {readonly unknown[]} event */
  take([kind, path, detail, atMs]) {
    this.#enter(`${clock(Number(atMs))} ${kind} ${path ?? ''} ${JSON.stringify(detail)}`);
    const take = this.#takers[/** @type {string} */ (kind)];
    take?.(/** @type {string} */ (path), /** @type {any} */ (detail));
  }

  /** @param {string} kind @param {string | null} path @param {string} detail */
  violated(kind, path, detail) {
    this.#enter(`${clock(Date.now())} violated: ${kind} ${path ?? ''} ${detail}`);
    this.#report({ kind, client: this.#client, path, detail, trace: this.trace });
  }

  /** @type {Record<string, (path: string, detail: any) => void>} */
  #takers = {
    connect: (path, { segment, state, position }) => {
      const track = this.#track(path);
      track.segment = segment;
      track.at = state === 'subscribed' ? position : null;
      track.whole = 0;
    },
    disconnect: (path) => {
      this.#track(path).segment = null;
    },
    subscribed: (path, position) => {
      this.#track(path).at ??= position;
    },
    update: (path, update) => this.#update(path, update),
    gap: (path, gap) => this.#gap(path, gap),
    'unasked update': () => {
      this.unasked++;
    },
    refused: (path, { code, retryable, message }) => {
      if (!retryable && mayHear(this.#client, path)) this.violated('refused', path, `${code}: ${message}`);
    },
    unsubscribed: (path, by) => {
      if (this.#track(path).segment !== null) this.violated('unsubscribed', path, `by ${by}`);
    },
    'late event': (path, name) => this.violated('event after close', path, name),
    close: () => {
      this.#isClosing = true;
    },
    state: (_path, state) => {
      if (state.startsWith('closed') && !this.#isClosing) this.violated('closed', null, 'without close()');
    },
  };

  /** @param {string} path @param {{n: number, position: Position, segment: number}} update */
  #update(path, { n, position, segment }) {
    this.deliveries++;
    const track = this.#track(path);
    if (!mayHear(this.#client, path)) this.violated('not granted', path, `update ${n}`);
    if (segment !== track.segment) this.violated('heard after leaving', path, `update ${n}`);
    if (n === track.heard) this.violated('doubled', path, `update ${n}`);
    if (n < track.heard) this.violated('out of order', path, `update ${n} after ${track.heard}`);
    if (position === null) this.#withoutLog(path, track, n);
    else this.#withLog(path, track, { n, position });
    track.heard = Math.max(track.heard, n);
  }

  /** @param {string} path @param {Track} track @param {{n: number, position: Position}} update */
  #withLog(path, track, { n, position }) {
    if (track.at === null) this.violated('before subscribed', path, `update ${n}`);
    else if (track.at?.epoch !== position?.epoch)
      this.violated('epoch without gap', path, `update ${n} at ${show(position)} after ${show(track.at)}`);
    const missing = this.#ledger.between(path, track.at, position);
    if (missing.length > 0)
      this.violated('missing', path, `updates ${missing} between ${show(track.at)} and ${show(position)}`);
    track.at = position;
  }

  /** @param {string} path @param {Track} track @param {number} n */
  #withoutLog(path, track, n) {
    const missing = track.whole === 0 ? [] : this.#ledger.numbersBetween(path, track.whole, n);
    if (missing.length > 0) this.violated('missing', path, `updates ${missing} before ${n}, no log`);
    track.whole = n;
  }

  /** @param {string} path @param {{from: Position, to: Position, reason: string}} gap */
  #gap(path, { from, to, reason }) {
    this.gaps.set(reason, (this.gaps.get(reason) ?? 0) + 1);
    const track = this.#track(path);
    if (track.at !== null && from !== null) {
      const missing = this.#ledger.between(path, track.at, { ...from, offset: from.offset + 1 });
      if (missing.length > 0) this.violated('missing', path, `updates ${missing} before a gap ${reason}`);
      if (track.at.epoch !== from.epoch)
        this.violated('gap from elsewhere', path, `${show(from)} after ${show(track.at)}`);
    }
    track.at = to;
    track.whole = 0;
  }

  /** @param {string} line */
  #enter(line) {
    this.#log(`${this.#client} ${line}`);
    this.#trace.push(line);
    if (this.#trace.length > TRACE) this.#trace.shift();
  }

  /** @param {string} path @returns {Track} */
  #track(path) {
    const track = this.#tracks.get(path) ?? { segment: null, at: null, heard: 0, whole: 0 };
    this.#tracks.set(path, track);
    return track;
  }
}

/** @param {Position} position */
function show(position) {
  return position === null ? 'no position' : `${position.epoch}:${position.offset}`;
}

/** @param {number} ms since 1970 */
function clock(ms) {
  return new Date(ms).toISOString().slice(14, 23);
}
