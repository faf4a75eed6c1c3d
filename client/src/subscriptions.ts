/**
 * Owns the paths of one Pomona: which are wanted, with which handlers, and what the session and the back end were asked
 * about each. Takes the frames that decide on paths; `delivery.ts` delivers what a subscribed path receives.
 * `changes` returns what to send to Dobby; `back-end.ts` asks the views.
 */
import type {
  PendingFrame,
  RefusedFrame,
  SubscribedFrame,
  SubscribeItem,
  UnsubscribedFrame,
} from '../../protocol/frames.js';
import { pathFault } from '../../protocol/paths.js';
import type { Position } from '../../protocol/positions.js';
import { BackEnd, RELEASE_MS } from './back-end.js';
import { isString } from './checks.js';
import { deliverGap, deliverStart, deliverUpdate, emit } from './delivery.js';
import type { Emitter } from './emitter.js';
import { PomonaError, type PomonaErrorCode } from './errors.js';
import { type FrameHandlers, UPDATE } from './frames.js';
import type { Settings } from './options.js';
import type { PomonaEvents } from './pomona-events.js';
import { type ConnectOptions, type Handler, Subscription } from './subscription.js';
import { Track } from './track.js';

/** Codes of refusals that may be lifted: Pomona asks again. */
const RETRYABLE = /failed|^keys|full$|tokens|^addr/;
/** What Dobby says of a path for which no word of the back end came in time. */
const OVERDUE: readonly PomonaErrorCode[] = ['not_granted', 'denied'];
/** How long after a path was left what a view has done may arrive: longer than a session lives without a connection. */
const LATE_MS = 60_000;

/** What subscriptions ask of their Pomona. */
export interface SubscriptionsOwner {
  readonly events: Emitter<PomonaEvents>;
  readonly settings: Settings;
  /** The session's id. */
  uid(): string;
  /** `changes` may have something to say. */
  changed(): void;
  /** How to ask for a path; null while it cannot be asked for. */
  item(track: Track): SubscribeItem | null;
}

