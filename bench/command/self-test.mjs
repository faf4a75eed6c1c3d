/**
 * Proves that the checkers can fail, before anything is believed that they say: sound input in every cut and order must pass, and each kind of
 * damage must be found as what it is. Three checkers: of streams (Delivery), of hearings (Verdict), of answers to commands (Caller).
 */
import { Account } from '../load/account.mjs';
import { ASKING, Caller } from '../load/caller.mjs';
import { DIALECTS } from '../load/dialects.mjs';
import { Fault } from '../load/fault.mjs';
import { frameAt, PING, serverFrame, TEXT } from '../load/frames.mjs';
import { Hearing } from '../load/hearing.mjs';
import { Verdict } from '../load/judge.mjs';
import { Messages } from '../load/message.mjs';

const PATH = 'bench/self-test';
const UPDATES = 60;
const PUBLISHERS = 3;
const COMMANDS = 40;
const INDEX = 3;
const messages = new Messages(7);

/** Runs everything. Throws when a checker passes damage or refuses what is sound. @returns {string} what was found */
export function selfTest() {
  const streams = testStreams() + testLenient();
  return `Self-test: the damage was found in all of ${streams} streams, ${testHearings()} hearings and ${testCommands()} conversations.`;
}

function expect(what, due, found) {
  if (![due].flat().includes(found))
    throw new Error(`the checkers are not to be trusted: ${what} gave ${found} instead of ${due}`);
}

/** The kind of the fault that is thrown, else what comes out. */
function kindOf(act) {
  try {
    return act();
  } catch (error) {
    if (error instanceof Fault) return error.kind;
    throw error;
  }
}

/** The text of update `i` in the order in which the imagined server accepted it. */
function update(i) {
  const message = messages.text(i % PUBLISHERS, Math.floor(i / PUBLISHERS));
  return `{"path":"${PATH}","message":${message},"position":{"epoch":"selftest","offset":${i + 1}}}`;
}

