/**
 * Which paths are wanted, with which handlers, and how far each was processed. Takes the frames that
 * speak of paths and keeps the promise: from `subscribed` on every update reaches the handlers once and
 * in order, or `gap` comes first. Does no I/O: `changes` says what to send.
 */
import type {
  PendingFrame,
  RefusedFrame,
  SubscribedFrame,
  SubscribeItem,
  UnsubscribedFrame,
  UpdateFrame,
} from '../../protocol/frames.js';
import { pathFault } from '../../protocol/paths.js';
import type { Position } from '../../protocol/positions.js';
import type { BackEndOwner, Verdict } from './back-end.js';
import { isString } from './checks.js';
import { PomonaError, type PomonaErrorCode, reportUncaught } from './errors.js';
import type { Emitter } from './events.js';
import type { CoreEvents } from './pomona.js';
import { type GapEvent, type Handler, Subscription, type SubscriptionEvents } from './subscription.js';
import { Track } from './track.js';

/** Codes of refusals that may be lifted: who gets one asks again. */
const RETRYABLE = /failed|^keys|full$|tokens|^addr/;

/** The paths of one Pomona. */
export class Subscriptions implements BackEndOwner {
  /** By path. */
  readonly tracks = new Map<string, Track>();
  readonly #events: Emitter<CoreEvents>;
  readonly #changed: () => void;
  readonly #retrySoon: () => void;

  /** `changed` is called whenever `changes` may have something to say; `retrySoon` when `retry` is to be called after a while. */
  constructor(events: Emitter<CoreEvents>, changed: () => void, retrySoon: () => void) {
    this.#events = events;
    this.#changed = changed;
    this.#retrySoon = retrySoon;
  }

  /** Whether a path can be named now. A later entry may wrap this to get something first, and then calls `changed`. */
  mayName = (_track: Track): boolean => true;

  /** Adds a handler to a path, at the end; the identical handler is added once. */
  connect(path: string, handler: Handler, since: Position | null | undefined): Subscription {
    const fault = isString(path) ? pathFault(path) : 'bad_path';
    if (fault !== null) throw new PomonaError(fault, `"${path}" is no path to subscribe to.`, { path });
    const track = this.tracks.get(path) ?? new Track(path);
    this.tracks.set(path, track);
    if (!track.isWanted) this.#wantAgain(track, since);
    else if (track.position === undefined) track.position = since;
    this.#changed();
    const known = track.entries.find((entry) => entry.handler === handler);
    if (known !== undefined) return known.subscription;
    const subscription = new Subscription(track, () => this.disconnect(path, handler));
    track.entries = [...track.entries, { handler, subscription }];
    return subscription;
  }

  /** Takes one handler, or all, from a path. */
  disconnect(path: string, handler?: Handler): void {
    const track = this.tracks.get(path);
    if (track === undefined) return;
    const going = track.entries.filter((entry) => handler === undefined || entry.handler === handler);
    track.entries = track.entries.filter((entry) => !going.includes(entry));
    if (track.entries.length === 0 && (going.length > 0 || handler === undefined)) {
      track.isWanted = false;
      this.#changed();
    }
    for (const { subscription } of going) {
      subscription.view = null;
      subscription.tellState();
    }
  }

  /** What an `open` frame asks for. */
  wanted(): SubscribeItem[] {
    const wanted = [...this.tracks.values()].filter((track) => track.isWanted && track.hold !== 'release');
    return wanted.filter(this.mayName).map((track) => track.item());
  }

  /** A connection has opened whose `open` frame asked for the paths `named`. */
  opened(isNewSession: boolean, named: ReadonlySet<string>): void {
    for (const track of this.tracks.values()) {
      // A path that nobody wants may still be held by a session that lives on: it is to be told again.
      const mayBeHeld = !isNewSession && !track.isWanted && (track.asked || track.leaving > 0);
      track.asked = (named.has(track.path) || mayBeHeld) && 'named';
      track.leaving = 0;
      track.isDue = false;
      if (!isNewSession) continue;
      track.hold = null;
      if (track.isWanted) track.state = 'asking';
    }
    for (const track of this.tracks.values()) track.tellState();
  }

  /** What the session is to be told now; having been asked, it counts as told. */
  changes(): { subscribe: SubscribeItem[]; unsubscribe: string[]; released: string[] } {
    const subscribe: SubscribeItem[] = [];
    const unsubscribe: string[] = [];
    const released: string[] = [];
    for (const track of this.tracks.values()) {
      const mayAsk = !track.hold || track.hold === 'asking';
      if (track.isWanted && mayAsk && (!track.asked || track.isDue) && this.mayName(track)) {
        track.asked ||= 'named';
        track.isDue = false;
        subscribe.push(track.item());
      } else if (!track.isWanted && track.asked) {
        track.asked = false;
        track.leaving++;
        unsubscribe.push(track.path);
        if (track.state === 'refused') continue;
        track.state = 'ended';
        released.push(track.path);
      }
      this.#forget(track);
    }
    return { subscribe, unsubscribe, released };
  }

