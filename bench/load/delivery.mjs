/**
 * What one connection receives, held against the canonical stream. In the common case a chunk is compared as bytes and never parsed, which
 * makes the generator cheap; what differs is read frame by frame. The connection that is ahead of all others extends the stream, so no
 * connection is beyond it by more than a part of a frame.
 */
import { Fault } from './fault.mjs';
import { frameAt, singleLines } from './frames.mjs';

export class Delivery {
  /** Bytes of the canonical stream that have arrived, or were skipped. Inside a frame only when the rest of it is already known. */
  at = 0;
  /** From where on the arrival of bytes is not noted yet. */
  #from = 0;
  /** Slots that others heard before what was heard here. @type {Set<number>} */
  #skipped = new Set();
  /** Bytes of a frame whose end has not come. When set, `at` is at a frame's beginning. @type {Buffer | null} */
  #carry = null;
  #conversation;
  #account;
  #canon;

  /** @param {import('./subscribers.mjs').Conversation} conversation @param {import('./account.mjs').Account} account */
  constructor(conversation, account) {
    this.#conversation = conversation;
    this.#account = account;
    this.#canon = account.canon;
  }

  /** Whether everything that any connection has heard was heard here too. */
  get isComplete() {
    return this.at === this.#canon.end && this.#carry === null && this.#skipped.size === 0;
  }

  /** Updates heard in this phase. */
  get delivered() {
    return this.#canon.framesWithin(this.at) - this.#skipped.size;
  }

  /** Begins a new phase; a part of a frame of the last one is kept. Called before the canonical stream is cleared. */
  clear() {
    const start = this.#canon.startOf(this.#canon.framesWithin(this.at));
    if (start < this.at) this.#carry = Buffer.from(this.#canon.bytes.subarray(start, this.at));
    this.at = 0;
    this.#from = 0;
    this.#skipped.clear();
  }

  /** Takes the first `length` bytes of `chunk`, which may be reused after the call. Throws a Fault. */
  feed(chunk, length) {
    this.#take(chunk, length);
    this.#note();
  }

  #take(chunk, length) {
    if (this.#carry !== null) {
      const joined = Buffer.concat([this.#carry, chunk.subarray(0, length)]);
      this.#carry = null;
      return this.#readFrames(joined, 0, joined.length);
    }
    const matched = this.#match(chunk, 0, length);
    if (matched === length) return;
    const start = this.#canon.startOf(this.#canon.framesWithin(this.at));
    if (start === this.at) return this.#readFrames(chunk, matched, length);
    const begun = this.#canon.bytes.subarray(start, this.at);
    const rebuilt = Buffer.concat([begun, chunk.subarray(matched, length)]);
    this.at = start;
    this.#from = Math.min(this.#from, start);
    this.#readFrames(rebuilt, 0, rebuilt.length);
  }

  /** Compares as many bytes as the stream has; moves on only when all of them are equal. Returns where it stopped. */
  #match(bytes, from, to) {
    const known = Math.min(to - from, this.#canon.end - this.at);
    const end = this.at + known;
    if (known === 0 || bytes.compare(this.#canon.bytes, this.at, end, from, from + known) !== 0) return from;
    this.at = end;
    return from + known;
  }

  /** Reads whole frames; `at` is at a frame's beginning. What is left over is kept. */
  #readFrames(read, from, to) {
    const [bytes, end] = this.#conversation.isJoining ? singleLines(read, from, to) : [read, to];
    let i = bytes === read ? from : 0;
    while (i < end) {
      const frame = frameAt(bytes, i, end);
      if (frame === null) break;
      if (this.#isNext(bytes, i, frame.end)) {
        this.at += frame.end - i;
        i = frame.end;
        continue;
      }
      const update = this.#conversation.hear(bytes, frame);
      if (update !== null) this.#update(bytes, i, frame.end, update);
      i = this.#match(bytes, frame.end, end);
    }
    if (i < end) this.#carry = Buffer.from(bytes.subarray(i, end));
  }

  #isNext(bytes, from, to) {
    const end = this.at + to - from;
    return end <= this.#canon.end && bytes.compare(this.#canon.bytes, this.at, end, from, to) === 0;
  }

  /** Takes an update that is not simply the next one of the canonical stream. */
  #update(bytes, from, to, update) {
    try {
      this.#place(bytes, from, to, update);
    } catch (fault) {
      if (fault instanceof Fault)
        fault.message += ` (connection ${this.#conversation.index}, update ${this.#canon.framesWithin(this.at) + 1})`;
      throw fault;
    }
  }

  #place(bytes, from, to, update) {
    const [account, canon] = [this.#account, this.#canon];
    const slot = account.verify(update);
    const here = canon.framesWithin(this.at);
    let index = canon.indexOf(slot, here);
    const before = index < 0 && account.hasSeen(slot) ? canon.indexOf(slot) : -1;
    if (before >= 0) return this.#late(before);
    if (index < 0) {
      if (this.at < canon.end) account.pass('skipped', `others heard another message than slot ${slot}`);
      if (!account.accept(update, slot)) return;
      index = canon.count;
      canon.append(bytes, from, to, slot);
    }
    const start = canon.startOf(index);
    if (bytes.compare(canon.bytes, start, canon.endOf(index), from, to) !== 0)
      throw new Fault('altered', `other bytes around the message of slot ${slot}`);
    if (index > here) this.#skip(here, index);
    this.at = canon.endOf(index);
  }

  /** Notes that frames `here` to `index` did not come, or not yet. */
  #skip(here, index) {
    this.#account.pass('skipped', `${index - here} messages that others heard did not come`);
    for (let i = here; i < index; i++) this.#skipped.add(this.#canon.slotOf(i));
    this.#note();
    this.#from = this.#canon.startOf(index);
  }

  /** Takes what others heard before what was heard here. */
  #late(index) {
    const slot = this.#canon.slotOf(index);
    if (!this.#skipped.delete(slot)) throw new Fault('doubled', `the message of slot ${slot} came again`);
    this.#account.disordered++;
    this.#account.note(this.#canon.startOf(index), this.#canon.endOf(index));
  }

  #note() {
    if (this.at > this.#from) this.#account.note(this.#from, this.at);
    this.#from = this.at;
  }
}
