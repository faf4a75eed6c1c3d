/**
 * A tiny client that follows docs/protocol.md, and checks what it is told against the history: for each path, from
 * `subscribed` on, every update that it is owed comes once and in order, or a gap that covers it came first.
 */
import { expect } from 'vitest';
import { afterClose } from '../../../protocol/codes.js';
import type {
  DownFrame,
  GapFrame,
  Json,
  SendFrame,
  StateFrame,
  SubscribeItem,
  UpdateFrame,
} from '../../../protocol/frames.js';
import type { Position } from '../../../protocol/positions.js';
import type { TransportName } from '../../src/core/session/connection.js';
import { receiveFrame } from '../../src/transports/inbound.js';
import type { History } from './model-history.js';
import type { Client, World } from './world.js';

interface Track {
  /** Processed so far; undefined before the first `subscribed`. */
  position: Position | null | undefined;
  isSubscribed: boolean;
  /** The place of the next update; null where a gap without positions has left it open. */
  next: number | null | undefined;
  /** What is known of the path's state; null as long as no whole snapshot has come. */
  entries: Map<string, Json> | null;
  /** The parts of a snapshot that is being sent. */
  parts: Map<string, Json>;
}

const fresh = (position?: Position, next?: number): Track => ({
  ...{ position, next, isSubscribed: false, entries: null, parts: new Map() },
});

/** What is special of some paths. */
export interface ModelRules {
  /** Whether slow readers skip what newer updates replace. */
  isLatest(path: string): boolean;
  /** Whether clients follow the path's state. */
  isStated(path: string): boolean;
}

export class ModelClient {
  readonly #rules: ModelRules;
  readonly #history: History;
  readonly wanted = new Map<string, Track>();
  readonly #leaving = new Map<string, number>();
  readonly #ids = new Set<string>();
  /** Where each path ended when this client asked for it: a path without a log is heard from there. */
  readonly #askedAt = new Map<string, number>();
  #world: World;
  #ticket: string | null = null;
  #n = 0;
  #isOpened = false;
  #unsent: string[] = [];
  #last: SendFrame | null = null;
  id = '';
  client: Client | null = null;
  processed = 0;
  /** Whole snapshots that were processed. */
  snapshots = 0;

  constructor(world: World, history: History, rules: ModelRules) {
    this.#world = world;
    this.#history = history;
    this.#rules = rules;
  }