const sound = Array.from({ length: UPDATES }, (_, i) => serverFrame(update(i)));
/** Replaces a piece of update 30 by another of the same length. */
const alter = (from, to) => sound.with(30, serverFrame(update(30).replace(from, to)));
const lastChar = (char) => (char === 'x' ? 'y' : 'x');
const otherChar = sound.with(30, serverFrame(update(30).replace(/.(?="},"position")/, lastChar)));
const otherHeader = sound.with(30, Buffer.concat([Buffer.from([0x91]), sound[30].subarray(1)]));
const twoOfOne = sound.with(30, sound[33]).with(33, sound[30]);

/** What is done to a stream, the kinds of fault that may be told, and what a lenient account counts. @type {[string, Buffer[], string[], (number | string)?][]} */
const DAMAGES = [
  ['an altered character of a message', otherChar, ['altered'], 'altered'],
  ['an altered number of a message', alter('"n":10', '"n":11'), ['altered'], 'altered'],
  ['an altered path', alter(PATH, 'bench/self-tesu'), ['altered'], 'altered'],
  ['an altered offset', alter('"offset":31', '"offset":13'), ['altered'], 'altered'],
  ['an altered header byte', otherHeader, ['protocol'], 'protocol'],
  ['a dropped delivery', sound.toSpliced(30, 1), ['skipped'], UPDATES - 1],
  ['two dropped deliveries', sound.toSpliced(30, 2), ['skipped'], UPDATES - 2],
  ['a dropped last delivery', sound.slice(0, -1), ['missing'], UPDATES - 1],
  ['half of the last delivery', sound.with(-1, sound[UPDATES - 1].subarray(0, 99)), ['missing'], UPDATES - 1],
  ['a doubled delivery', sound.toSpliced(30, 0, sound[30]), ['doubled'], 'doubled'],
  ['a doubled last delivery', [...sound, sound[UPDATES - 1]], ['doubled'], 'doubled'],
  ['two reordered deliveries', sound.with(30, sound[31]).with(31, sound[30]), ['skipped', 'altered']],
  ['two reordered of one publisher', twoOfOne, ['skipped', 'altered']],
  ['what was never published', sound.toSpliced(30, 0, serverFrame(update(3 * UPDATES))), ['skipped']],
];

/** A conversation as subscribers have it, without a socket. */
function conversation(index, isJoining = false) {
  let heard = null;
  const listener = { onUpdate: (each) => (heard = each), onReady: () => undefined };
  const client = new DIALECTS.dobby([PATH], /** @type {any} */ (listener));
  const hear = (bytes, { opcode, payload, end }) => {
    heard = null;
    if (opcode === PING) return null;
    if (opcode !== TEXT) throw new Fault('protocol', `opcode ${opcode}`);
    client.hear(bytes.toString('utf8', payload, end), () => undefined);
    return heard;
  };
  return /** @type {any} */ ({ index, isJoining, hear, write: () => undefined });
}

/** Feeds several connections their streams, in turns and in chunks of odd sizes; returns what came. Throws the first fault. */
function play(streams, seed, { isLenient = false, isJoining = false } = {}) {
  const account = new Account({
    messages,
    publishers: PUBLISHERS,
    path: PATH,
    publishedAt: () => 0,
    isLenient,
  });
  let state = seed;
  const random = (below) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >>> 8) % below;
  };
  const lanes = streams.map((frames, index) => ({
    bytes: Buffer.concat(frames),
    at: 0,
    reader: account.reader(conversation(index, isJoining)),
  }));
  const shared = Buffer.alloc(2048);
  for (let open = lanes; open.length > 0; open = open.filter((lane) => lane.at < lane.bytes.length)) {
    const lane = open[random(open.length)];
    const length = Math.min(1 + random(random(4) === 0 ? 2048 : 200), lane.bytes.length - lane.at);
    lane.bytes.copy(shared, 0, lane.at, lane.at + length);
    lane.at += length;
    lane.reader.feed(shared, length);
  }
  account.expectAll(UPDATES);
  expect('the number of samples', account.delivered, account.samples().count);
  return account;
}

/** The sound stream with pings in between. */
function interleaved(every) {
  const ping = serverFrame('{"type":"ping","received":0}');
  return sound.flatMap((frame, i) => (i % every === 0 ? [ping, frame, serverFrame('beat', PING)] : [frame]));
}

/** The sound stream with so many messages in one frame, a line each. */
function joined(count) {
  const texts = sound.map((frame) => frame.toString('utf8', frameAt(frame, 0, frame.length)?.payload));
  const groups = Array.from({ length: UPDATES / count }, (_, i) => texts.slice(i * count, (i + 1) * count));
  return groups.map((group) => serverFrame(group.join('\n')));
}

function testStreams() {
  let cases = 0;
  for (let seed = 1; seed <= 20; seed++) {
    play([sound, interleaved(7), sound, interleaved(2), interleaved(1)], seed);
    play([joined(4), joined(1), joined(10), joined(3)], seed, { isJoining: true });
    for (const [what, damaged, kinds] of DAMAGES) {
      // Where two connections disagree, which of them leads is chance, and the fault names the other: any fault will do.
      for (const streams of [
        [sound, sound, damaged],
        [damaged, sound, sound],
      ]) {
        const found = kindOf(() => typeof play(streams, seed));
        expect(`${what}, seed ${seed}`, false, found === 'object');
      }
      for (const streams of [[damaged], [damaged, damaged]])
        expect(
          `${what} everywhere, seed ${seed}`,
          kinds,
          kindOf(() => typeof play(streams, seed)),
        );
      cases += 4;
    }
  }
  return cases;
}

/** Beside a sound connection, whether that leads or follows. */
function testLenient() {
  const cases = DAMAGES.filter(([, , , due]) => due !== undefined);
  for (const [what, damaged, , due] of cases)
    for (let seed = 1; seed <= 20; seed++) {
      const found = kindOf(() => play([sound, damaged], seed, { isLenient: true }).delivered - UPDATES);
      expect(`${what}, leniently, seed ${seed}`, due, found);
    }
  const { disordered, delivered } = play([sound, twoOfOne, sound], 1, { isLenient: true });
  expect('two reordered of one publisher, leniently', 3 * UPDATES, delivered);
  expect('their disorder', true, disordered > 0);
  return cases.length * 20;
}

/** Which update of a hearing is damaged: from a second epoch on, from 20, offsets begin at 1 again. */
const PLACES = [0, 7, 19, 20, 33, COMMANDS - 2];
const COUNTERS = ['told', 'silent', 'doubled', 'doubledByRetry', 'disordered', 'altered'];
const positionOf = (n) => ({ epoch: n < 20 ? 'selftst1' : 'selftst2', offset: (n % 20) + 1 });
const event = (n) => ({ path: PATH, message: JSON.parse(messages.text(0, n)), ...positionOf(n) });
const before = (n) => ({ ...positionOf(n), offset: positionOf(n).offset - 1 });
const gap = (from, to, path = PATH) => ({ path, from: before(from), to: positionOf(to), reason: 'evicted' });
const HEARD = Array.from({ length: COMMANDS }, (_, n) => event(n));
const ALTERED = { altered: 1, silent: 1 };

/** What is done at `n`, and what is to be counted; `silent` -1 is what is not there. @type {[string, (n: number) => any[], Record<string, number>][]} */
const CASES = [
  ['nothing', () => HEARD, {}],
  ['an update dropped', (n) => HEARD.toSpliced(n, 1), { silent: 1 }],
  ['three updates dropped', (n) => HEARD.filter((_, i) => i < n - 2 || i > n), { silent: -1 }],
  ['all after it dropped', (n) => HEARD.slice(0, n + 1), { silent: -1 }],
  ['an update doubled', (n) => HEARD.toSpliced(n, 0, HEARD[n]), { doubled: 1 }],
  ['an update again at the end', (n) => [...HEARD, HEARD[n]], { doubled: 1 }],
  ['two updates exchanged', (n) => HEARD.with(n, HEARD[n + 1]).with(n + 1, HEARD[n]), { disordered: 1 }],
  ['a character altered', (n) => HEARD.with(n, { ...event(n), message: { p: 0, n, f: 'x' } }), ALTERED],
  ['another path', (n) => HEARD.with(n, { ...event(n), path: 'bench/self-tesu' }), ALTERED],
  ['an unknown publisher', (n) => HEARD.with(n, { ...event(n), message: { p: 1, n } }), ALTERED],
  ['a gap in its place', (n) => HEARD.with(n, gap(n, n)), { told: 1 }],
  ['a gap after the next update', (n) => HEARD.with(n, HEARD[n + 1]).with(n + 1, gap(n, n)), { silent: 1 }],
  ['a gap that names another', (n) => HEARD.with(n, gap(n + 1, n + 1)), { silent: 1 }],
  ['a gap of another path', (n) => HEARD.with(n, gap(n, n, 'bench/else')), { silent: 1 }],
];

function testHearings() {
  for (const [what, damage, due] of CASES)
    for (const n of PLACES) {
      const events = damage(n);
      const missing = due.silent === -1 ? { silent: COMMANDS - events.length } : {};
      expectCounts(`${what}, at ${n}`, judged(events, false), { ...due, ...missing });
    }
  expectCounts('doubled by its publisher', judged(HEARD.toSpliced(5, 0, HEARD[5]), true), {
    doubledByRetry: 1,
  });
  const restarted = [...HEARD.slice(0, 15), gap(15, 29), ...HEARD.slice(30)];
  expectCounts('a gap across epochs', judged(restarted, false), { told: 15 });
  return (CASES.length - 1) * PLACES.length + 2;
}

function judged(events, isRetried) {
  const hearing = new Hearing(messages, new Map([[0, PATH]]));
  for (const [i, each] of events.entries()) {
    if ('reason' in each) hearing.gaps.push(each);
    else hearing.take(each, 1000 + i);
  }
  const verdict = new Verdict();
  const of = (value) => HEARD.map((_, n) => value(n));
  const published = {
    ...{ p: 0, path: PATH, dueMs: of((n) => 900 + n), isAccepted: of(() => true) },
    ...{ isRetried: of(() => isRetried), positions: of(positionOf) },
  };
  verdict.judge(hearing, [published], [{ connectMs: 0, from: 0, to: Number.POSITIVE_INFINITY }]);
  return verdict;
}

function expectCounts(what, verdict, due) {
  for (const name of COUNTERS) expect(`${what}: ${name}`, due[name] ?? 0, verdict[name]);
  const { expected, delivered } = verdict.all;
  expect(`${what}: expected`, COMMANDS, expected);
  expect(`${what}: missing`, expected - delivered, verdict.told + verdict.silent);
}

const commandMessages = new Messages(7, 64);
const argsOf = (i) => commandMessages.text(INDEX, i);

/** What is done to the answers, and which fault must be told. `answer(i, of)` answers command `i` with the arguments of `of`. */
const ANSWERS =
  /** @type {[string, (answers: string[], answer: (i: number, of?: number) => string, asking: import('../load/caller.mjs').Asking) => string[], string][]} */ ([
    ['an altered character', (answers) => answers.with(9, answers[9].replace(/.(?="})/, '!')), 'altered'],
    ['an altered number', (answers) => answers.with(9, answers[9].replace(/"n":\d/, '"n":')), 'altered'],
    [
      'two swapped answers',
      (answers, answer) => answers.with(9, answer(9, 10)).with(10, answer(10, 9)),
      'altered',
    ],
    [
      'another client’s uid',
      (answers, _, asking) => answers.with(9, asking.reply('x.80', argsOf(9))),
      'altered',
    ],
    ['a uid that was not asked yet', (answers, answer) => [...answers, answer(COMMANDS)], 'altered'],
    ['a doubled answer', (answers) => answers.toSpliced(9, 0, answers[9]), 'doubled'],
    ['a doubled last answer', (answers) => [...answers, answers[COMMANDS - 1]], 'doubled'],
    ['a missing answer', (answers) => answers.toSpliced(9, 1), 'missing'],
    ['a missing last answer', (answers) => answers.slice(0, -1), 'missing'],
    ['no answer at all', () => [], 'missing'],
  ]);

function testCommands() {
  let cases = 0;
  for (const [name, asking] of Object.entries(ASKING)) {
    const answer = (i, of = i) => asking.reply(asking.uid(INDEX, i + 1), argsOf(of));
    const answers = Array.from({ length: COMMANDS }, (_, i) => answer(i));
    for (let seed = 1; seed <= 10; seed++) {
      expect(
        `${name}, sound`,
        'nothing',
        kindOf(() => talk(asking, shuffled(answers, seed), seed)),
      );
      for (const [what, damage, kind] of ANSWERS) {
        const texts = shuffled(damage(answers, answer, asking), seed);
        expect(
          `${name}, ${what}, seed ${seed}`,
          kind,
          kindOf(() => talk(asking, texts, seed)),
        );
        cases++;
      }
    }
  }
  return cases;
}

/** Has everything asked and lets these answers come, with a ping here and there, which is no answer. */
function talk(asking, texts, seed) {
  const caller = new Caller(conversation(INDEX), asking, () => undefined);
  for (let i = 0; i < COMMANDS; i++) caller.ask('echo', argsOf(i));
  caller.flush();
  const bytes = Buffer.concat(
    texts.flatMap((text, i) =>
      i % 7 === 0 ? [serverFrame('beat', PING), serverFrame(text)] : [serverFrame(text)],
    ),
  );
  const shared = Buffer.alloc(512);
  const step = 1 + ((seed * 131) % shared.length);
  for (let at = 0; at < bytes.length; at += step)
    caller.feed(shared, bytes.copy(shared, 0, at, Math.min(at + step, bytes.length)));
  caller.expectNone();
  return 'nothing';
}

/** In an order that the seed says. */
function shuffled(texts, seed) {
  return texts
    .map((text, i) => ({ text, key: Math.imul(i + 1, 2654435761 * seed) >>> 0 }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ text }) => text);
}
