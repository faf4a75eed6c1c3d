/**
 * One client that gives commands: whatever it is answered must be the answer to something that it has asked and that has had none, to the
 * letter. It reads for a connection (../load/connection.mjs) and writes all that one chunk brought it to ask at once.
 */
import { nowMs } from '../load/clock.mjs';
import { hearFrame } from '../load/conversation.mjs';
import { Fault } from '../load/fault.mjs';
import { clientFrames, frameAt, TEXT } from '../load/frames.mjs';

const NOTHING = Buffer.alloc(0);

/**
 * A command that has no answer. `sinceMs` is when its time begins: when it is written, unless its caller says otherwise.
 * @typedef {{uid: string, name: string, reply: string, sinceMs: number}} Command
 */

/**
 * @typedef {object} CallerOptions
 * @property {string} path
 * @property {(caller: Caller, command: Command, atMs: number) => void} onReply a sound answer has come
 */

export class Caller {
  index;
  /** Answers that have come. */
  at = 0;
  #speaker;
  #options;
  #dialect;
  #mask;
  #asked = 0;
  #carry = NOTHING;
  /** @type {Map<string, Command>} */
  #open = new Map();
  /** @type {string[]} */
  #texts = [];
  /** Those of `#texts` whose time begins when they are written. @type {Command[]} */
  #unsent = [];

  /** @param {import('../load/conversation.mjs').Speaker & {dialect: import('./dialects.mjs').CommandDialect}} speaker @param {CallerOptions} options */
  constructor(speaker, options) {
    this.index = speaker.index;
    this.#speaker = speaker;
    this.#dialect = speaker.dialect;
    this.#options = options;
    this.#mask = Uint8Array.from([0x5a, 0xc3, 0x17, 0x80 | (speaker.index & 0x7f)]);
  }

  /** Commands that have no answer. */
  get open() {
    return this.#open.size;
  }

  /** How many it has asked. */
  get asked() {
    return this.#asked;
  }

  /** Asks, at the next `flush`. @param {string} name @param {string} args JSON, all ASCII @param {number} [sinceMs] */
  ask(name, args, sinceMs) {
    const n = ++this.#asked;
    const uid = this.#dialect.uid(this.index, n);
    const command = { uid, name, reply: this.#dialect.reply(uid, args), sinceMs: sinceMs ?? 0 };
    this.#open.set(uid, command);
    this.#texts.push(this.#dialect.command({ uid, n, path: this.#options.path, name, args }));
    if (sinceMs === undefined) this.#unsent.push(command);
  }

  /** Writes what was asked. */
  flush() {
    if (this.#texts.length === 0) return;
    const atMs = nowMs();
    for (const command of this.#unsent) command.sinceMs = atMs;
    this.#unsent.length = 0;
    this.#speaker.send(clientFrames(this.#texts, this.#mask));
    this.#texts.length = 0;
  }

  /** Takes the first `length` bytes of `chunk`, which may be reused after the call. @param {Buffer} chunk @param {number} length */
  feed(chunk, length) {
    const atMs = nowMs();
    const read = chunk.subarray(0, length);
    const bytes = this.#carry.length === 0 ? read : Buffer.concat([this.#carry, read]);
    let i = 0;
    for (
      let frame = frameAt(bytes, 0, bytes.length);
      frame !== null;
      frame = frameAt(bytes, i, bytes.length)
    ) {
      this.#hear(bytes, frame, atMs);
      i = frame.end;
    }
    this.#carry = i === bytes.length ? NOTHING : Buffer.from(bytes.subarray(i));
    this.flush();
  }

  /** Throws when a command has no answer. */
  expectNone() {
    const [command] = this.#open.values();
    if (command !== undefined)
      throw new Fault(
        'missing',
        `connection ${this.index}: ${this.open} commands have no answer, among them ${command.uid}`,
      );
  }

  #hear(bytes, frame, atMs) {
    const text = frame.opcode === TEXT ? bytes.latin1Slice(frame.payload, frame.end) : '';
    const uid = this.#dialect.uidOf(text);
    if (uid !== null) return this.#answered(uid, text, atMs);
    if (hearFrame(bytes, frame, this.#speaker) !== null)
      throw new Fault('protocol', `connection ${this.index}: an update, where nothing is published`);
  }

  #answered(uid, text, atMs) {
    const command = this.#open.get(uid);
    if (command === undefined) throw this.#unasked(uid, text);
    if (text !== command.reply)
      throw new Fault('altered', `connection ${this.index}: due was ${command.reply}, and ${text} came`);
    this.#open.delete(uid);
    this.at++;
    this.#options.onReply(this, command, atMs);
  }

  #unasked(uid, text) {
    const n = Number(uid.slice(uid.lastIndexOf('.') + 1));
    const isOver = n >= 1 && n <= this.#asked && uid === this.#dialect.uid(this.index, n);
    const what = isOver ? 'a second answer' : 'an answer to something that was never asked';
    return new Fault(isOver ? 'doubled' : 'altered', `connection ${this.index}: ${what}: ${text}`);
  }
}
