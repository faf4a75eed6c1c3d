/**
 * One client that gives commands: what it is answered must be the answer to something that it has asked and that has had none, to the
 * letter. It reads for a conversation and writes all that one chunk brought it to ask at once.
 */
import { Fault } from './fault.mjs';
import { clientFrames, FrameReader, TEXT } from './frames.mjs';
import { nowMs } from './usage.mjs';

/** How long a client that does not say otherwise waits; Pomona says so with every command. */
const TIMEOUT_MS = 30_000;
const PATH = 'bench/commands';
const REPLY = '{"type":"reply","uid":"';

/**
 * How a system is asked, and how it answers.
 * @typedef {object} Asking
 * @property {(index: number, n: number) => string} uid of the `n`th command of a connection, from 1
 * @property {(command: {uid: string, n: number, name: string, args: string}) => string} command as it is sent; `args` is JSON
 * @property {(uid: string, args: string) => string} reply that echoes what was asked, to the letter
 * @property {(text: string) => string | null} uidOf an answer, sound or not; null when it is none
 */

/** By dialect. @type {Record<string, Asking>} */
export const ASKING = {
  // As Pomona writes it.
  dobby: {
    uid: (index, n) => `b${String(index).padStart(9, '0')}.${n}`,
    command: ({ uid, n, name, args }) =>
      `{"type":"command","uid":"${uid}","path":"${PATH}","command":"${name}","args":${args},"timeoutMs":${TIMEOUT_MS},"n":${n}}`,
    reply: (uid, args) => `${REPLY}${uid}","reply":${args}}`,
    uidOf: (text) =>
      text.startsWith(REPLY) ? text.slice(REPLY.length, text.indexOf('"', REPLY.length)) : null,
  },
  // Events with an acknowledgement.
  socketio: {
    uid: (_index, n) => String(n),
    command: ({ uid, name, args }) => `42${uid}["${name}",${args}]`,
    reply: (uid, args) => `43${uid}[${args}]`,
    uidOf: (text) => (text.startsWith('43') ? text.slice(2, text.indexOf('[')) : null),
  },
};

/**
 * A command that has no answer. `sinceMs` is when its time begins: when it is written, unless its caller says otherwise.
 * @typedef {{uid: string, name: string, reply: string, sinceMs: number}} Command
 */

export class Caller {
  index;
  /** How many it has asked. */
  asked = 0;
  #conversation;
  #asking;
  #onReply;
  #mask;
  #frames = new FrameReader((bytes, frame) => this.#hear(bytes, frame));
  /** When the chunk came that is being read. */
  #atMs = 0;
  /** @type {Map<string, Command>} */
  #open = new Map();
  /** @type {string[]} */
  #texts = [];
  /** Those of `#texts` whose time begins when they are written. @type {Command[]} */
  #unsent = [];

  /**
   * @param {Pick<import('./subscribers.mjs').Conversation, 'index' | 'write' | 'hear'>} conversation
   * @param {Asking} asking
   * @param {(caller: Caller, command: Command, atMs: number) => void} onReply a sound answer has come
   */
  constructor(conversation, asking, onReply) {
    this.index = conversation.index;
    this.#conversation = conversation;
    this.#asking = asking;
    this.#onReply = onReply;
    this.#mask = Uint8Array.from([0x5a, 0xc3, 0x17, 0x80 | (this.index & 0x7f)]);
  }

  /** Commands that have no answer. */
  get open() {
    return this.#open.size;
  }

  /** Asks, at the next `flush`. @param {string} name @param {string} args JSON, all ASCII @param {number} [sinceMs] */
  ask(name, args, sinceMs) {
    const n = ++this.asked;
    const uid = this.#asking.uid(this.index, n);
    const command = { uid, name, reply: this.#asking.reply(uid, args), sinceMs: sinceMs ?? 0 };
    this.#open.set(uid, command);
    this.#texts.push(this.#asking.command({ uid, n, name, args }));
    if (sinceMs === undefined) this.#unsent.push(command);
  }

  /** Writes what was asked. */
  flush() {
    if (this.#texts.length === 0) return;
    const atMs = nowMs();
    for (const command of this.#unsent) command.sinceMs = atMs;
    this.#unsent.length = 0;
    this.#conversation.write(clientFrames(this.#texts, this.#mask));
    this.#texts.length = 0;
  }

  /** Takes the first `length` bytes of `chunk`, which may be reused after the call. @param {Buffer} chunk @param {number} length */
  feed(chunk, length) {
    this.#atMs = nowMs();
    this.#frames.feed(chunk, length);
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

  #hear(bytes, frame) {
    const text = frame.opcode === TEXT ? bytes.latin1Slice(frame.payload, frame.end) : '';
    const uid = this.#asking.uidOf(text);
    if (uid !== null) return this.#answered(uid, text);
    if (this.#conversation.hear(bytes, frame) !== null)
      throw new Fault('protocol', `connection ${this.index}: an update, where nothing is published`);
  }

  #answered(uid, text) {
    const command = this.#open.get(uid);
    if (command === undefined) throw this.#unasked(uid, text);
    if (text !== command.reply)
      throw new Fault('altered', `connection ${this.index}: due was ${command.reply}, and ${text} came`);
    this.#open.delete(uid);
    this.#onReply(this, command, this.#atMs);
  }

  #unasked(uid, text) {
    const n = Number(uid.slice(uid.lastIndexOf('.') + 1));
    const isOver = n >= 1 && n <= this.asked && uid === this.#asking.uid(this.index, n);
    const what = isOver ? 'a second answer' : 'an answer to something that was never asked';
    return new Fault(isOver ? 'doubled' : 'altered', `connection ${this.index}: ${what}: ${text}`);
  }
}
