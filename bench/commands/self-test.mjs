/** Proves that the checker of answers can fail: sound conversations pass in every order and cut, damaged ones do not. */
import { Fault } from '../load/fault.mjs';
import { PING, serverFrame } from '../load/frames.mjs';
import { Messages } from '../load/message.mjs';
import { Caller } from './caller.mjs';
import { COMMAND_DIALECTS } from './dialects.mjs';

const COMMANDS = 40;
const INDEX = 3;
const messages = new Messages(7, 64);
const argsOf = (i) => messages.text(INDEX, i);

/** A conversation: what is asked, and the texts that answer it. @typedef {{dialect: import('./dialects.mjs').CommandDialect, answer: (i: number, of?: number) => string}} Talk */

/** What is done to the answers, and which fault must be told. @type {[string, (answers: string[], talk: Talk) => string[], string][]} */
const DAMAGES = [
  ['an altered character', (answers) => answers.with(9, answers[9].replace(/.(?="})/, '!')), 'altered'],
  ['an altered number', (answers) => answers.with(9, answers[9].replace(/"n":\d/, '"n":')), 'altered'],
  [
    'two swapped answers',
    (answers, { answer }) => answers.with(9, answer(9, 10)).with(10, answer(10, 9)),
    'altered',
  ],
  [
    'another client’s uid',
    (answers, talk) => answers.with(9, talk.dialect.reply(`x.${COMMANDS * 2}`, argsOf(9))),
    'altered',
  ],
  ['a uid that was not asked yet', (answers, talk) => [...answers, talk.answer(COMMANDS)], 'altered'],
  ['a doubled answer', (answers) => answers.toSpliced(9, 0, answers[9]), 'doubled'],
  ['a doubled last answer', (answers) => [...answers, answers[COMMANDS - 1]], 'doubled'],
  ['a missing answer', (answers) => answers.toSpliced(9, 1), 'missing'],
  ['a missing last answer', (answers) => answers.slice(0, -1), 'missing'],
  ['no answer at all', () => [], 'missing'],
];

/** Has everything asked and lets these answers come; answers the kind of the first fault. @param {Talk} talk @param {Buffer[]} frames @param {number} seed */
function play({ dialect }, frames, seed) {
  const speaker = { index: INDEX, dialect, send: () => undefined };
  const caller = new Caller(speaker, { path: 'bench/self-test', onReply: () => undefined });
  for (let i = 0; i < COMMANDS; i++) caller.ask('echo', argsOf(i));
  caller.flush();
  const bytes = Buffer.concat(frames);
  const shared = Buffer.alloc(512);
  const step = 1 + ((seed * 131) % shared.length);
  try {
    for (let at = 0; at < bytes.length; at += step) {
      caller.feed(shared, bytes.copy(shared, 0, at, Math.min(at + step, bytes.length)));
    }
    caller.expectNone();
  } catch (error) {
    if (error instanceof Fault) return error.kind;
    throw error;
  }
  return 'nothing';
}

/** In an order that the seed says. */
function shuffled(texts, seed) {
  return texts
    .map((text, i) => ({ text, key: Math.imul(i + 1, 2654435761 * seed) >>> 0 }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ text }) => text);
}

/** @returns {number} how many cases were tried. Throws when the checker passes damage or refuses what is sound. */
export function commandsSelfTest() {
  let cases = 0;
  for (const [name, dialect] of Object.entries(COMMAND_DIALECTS)) {
    const answer = (i, of = i) => dialect.reply(dialect.uid(INDEX, i + 1), argsOf(of));
    const talk = { dialect, answer };
    const sound = Array.from({ length: COMMANDS }, (_, i) => answer(i));
    for (let seed = 1; seed <= 10; seed++) {
      expect(`${name}, sound, seed ${seed}`, 'nothing', play(talk, framed(shuffled(sound, seed)), seed));
      for (const [what, damage, kind] of DAMAGES) {
        const frames = framed(shuffled(damage(sound, talk), seed));
        expect(`${name}, ${what}, seed ${seed}`, kind, play(talk, frames, seed));
        cases++;
      }
    }
  }
  return cases;
}

/** With a ping here and there, which is no answer. */
function framed(texts) {
  return texts.flatMap((text, i) =>
    i % 7 === 0 ? [serverFrame('beat', PING), serverFrame(text)] : [serverFrame(text)],
  );
}

function expect(what, due, found) {
  if (found !== due)
    throw new Error(`the checker of answers is not to be trusted: ${what} gave ${found} instead of ${due}`);
}