/** The paths of one Pomona. */
export class Subscriptions {
  /** By path. */
  readonly tracks = new Map<string, Track>();
  /** Take the frames about paths. */
  readonly frames: FrameHandlers = {
    [UPDATE]: (frame) => deliverUpdate(this.#events, this.tracks.get(frame.path), frame),
    gap: (frame) => deliverGap(this.#events, this.tracks.get(frame.path), frame),
    subscribed: (frame) => this.#subscribed(frame),
    pending: (frame) => this.#pending(frame),
    refused: (frame) => this.#refused(frame),
    unsubscribed: (frame) => this.#unsubscribed(frame),
  };
  readonly #owner: SubscriptionsOwner;
  readonly #events: Emitter<PomonaEvents>;
  readonly #backEnd: BackEnd;
  /**
   * Paths that were let go while the connect view was being asked, or posted to `disconnectUrl`: what a view has
   * done may arrive until then, by the clock.
   */
  readonly #late = new Map<string, number>();

  constructor(owner: SubscriptionsOwner) {
    this.#owner = owner;
    this.#events = owner.events;
    this.#backEnd = new BackEnd(owner.settings, owner.uid);
  }

  /** Adds a handler to a path, at the end; the identical handler is added once. */
  connect(path: string, handler: Handler, { since, last }: ConnectOptions): Subscription {
    const fault = isString(path) ? pathFault(path) : 'bad_path';
    if (fault !== null) throw new PomonaError(fault, `"${path}" is no path to subscribe to.`, { path });
    const track = this.tracks.get(path) ?? new Track(path);
    this.tracks.set(path, track);
    if (!track.isWanted) this.#wantAgain(track, since);
    else if (track.position === undefined) track.position = since;
    track.last ??= last;
    this.#owner.changed();
    const known = track.subscriptions.find((subscription) => subscription.handler === handler);
    if (known !== undefined) return known;
    const subscription = new Subscription(track, handler, () => this.disconnect(path, handler));
    track.subscriptions = [...track.subscriptions, subscription];
    return subscription;
  }

  /** Takes one handler, or all, from a path. */
  disconnect(path: string, handler?: Handler): void {
    const track = this.tracks.get(path);
    if (track === undefined) return;
    const all = track.subscriptions;
    const going = all.filter((subscription) => handler === undefined || subscription.handler === handler);
    track.subscriptions = all.filter((subscription) => !going.includes(subscription));
    if (track.subscriptions.length === 0 && (going.length > 0 || handler === undefined)) {
      track.isWanted = false;
      this.#owner.changed();
    }
    for (const subscription of going) subscription.end();
  }

  /** What an `open` frame asks for. */
  wanted(): SubscribeItem[] {
    const wanted = [...this.tracks.values()].filter((track) => track.isWanted && track.hold !== 'release');
    return wanted.flatMap((track) => this.#owner.item(track) ?? []);
  }

  /** A connection has opened whose `open` frame was the last to be sent. */
  opened(isNewSession: boolean): void {
    if (isNewSession) this.#late.clear();
    for (const track of this.tracks.values()) {
      // A path that is not wanted may still be held by a session that lives on: that is to be told again.
      const mayBeHeld = !isNewSession && !track.isWanted && (track.asked || track.leaving > 0);
      track.namedBy = 0;
      track.asked = (track.isInOpen || mayBeHeld) && 'named';
      track.leaving = 0;
      track.isDue = false;
      if (!isNewSession) {
        if (track.releaseAt) this.#releaseSoon();
        continue;
      }
      track.hold = null;
      track.releaseAt = 0;
      track.answer = '';
      track.isSure = false;
      if (track.isWanted) track.state = 'asking';
      this.#forget(track);
    }
    for (const track of this.tracks.values()) track.tellState();
  }

  /** What the session is to be told now; having been asked, it counts as told. */
  changes(): { subscribe: SubscribeItem[]; unsubscribe: string[] } {
    const subscribe: SubscribeItem[] = [];
    const unsubscribe: string[] = [];
    for (const track of this.tracks.values()) {
      const mayAsk = !track.hold || track.hold === 'asking';
      const isToAsk = track.isWanted && mayAsk && (!track.asked || track.isDue);
      const item = isToAsk && this.#owner.item(track);
      if (item) {
        track.asked ||= 'named';
        track.isDue = false;
        subscribe.push(item);
      } else if (!track.isWanted && track.asked) {
        this.#leave(track);
        unsubscribe.push(track.path);
      }
      this.#forget(track);
    }
    return { subscribe, unsubscribe };
  }

  /** Paths are named in the frame with the number `n`, 0 for an `open` frame: Dobby may hold them from then on, even if it never answers. */
  named(items: readonly SubscribeItem[], n: number): void {
    if (n === 0) for (const track of this.tracks.values()) track.isInOpen = false;
    for (const { path } of items) {
      const track = this.tracks.get(path);
      if (track === undefined) continue;
      track.isInOpen = n === 0;
      // The connection that is in use was not asked.
      if (track.isInOpen) track.isDue ||= !track.asked;
      else track.namedBy = n;
      track.asked ||= 'named';
    }
  }

  /** Whether Dobby decided on a path before the newest frame that names it had come; its answer to that one is on its way. */
  isOutdated(path: string, received = 0): boolean {
    return received < (this.tracks.get(path)?.namedBy ?? 0);
  }

  /** Dobby says from where paths are heard. */
  #subscribed({ paths }: SubscribedFrame): void {
    this.#backEnd.succeeded();
    for (const { path, position } of paths) {
      const track = this.tracks.get(path) ?? new Track(path, !this.#isLate(path));
      if (track.leaving > 0 || (!track.isWanted && track.asked)) continue;
      this.tracks.set(path, track); // perhaps the back end connected it without being asked
      // Given up while the back end was being asked, which has granted it nevertheless.
      if (track.isLeft && (track.hold || track.releaseAt || this.#isLate(path))) {
        track.asked = 'named';
        this.#owner.changed();
        continue;
      }
      deliverStart(this.#events, track, position);
    }
  }

  /** Dobby waits for the back end's word, which is asked for where there is a connect view. */
  #pending({ paths }: PendingFrame): void {
    const canAsk = this.#owner.settings.connectUrl !== undefined;
    const wanted: string[] = [];
    this.#each(paths, (track) => {
      if (!track.isHearing) return;
      track.asked = 'named';
      track.state = 'asking';
      track.tellState();
      track.isPendingAgain = track.hold === 'asking';
      if (!track.isPendingAgain) wanted.push(track.path);
      track.hold = canAsk ? 'asking' : null;
    });
    if (canAsk && wanted.length > 0)
      void this.#backEnd.ask(wanted, (refused, code, message) => {
        this.#answered(wanted, refused, message);
        this.refuse(refused, code, message);
      });
  }