  /** Opens a connection; one that there was is given up, with all that was not read. */
  open(transport: TransportName = 'websocket'): void {
    const paths = [...this.wanted.keys()].map((path) => this.#item(path));
    for (const { path } of paths) this.#askedAt.set(path, this.#history.end(path));
    for (const track of this.wanted.values()) track.isSubscribed = false;
    this.#leaving.clear();
    this.#isOpened = false;
    this.#unsent = [];
    const before = this.client?.connection.isClosed === false ? this.client : null;
    const isBlocked = transport === 'event-stream';
    const frame = { paths, ...(this.#ticket === null ? {} : { ticket: this.#ticket }) };
    this.client = this.#world.open(frame, { transport, isBlocked });
    if (transport === 'long-poll') this.client.block();
    if (this.client.session === before?.session) expect(before.carrier.closing?.code).toBe(4200);
    before?.connection.lost();
  }

  /** The socket takes bytes again; on a long-poll: the next poll comes, and takes one answer. */
  unblock(): void {
    if (this.client?.carrier.isPolled) this.client.connection.outbox.unblock();
    else this.client?.unblock();
  }

  /** The connection is gone, and what was not read with it. */
  drop(): void {
    this.client?.connection.lost();
    this.client = null;
    this.#isOpened = false;
  }

  /** Another server stands where the old one was. */
  moveTo(world: World): void {
    this.#world = world;
    this.client = null;
    this.#isOpened = false;
  }

  want(path: string, since?: Position): void {
    if (this.wanted.has(path)) return;
    const next = since === undefined ? undefined : this.#history.placeOf(path, since);
    this.wanted.set(path, fresh(since, next));
    if (this.#isOpened) this.#subscribe(path);
    else this.#unsent.push(path);
  }

  unwant(path: string): void {
    if (!this.#isOpened || this.client?.connection.isClosed !== false || !this.wanted.delete(path)) return;
    this.#leaving.set(path, (this.#leaving.get(path) ?? 0) + 1);
    this.#send((n) => ({ type: 'unsubscribe', n, paths: [path] }));
  }

  /** Sends the last numbered frame once more. */
  repeat(): void {
    if (this.#isOpened && this.#last !== null) this.#receive(this.#last);
  }

  /** Processes up to `count` frames. */
  read(count: number): number {
    const frames = this.client?.carrier.takeSome(count) ?? [];
    for (const frame of frames) this.#process(frame);
    this.processed += frames.length;
    return frames.length;
  }

  /** Checks that nothing is owed any more. */
  isDone(): void {
    for (const [path, { next, isSubscribed, entries }] of this.wanted) {
      expect(isSubscribed, `${path} is subscribed`).toBe(true);
      if (this.#rules.isStated(path)) {
        expect(entries && Object.fromEntries(entries), `the state of ${path}`).toEqual(
          this.#history.stateOf(path),
        );
      }
      if (next === null || next === undefined) continue;
      expect(this.#owed(path, next, this.#history.end(path)), `still owed on ${path}`).toEqual([]);
    }
  }

  #owed(path: string, from: number, to: number): number[] {
    return this.#rules.isLatest(path)
      ? this.#history.owedOfLatest(path, from, to, this.#ids)
      : this.#history.owed(path, from, to, this.#ids);
  }

  /** How to ask for a path that is wanted. */
  #item(path: string): SubscribeItem {
    const { position, entries } = this.wanted.get(path) ?? {};
    const item = position === undefined ? { path } : { path, position };
    if (!this.#rules.isStated(path)) return item;
    return { ...item, state: entries === null ? 'snapshot' : 'changes' };
  }

  #subscribe(path: string): void {
    this.#askedAt.set(path, this.#history.end(path));
    this.#send((n) => ({ type: 'subscribe', n, paths: [this.#item(path)] }));
  }

  #send(make: (n: number) => SendFrame): void {
    if (this.client === null || this.client.connection.isClosed) return;
    this.#n++;
    this.#last = make(this.#n);
    this.#receive(this.#last);
  }

  #receive(frame: SendFrame): void {
    if (this.client === null) return;
    receiveFrame(this.#world.sessions, this.client.connection, frame);
  }

  #process(frame: DownFrame): void {
    if (!('type' in frame)) return this.#update(frame);
    switch (frame.type) {
      case 'opened':
        if (!frame.resumed) this.#n = 0;
        // The server has forgotten it: sent again it would take effect again.
        if (frame.received < this.#n || !frame.resumed) this.#last = null;
        this.#ticket = frame.ticket;
        this.id = frame.id;
        this.#ids.add(frame.id);
        this.#isOpened = true;
        for (const path of this.#unsent.splice(0)) this.#subscribe(path);
        return;
      case 'ticket':
        this.#ticket = frame.ticket;
        return;
      case 'ping':
        return this.#receive({ type: 'pong' });
      case 'subscribed':
        for (const { path, position } of frame.paths) this.#subscribed(path, position);
        return;
      case 'pending':
        return void this.#world.connect(this.id, frame.paths, null);
      case 'refused':
        for (const { path, code } of frame.paths) {
          expect(code).not.toBe('bad_position');
          if (!this.#leaving.has(path)) this.wanted.delete(path);
        }
        return;
      case 'unsubscribed':
        return this.#unsubscribed(frame.paths, frame.by);
      case 'gap':
        return this.#gap(frame);
      case 'state':
        return this.#state(frame);
      case 'error':
        throw new Error(`the server refused a frame: ${JSON.stringify(frame)}`);
      case 'reply':
        throw new Error('nobody gave a command');
      case 'renewed':
        throw new Error('nobody sent a token');
      case 'probed':
        throw new Error('no probe was sent');
      case 'closing':
        if (afterClose(frame.code) !== 'resume') this.#ticket = null;
        this.client = null;
        this.#isOpened = false;
        return;
      default:
        return frame satisfies never;
    }
  }

  #subscribed(path: string, position: Position | null): void {
    if (this.#leaving.has(path)) return;
    // A back end may connect a session that did not ask.
    const track = this.wanted.get(path) ?? fresh();
    this.wanted.set(path, track);
    track.isSubscribed = true;
    track.position = position;
    if (track.next !== undefined) return;
    track.next =
      position === null ? (this.#askedAt.get(path) ?? null) : this.#history.placeOf(path, position);
    expect(track.next).toBeLessThanOrEqual(this.#history.end(path));
  }

  #unsubscribed(paths: readonly string[], by: 'client' | 'back_end' | 'expiry'): void {
    for (const path of paths) {
      const left = (this.#leaving.get(path) ?? 0) - 1;
      if (by === 'client' && left <= 0) this.#leaving.delete(path);
      else if (by === 'client') this.#leaving.set(path, left);
      else if (!this.#leaving.has(path)) this.wanted.delete(path);
    }
  }

  #state({ path, position, entries, first, last }: StateFrame): void {
    const track = this.wanted.get(path);
    if (this.#leaving.has(path) || track === undefined) return;
    expect(track.isSubscribed, 'a snapshot comes after "subscribed"').toBe(true);
    const place = this.#history.placeOf(path, position);
    if (first) {
      track.parts = new Map();
      expect(this.#owed(path, track.next as number, place), `skipped by a snapshot of ${path}`).toEqual([]);
      expect(place).toBeGreaterThanOrEqual(track.next as number);
    }
    for (const { key, message } of entries) track.parts.set(key, message);
    if (!last) return;
    track.entries = track.parts;
    track.position = position;
    track.next = place;
    this.snapshots++;
  }

  #gap({ path, to, reason }: GapFrame): void {
    const track = this.wanted.get(path);
    if (this.#leaving.has(path) || track === undefined) return;
    expect(track.isSubscribed, 'a gap comes after "subscribed"').toBe(true);
    if (reason === 'restarted') expect(this.#history.crashes, 'nothing was lost').toBeGreaterThan(0);
    if (reason === 'slow') expect(this.#rules.isLatest(path)).toBe(true);
    track.entries = null;
    track.position = to;
    if (to === null) {
      track.next = null;
      return;
    }
    const place = this.#history.placeOf(path, to);
    expect(place, 'a gap leads forward').toBeGreaterThanOrEqual(track.next ?? 0);
    expect(place).toBeLessThanOrEqual(this.#history.end(path));
    track.next = place;
  }

  #update({ path, key, message, position }: UpdateFrame): void {
    const track = this.wanted.get(path);
    if (this.#leaving.has(path) || track === undefined) return;
    const place =
      position === undefined
        ? this.#history.find(path, serialOf(message))
        : this.#history.placeOf(path, position) - 1;
    const accepted = this.#history.at(path, place);
    expect(track.isSubscribed, 'an update comes after "subscribed"').toBe(true);
    const serial = accepted?.serial;
    expect(accepted?.hidden.has(this.id), `${serial} on ${path} was meant for others`).toBe(false);
    expect({ key: accepted?.key ?? undefined, message: accepted?.message }).toEqual({ key, message });
    expect(accepted?.position ?? undefined).toEqual(position);
    if (track.next !== null) {
      const next = track.next as number;
      expect(place, `${serial} on ${path} came twice or late`).toBeGreaterThanOrEqual(next);
      expect(this.#owed(path, next, place), `lost in silence on ${path}`).toEqual([]);
    }
    track.next = place + 1;
    if (key !== undefined && message === null) track.entries?.delete(key);
    else if (key !== undefined) track.entries?.set(key, message);
    if (position !== undefined) track.position = position;
  }
}

/** The serial number that a message begins with. */
function serialOf(message: Json): number {
  return Number(String(message).split(' ')[0]);
}
