/**
 * A client that gives commands: each answer must be that of a command which it has asked and which has had no answer, to the letter. What one
 * chunk of answers makes it ask is one write.
 */
import { Connection } from './connection.mjs';
import { clientFrame, FrameReader, TEXT } from './frames.mjs';
import { nowMs } from './usage.mjs';

/** How long a client that does not say otherwise waits; Pomona says so with every command. */
const TIMEOUT_MS = 30_000;
export const PATH = 'bench/commands';
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

/** A command that has no answer; `sinceMs` is when it was written. @typedef {{uid: string, name: string, reply: string, sinceMs: number}} Command */

export class Caller extends Connection {
  /** How many it has asked. */
  asked = 0;
  #asking;
  #onReply;
  #mask;
  #frames = new FrameReader((bytes, frame) => this.#hearFrame(bytes, frame));
  /** When the chunk came that is being read. */
  #atMs = 0;
  /** @type {Map<string, Command>} */
  #open = new Map();
  /** What is written by the next `flush`. @type {{text: string, command: Command}[]} */
  #unsent = [];

  /**
   * @param {import('./connection.mjs').ConnectionOptions} options
   * @param {(caller: Caller, command: Command, atMs: number) => void} onReply called when a sound answer has come
   */
  constructor(options, onReply) {
    super(options);
    this.#asking = ASKING[options.dialect];
    this.#onReply = onReply;
    this.#mask = Uint8Array.from([0x5a, 0xc3, 0x17, 0x80 | (this.index & 0x7f)]);
  }

  /** How many commands have no answer. @returns {number} */
  get unanswered() {
    return this.#open.size;
  }

  /** Asks, at the next `flush`. @param {string} name @param {string} args JSON, all ASCII */
  ask(name, args) {
    const n = ++this.asked;
    const uid = this.#asking.uid(this.index, n);
    const command = { uid, name, reply: this.#asking.reply(uid, args), sinceMs: 0 };
    this.#open.set(uid, command);
    this.#unsent.push({ text: this.#asking.command({ uid, n, name, args }), command });
  }

  /** Writes what was asked. */
  flush() {
    if (this.#unsent.length === 0) return;
    const atMs = nowMs();
    for (const { command } of this.#unsent) command.sinceMs = atMs;
    this.write(Buffer.concat(this.#unsent.map(({ text }) => clientFrame(text, TEXT, this.#mask))));
    this.#unsent.length = 0;
  }

  read(chunk, length) {
    this.#atMs = nowMs();
    this.#frames.feed(chunk, length);
    this.flush();
  }

  /** Throws when a command has no answer. */
  expectNone() {
    const [command] = this.#open.values();
    if (command === undefined) return;
    throw this.fault('missing', `${this.#open.size} commands have no answer, among them ${command.uid}`);
  }

  #hearFrame(bytes, frame) {
    const text = frame.opcode === TEXT ? bytes.latin1Slice(frame.payload, frame.end) : '';
    const uid = this.#asking.uidOf(text);
    if (uid === null) return this.hear(bytes, frame);
    const command = this.#open.get(uid);
    if (command === undefined) throw this.#unasked(uid, text);
    if (text !== command.reply) throw this.fault('altered', `due was ${command.reply}, and ${text} came`);
    this.#open.delete(uid);
    this.#onReply(this, command, this.#atMs);
  }

  #unasked(uid, text) {
    const n = Number(uid.slice(uid.lastIndexOf('.') + 1));
    const isOver = n >= 1 && n <= this.asked && uid === this.#asking.uid(this.index, n);
    if (isOver) return this.fault('doubled', `a second answer: ${text}`);
    return this.fault('altered', `an answer to a command that was never asked: ${text}`);
  }
}