  /** The back end has answered for `paths`. */
  #answered(paths: readonly string[], refused: readonly string[], message: string): void {
    this.#each(paths, (track) => {
      track.answer = message;
      if (track.hold !== 'asking') return;
      track.hold = null;
      track.isDue ||= track.isPendingAgain;
      track.isPendingAgain = false;
      // Left meanwhile: what it has granted since is to end.
      if (track.isLeft && !refused.includes(track.path)) track.asked ||= 'named';
      if (track.releaseAt) this.#releaseSoon();
      this.#forget(track);
    });
  }

  /** Dobby refused paths. When the back end's word may still come, Dobby is asked to wait on. */
  #refused({ paths }: RefusedFrame): void {
    for (const { path, code, message } of paths) {
      const track = this.tracks.get(path);
      if (track === undefined || track.leaving > 0) continue;
      track.asked = false;
      const isOverdue = track.isWanted && OVERDUE.includes(code);
      // The back end has answered: Dobby may have decided before, and be heard later. It is asked once more.
      const mayBeLate = track.answer !== '' && !track.isSure;
      if (isOverdue && (track.hold || mayBeLate)) {
        track.isSure ||= !track.hold;
        this.#owner.changed();
      } else this.refuse([path], code, isOverdue ? `${message} ${track.answer}`.trimEnd() : message);
    }
  }

  /** Paths cannot be heard: for good, or until they are asked for again. */
  refuse(paths: readonly string[], code: PomonaErrorCode, message: string): void {
    const retryable = RETRYABLE.test(code);
    this.#each(paths, (track) => {
      if (!track.isHearing) return;
      if (!retryable) track.stop('refused');
      else {
        if (track.asked === 'heard') return; // the answer was lost, the back end's word was not
        track.hold = 'retry';
        track.state = 'asking';
        this.#backEnd.soon('retry', () => this.#retry());
      }
      emit(this.#events, track, 'refused', { path: track.path, code, message, retryable });
    });
    this.#owner.changed();
  }

  /** Asks Dobby anew for paths that could not be decided. */
  #retry(): void {
    for (const track of this.tracks.values()) {
      if (track.hold !== 'retry') continue;
      track.hold = null;
      track.isDue = true;
    }
    this.#owner.changed();
  }

  /** Subscriptions have ended. */
  #unsubscribed({ paths, by }: UnsubscribedFrame): void {
    this.#each(paths, (track) => {
      if (by === 'client') track.leaving = Math.max(0, track.leaving - 1);
      else if (track.leaving === 0 && track.asked) this.#endedBy(by, track);
      this.#forget(track);
    });
  }

  /** Drops the requests to the views; their paths are asked for again on the next connection. */
  reset(): void {
    this.#backEnd.reset();
    for (const track of this.tracks.values()) this.#letGo(track);
  }

  /** Another visitor may be here now: what was refused or ended is wanted again. */
  revive(): void {
    for (const track of this.tracks.values())
      if (!track.isWanted && track.subscriptions.length > 0) this.#wantAgain(track);
  }

  /** Dobby has closed this Pomona: every subscription has ended, until `revive`. */
  end(): void {
    this.#backEnd.reset();
    for (const track of this.tracks.values()) {
      track.stop('ended');
      track.tellState();
    }
  }

  /** Ends everything. */
  close(): void {
    this.#backEnd.reset();
    for (const path of this.tracks.keys()) this.disconnect(path);
  }

  #wantAgain(track: Track, since?: Position | null): void {
    track.isWanted = true;
    // Taken away and wanted again before Dobby was told: nothing has happened.
    if (track.state === 'subscribed') return;
    track.state = 'asking';
    track.releaseAt = 0;
    if (since !== undefined) track.position = since;
    track.tellState();
  }

  /** Unsubscribes a path, and schedules its release. */
  #leave(track: Track): void {
    if (track.hold === 'retry') track.hold = null;
    if (track.hold) this.#mayBeLate(track.path);
    track.asked = false;
    track.leaving++;
    if (track.state === 'refused') return;
    track.state = 'ended';
    if (this.#owner.settings.disconnectUrl === undefined) return;
    track.releaseAt = this.#now + RELEASE_MS;
    this.#releaseSoon();
  }

  #releaseSoon(): void {
    this.#backEnd.soon('release', () => this.#release());
  }

  /** Tells the back end of paths that have been left for long enough: until it was told, they are not asked for. */
  #release(): void {
    const left = [...this.tracks.values()].filter(
      ({ releaseAt, isWanted, hold }) => releaseAt && !isWanted && !hold,
    );
    const due = left.filter(({ releaseAt }) => releaseAt <= this.#now);
    if (due.length < left.length) this.#releaseSoon();
    if (due.length === 0) return;
    for (const track of due) {
      track.releaseAt = 0;
      track.hold = 'release';
    }
    const paths = due.map(({ path }) => path);
    void this.#backEnd.release(paths, (error) => {
      if (error !== null) this.#events.emit('error', error);
      this.#each(paths, (track) => {
        this.#letGo(track);
        this.#forget(track);
      });
      this.#owner.changed();
    });
  }

  get #now(): number {
    return this.#owner.settings.clock.now();
  }

  /** What a view was asked about a path is answered, or is waited for no more. */
  #letGo(track: Track): void {
    if (track.hold) this.#mayBeLate(track.path);
    track.hold = null;
  }

  #mayBeLate(path: string): void {
    const now = this.#now;
    for (const [old, until] of this.#late) if (until < now) this.#late.delete(old);
    this.#late.set(path, now + LATE_MS);
  }

  #isLate(path: string): boolean {
    return (this.#late.get(path) ?? 0) > this.#now;
  }

  #endedBy(by: UnsubscribedFrame['by'], track: Track): void {
    track.asked = false;
    if (!track.isWanted) return;
    // What our own release has caused ends nothing that was wanted since.
    if (by === 'back_end' && (track.hold === 'release' || this.#isLate(track.path))) {
      this.#late.delete(track.path);
      track.state = 'asking';
      track.tellState();
      return this.#owner.changed();
    }
    track.stop('ended');
    emit(this.#events, track, 'unsubscribed', { path: track.path, by });
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
