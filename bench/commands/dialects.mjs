/** How each system is asked, and how it answers. A dialect holds no state, so one serves every connection. */
import { DIALECTS } from '../load/dialects.mjs';

/** How long a client that does not say otherwise waits; Pomona says so with every command. */
const TIMEOUT_MS = 30_000;
const REPLY = '{"type":"reply","uid":"';

/**
 * @typedef {object} Asking
 * @property {(index: number, n: number) => string} uid of the `n`th command of a connection, from 1
 * @property {(command: {uid: string, n: number, path: string, name: string, args: string}) => string} command as it is sent; `args` is JSON
 * @property {(uid: string, args: string) => string} reply that echoes what was asked, to the letter
 * @property {(text: string) => string | null} uidOf an answer, sound or not; null when it is none
 */

/** @typedef {import('../load/dialects.mjs').Dialect & Asking} CommandDialect */

/** As Pomona writes it. @type {CommandDialect} */
const dobby = {
  ...DIALECTS.dobby,
  uid: (index, n) => `b${String(index).padStart(9, '0')}.${n}`,
  command: ({ uid, n, path, name, args }) =>
    `{"type":"command","uid":"${uid}","path":"${path}","command":"${name}","args":${args},"timeoutMs":${TIMEOUT_MS},"n":${n}}`,
  reply: (uid, args) => `${REPLY}${uid}","reply":${args}}`,
  uidOf: (text) =>
    text.startsWith(REPLY) ? text.slice(REPLY.length, text.indexOf('"', REPLY.length)) : null,
};

/** Events with an acknowledgement. @type {CommandDialect} */
const socketio = {
  ...DIALECTS.socketio,
  uid: (_index, n) => String(n),
  command: ({ uid, name, args }) => `42${uid}["${name}",${args}]`,
  reply: (uid, args) => `43${uid}[${args}]`,
  uidOf: (text) => (text.startsWith('43') ? text.slice(2, text.indexOf('[')) : null),
};

/** By name. @type {Record<string, CommandDialect>} */
export const COMMAND_DIALECTS = { dobby, socketio };