  /** The back end is being told that `paths` went: until it has been, they are not asked for. */
  releasing(paths: readonly string[]): void {
    this.#each(paths, (track) => {
      track.hold = 'release';
    });
  }

  /** The back end was told, or could not be. */
  released(paths: readonly string[], error: PomonaError | null): void {
    if (error !== null) this.#events.emit('error', error);
    this.#letGo(paths, 'release');
    this.#changed();
  }

  /** The server says from where paths are heard. */
  subscribed({ paths }: SubscribedFrame): void {
    for (const { path, position } of paths) {
      const track = this.tracks.get(path) ?? new Track(path);
      if (track.leaving > 0 || (!track.isWanted && track.asked)) continue;
      // Given up while the back end was being asked, which has granted it nevertheless.
      if (!track.isWanted && track.hold) {
        track.asked = 'named';
        this.#changed();
        continue;
      }
      this.tracks.set(path, track); // perhaps the back end connected it without being asked
      const isNew = track.state !== 'subscribed';
      track.isWanted = true;
      track.hold = null;
      track.state = 'subscribed';
      const { position: from, asked } = track;
      track.asked = 'heard';
      if (from === undefined) track.position = position;
      if (isNew) this.#tell(track, 'subscribed', { path, position });
      // Heard from elsewhere than where we are: told now, because a connection may end before `gap` comes.
      if (from === undefined || position === null || asked === 'heard') continue;
      const reason = from?.epoch === position.epoch ? 'evicted' : 'restarted';
      this.gap({ path, from, to: position, reason });
    }
  }

  /** The server waits for the back end's word; returns the paths for which it is to be asked. */
  pending({ paths }: PendingFrame, hold: 'asking' | null): string[] {
    const wanted: string[] = [];
    this.#each(paths, (track) => {
      if (!track.isHearing) return;
      track.asked = 'named';
      track.state = 'asking';
      track.tellState();
      if (track.hold !== 'asking') wanted.push(track.path);
      track.hold = hold;
    });
    return wanted;
  }

  /** The back end has answered for `paths`. */
  answered(paths: readonly string[], { refused, code, message }: Verdict): void {
    this.#letGo(paths, 'asking');
    this.refuse(refused, code, message);
  }

  /** The server refused paths. When the back end's word may still come, the server is asked to wait on. */
  refused({ paths }: RefusedFrame): void {
    for (const { path, code, message } of paths) {
      const track = this.tracks.get(path);
      if (track === undefined || track.leaving > 0) continue;
      track.asked = false;
      if (code === 'not_granted' && track.isWanted && track.hold) this.#changed();
      else this.refuse([path], code, message);
    }
  }

  /** Paths cannot be heard: for good, or until they are asked for again. */
  refuse(paths: readonly string[], code: PomonaErrorCode, message: string): void {
    const retryable = RETRYABLE.test(code);
    this.#each(paths, (track) => {
      if (!track.isHearing) return;
      if (!retryable) track.stop('refused');
      else if (track.asked === 'heard')
        return; // the answer was lost, the back end's word was not
      else {
        track.hold = 'retry';
        track.state = 'asking';
        this.#retrySoon();
      }
      this.#tell(track, 'refused', { path: track.path, code, message, retryable });
    });
    this.#changed();
  }

  /** Asks the server anew for paths that could not be decided. */
  retry(): void {
    for (const track of this.tracks.values()) {
      if (track.hold !== 'retry') continue;
      track.hold = null;
      track.isDue = true;
    }
    this.#changed();
  }

  /** Subscriptions have ended. */
  unsubscribed({ paths, by }: UnsubscribedFrame): void {
    this.#each(paths, (track) => {
      if (by === 'client') track.leaving = Math.max(0, track.leaving - 1);
      else if (track.leaving === 0 && track.asked) {
        track.asked = false;
        if (track.isWanted) {
          track.stop('ended');
          this.#tell(track, 'unsubscribed', { path: track.path, by });
        }
      }
      this.#forget(track);
    });
  }

  /** Updates are missing. */
  gap({ path, from, to, reason }: GapEvent): void {
    const track = this.tracks.get(path);
    // What `subscribed` has let us tell already is not told twice.
    if (!track?.isHearing || track.hasProcessed(to)) return;
    track.position = to;
    this.#tell(track, 'gap', { path, from, to, reason });
  }

  /** Hands an update to all handlers of its path, and only then counts it as processed. */
  update({ path, key, message, position }: UpdateFrame): void {
    const track = this.tracks.get(path);
    if (!track?.isHearing || track.hasProcessed(position)) return;
    const update = { path, key: key ?? null, position: position ?? null };
    const { entries } = track;
    if (entries.length === 0) this.#events.emit('update', { ...update, message });
    for (const entry of entries) {
      if (track.entries !== entries && !track.entries.includes(entry)) continue; // a handler before it took it away
      try {
        entry.handler(message, update);
      } catch (cause) {
        this.#handlerFailed(path, cause);
      }
    }
    if (position !== undefined) track.position = position;
  }

  /** Ends everything. */
  close(): void {
    for (const path of this.tracks.keys()) this.disconnect(path);
  }

  #wantAgain(track: Track, since: Position | null | undefined): void {
    track.isWanted = true;
    // Taken away and wanted again before the server was told: nothing has happened.
    if (track.state === 'subscribed') return;
    track.state = 'asking';
    if (since !== undefined) track.position = since;
    track.tellState();
  }

  #letGo(paths: readonly string[], hold: Track['hold']): void {
    this.#each(paths, (track) => {
      if (track.hold === hold) track.hold = null;
      this.#forget(track);
    });
  }

  #tell<Name extends 'subscribed' | 'refused' | 'gap' | 'unsubscribed'>(
    track: Track,
    name: Name,
    event: SubscriptionEvents[Name] & CoreEvents[Name],
  ): void {
    track.tell(name, event);
    this.#events.emit(name, event);
  }

  #handlerFailed(path: string, cause: unknown): void {
    const error = new PomonaError('handler_failed', `A handler of "${path}" threw: ${cause}`, {
      cause,
      path,
    });
    if (!this.#events.emit('error', error)) reportUncaught(cause);
  }

  #each(paths: readonly string[], run: (track: Track) => void): void {
    for (const path of paths) {
      const track = this.tracks.get(path);
      if (track !== undefined) run(track);
    }
  }

  #forget(track: Track): void {
    if (track.isForgettable) this.tracks.delete(track.path);
  }
}
