/**
 * A Dobby of one path, written from docs/protocol.md alone: a log that forgets, a state, one session. Frames are
 * made when they are taken, so that a test can publish, evict or cut between any two of them.
 */
import type { GapFrame, Json, SubscribeItem, UpdateFrame, UpFrame } from '../../../protocol/frames.js';
import type { Position } from '../../../protocol/positions.js';

const PATH = 'a';
const ENTRIES_PER_PART = 2;

type Entry = { key: string; message: Json };
type Gap = Pick<GapFrame, 'from' | 'to' | 'reason'>;

/** An update as it was published; `isHidden` from the one session. */
export interface Published {
  readonly position: Position;
  readonly key: string | null;
  readonly message: Json;
  readonly isHidden: boolean;
}

/** What the session hears of the path. */
interface Hearing {
  cursor: Position;
  gap: Gap | null;
  follows: boolean;
  isDue: boolean;
  parts: object[];
}

/** One path of a server. */
export class ModelServer {
  /** All that was ever published. */
  readonly published: Published[] = [];
  /** The state in the order of the last change, at every position. */
  readonly states = new Map<string, Entry[]>();
  head: Position = { epoch: 'epoch000', offset: 0 };
  session = 1;
  received = 0;
  #floor = 0;
  #epochs = 0;
  #hearing: Hearing | null = null;
  #answers: object[] = [];

  constructor() {
    this.#note([]);
  }

  /** What the state is now. */
  get state(): Entry[] {
    return this.states.get(name(this.head)) ?? [];
  }

  publish(key: string | null, message: Json, isHidden: boolean): void {
    const { epoch, offset } = this.head;
    const others = this.state.filter((entry) => entry.key !== key);
    const state = key === null ? this.state : message === null ? others : [...others, { key, message }];
    this.head = { epoch, offset: offset + 1 };
    this.published.push({ position: this.head, key, message, isHidden });
    this.#note(state);
  }

  /** The log keeps its newest `count` updates only. */
  evict(count: number): void {
    this.#floor = Math.max(this.#floor, this.head.offset - count);
  }

  /** The head is lost, the state is not. */
  loseHead(): void {
    const { state } = this;
    this.head = { epoch: `epoch${String(++this.#epochs).padStart(3, '0')}`, offset: 0 };
    this.#floor = 0;
    this.#note(state);
    if (this.#hearing !== null) this.#place({ path: PATH, position: this.#hearing.cursor });
  }

  /** The session is forgotten: the next connection begins another. */
  forget(): void {
    this.session++;
    this.received = 0;
    this.#hearing = null;
  }

  /** A connection opens. */
  open(items: readonly SubscribeItem[]): void {
    this.#answers = [];
    for (const item of items) {
      const { cursor } = this.#place(item);
      this.#answer({ type: 'subscribed', paths: [{ path: PATH, position: cursor }] });
    }
  }

  /** A frame of the client. */
  take(frame: UpFrame): void {
    if (frame.type !== 'subscribe' && frame.type !== 'unsubscribe') return;
    this.received = frame.n;
    if (frame.type === 'unsubscribe') {
      this.#hearing = null;
      this.#answer({ type: 'unsubscribed', paths: [PATH], by: 'client' });
      return;
    }
    for (const item of frame.paths) {
      const hearing = this.#hearing ?? this.#place(item);
      this.#answer({ type: 'subscribed', paths: [{ path: PATH, position: hearing.cursor }] });
      if (item.state !== undefined) hearing.follows = true;
      if (item.state === 'snapshot') hearing.isDue = true;
    }
  }

  /** The next frame for the client; null when there is none. */
  next(): object | null {
    const answer = this.#answers.shift();
    const hearing = this.#hearing;
    if (answer !== undefined || hearing === null) return answer ?? null;
    const part = hearing.parts.shift();
    if (part !== undefined) return part;
    const { cursor } = hearing;
    if (hearing.gap === null && cursor.offset < this.#floor) {
      hearing.gap = { from: cursor, to: { ...cursor, offset: this.#floor }, reason: 'evicted' };
    }
    return this.#gap(hearing) ?? this.#update(hearing) ?? this.#snapshot(hearing);
  }

  #gap(hearing: Hearing): object | null {
    if (hearing.gap === null) return null;
    const gap = { ...hearing.gap, to: hearing.follows ? this.head : hearing.gap.to };
    hearing.cursor = gap.to ?? hearing.cursor;
    hearing.gap = null;
    hearing.isDue ||= hearing.follows;
    return { type: 'gap', path: PATH, ...gap };
  }

  #update(hearing: Hearing): UpdateFrame | null {
    const { epoch, offset } = hearing.cursor;
    const later = this.published.filter(
      ({ position }) => position.epoch === epoch && position.offset > offset,
    );
    const next = later.find(({ isHidden }) => !isHidden);
    hearing.cursor = (next ?? later.at(-1))?.position ?? hearing.cursor;
    if (next === undefined) return null;
    const { key, message, position } = next;
    return { path: PATH, ...(key !== null && { key }), message, position };
  }

  #snapshot(hearing: Hearing): object | null {
    if (!hearing.isDue) return null;
    hearing.isDue = false;
    const { state } = this;
    for (let at = 0; at === 0 || at < state.length; at += ENTRIES_PER_PART) {
      const entries = state.slice(at, at + ENTRIES_PER_PART);
      const last = at + ENTRIES_PER_PART >= state.length;
      hearing.parts.push({ type: 'state', path: PATH, position: this.head, entries, first: at === 0, last });
    }
    return hearing.parts.shift() ?? null;
  }

  #place({ position, state }: SubscribeItem): Hearing {
    const { epoch } = this.head;
    const cursor = position ?? this.head;
    const isLost = cursor.epoch !== epoch;
    this.#hearing = {
      cursor,
      gap: isLost ? { from: cursor, to: { epoch, offset: this.#floor }, reason: 'restarted' } : null,
      follows: state !== undefined,
      isDue: state === 'snapshot',
      parts: [],
    };
    return this.#hearing;
  }

  #answer(frame: object): void {
    this.#answers.push(frame);
  }

  #note(state: Entry[]): void {
    this.states.set(name(this.head), state);
  }
}

/** A position as a name. */
export function name({ epoch, offset }: Position): string {
  return `${epoch}:${offset}`;
}
