/**
 * Proves that the checkers can fail, before anything is believed that they say: sound input in every cut and order must pass, and each kind of
 * damage must be counted as what it is: by subscribers, by the verdict on clients that come back, and by callers.
 */
import { ASKING, Caller } from '../load/caller.mjs';
import { Fault } from '../load/fault.mjs';
import { PING, serverFrame } from '../load/frames.mjs';
import { Hearing } from '../load/hearing.mjs';
import { Messages } from '../load/message.mjs';
import { ReturningClient } from '../load/returning-client.mjs';
import { Stream, Subscriber } from '../load/subscriber.mjs';
import { Verdict } from '../load/verdict.mjs';

const PATH = 'bench/self-test';
const UPDATES = 60;
const PUBLISHERS = 3;
const SEEDS = Array.from({ length: 5 }, (_, i) => i + 1);
const messages = new Messages(7);
const PATH_OF = new Map(Array.from({ length: PUBLISHERS }, (_, p) => [p, PATH]));
const optionsOf = (index, dialect = 'dobby') => ({ index, port: 0, dialect, paths: [PATH] });

/** Runs everything. Throws when a checker passes damage or refuses what is sound. @returns {string} what was found */
export function selfTest() {
  const streams = testSubscribers();
  return `Self-test: the damage was found in all of ${streams} streams, ${testVerdict()} hearings and ${testCallers()} conversations.`;
}

function expect(what, due, found) {
  const [dueText, foundText] = [JSON.stringify(due), JSON.stringify(found)];
  if (foundText !== dueText)
    throw new Error(`the checkers are not to be trusted: ${what} gave ${foundText} instead of ${dueText}`);
}

/** The kind of the fault that is thrown, else what comes out. */
function outcomeOf(act) {
  try {
    return act();
  } catch (error) {
    if (error instanceof Fault) return error.kind;
    throw error;
  }
}

/** Numbers below `below` in an order that follows from the seed. */
function randomOf(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >>> 8) % below;
  };
}

const timeOf = (i) => 1_000 + i;
const positionOf = (i, epoch = 'selftest') => ({ epoch, offset: i + 1 });

/** The text of update `i`, in the order in which the imagined server accepted them. */
function update(i, position = positionOf(i)) {
  const message = messages.text(i % PUBLISHERS, Math.floor(i / PUBLISHERS), timeOf(i));
  return `{"path":"${PATH}","message":${message},"position":${JSON.stringify(position)}}`;
}

/** A gap before update `from` that ends with update `to`. */
function gap(from, to, path = PATH) {
  return JSON.stringify({
    type: 'gap',
    path,
    from: positionOf(from - 1),
    to: positionOf(to),
    reason: 'evicted',
  });
}

const SOUND = Array.from({ length: UPDATES }, (_, i) => update(i));
const alter = (n, from, to) => SOUND.with(n, SOUND[n].replace(from, to));
const otherChar = (char) => (char === 'x' ? 'y' : 'x');
const ALTERED = { silent: 1, altered: 1 };

/** What is done at update `n`, and what is to be counted. @type {[string, (n: number) => (string | Buffer)[], Record<string, number>][]} */
const DAMAGES = [
  ['an update dropped', (n) => SOUND.toSpliced(n, 1), { silent: 1 }],
  ['three updates dropped', (n) => SOUND.toSpliced(n, 3), { silent: 3 }],
  ['all after it dropped', (n) => SOUND.slice(0, n), { silent: -1 }],
  [
    'the half of the last dropped',
    () => SOUND.with(-1, serverFrame(SOUND[UPDATES - 1]).subarray(0, 99)),
    { silent: 1 },
  ],
  ['an update doubled', (n) => SOUND.toSpliced(n, 0, SOUND[n]), { doubled: 1 }],
  ['an update again at the end', (n) => [...SOUND, SOUND[n]], { doubled: 1 }],
  ['two updates exchanged', (n) => SOUND.with(n, SOUND[n + 1]).with(n + 1, SOUND[n]), { disordered: 1 }],
  [
    'two of one publisher exchanged',
    (n) => SOUND.with(n, SOUND[n + 3]).with(n + 3, SOUND[n]),
    { disordered: 2 },
  ],
  ['an altered character', (n) => alter(n, /.(?="},"position")/, otherChar), ALTERED],
  ['an altered number', (n) => alter(n, /"n":(\d+)/, '"n":1$1'), ALTERED],
  ['an altered time', (n) => alter(n, /"t":1/, '"t":2'), ALTERED],
  ['an altered publisher', (n) => alter(n, /"p":\d/, '"p":9'), ALTERED],
  ['an altered path', (n) => alter(n, PATH, 'bench/self-tesu'), ALTERED],
  ['an offset again', (n) => SOUND.with(n, update(n, positionOf(n - 1))), { disordered: 1 }],
  ['another epoch', (n) => SOUND.with(n, update(n, positionOf(n, 'selftesu'))), { disordered: 2 }],
];
/** The same of what only clients that come back may hear. @type {typeof DAMAGES} */
const GAPS = [
  ['a gap in its place', (n) => SOUND.with(n, gap(n, n)), { announced: 1 }],
  [
    'a gap after the next of its publisher',
    (n) => SOUND.toSpliced(n + 4, 0, gap(n, n)).toSpliced(n, 1),
    { silent: 1 },
  ],
  ['a gap that names another', (n) => SOUND.with(n, gap(n + 1, n + 1)), { silent: 1 }],
  ['a gap of another path', (n) => SOUND.with(n, gap(n, n, 'bench/else')), { silent: 1 }],
];
const PLACES = [1, 7, 30, UPDATES - 5];
const NOTHING_WRONG = { silent: 0, announced: 0, doubled: 0, doubledByRetry: 0, disordered: 0, altered: 0 };

/** What is to be counted of a damage at `n`. */
const dueOf = (counts, n) => ({
  ...NOTHING_WRONG,
  ...counts,
  ...(counts.silent === -1 ? { silent: UPDATES - n } : {}),
});
const bytesOf = (frames) =>
  Buffer.concat(frames.map((frame) => (typeof frame === 'string' ? serverFrame(frame) : frame)));

/** Gives bytes to a reader in chunks of odd sizes, in one buffer that is overwritten. Answers whether some are left. */
function feeder(reader, bytes, random) {
  const shared = Buffer.alloc(2048);
  let at = 0;
  return () => {
    const length = Math.min(1 + random(random(4) === 0 ? 2048 : 200), bytes.length - at);
    bytes.copy(shared, 0, at, at + length);
    at += length;
    reader.read(shared, length);
    return at < bytes.length;
  };
}

/** Lets subscribers hear their streams by turns. Returns what each counts. @param {(string | Buffer)[][]} streams */
function hear(streams, seed, isJoining = false) {
  const random = randomOf(seed);
  const stream = new Stream();
  const subscribers = streams.map((_, index) => {
    const hearing = new Hearing(messages, PATH_OF, () => undefined);
    const subscriber = new Subscriber(optionsOf(index), stream, hearing);
    subscriber.dialect.isJoining = isJoining;
    return subscriber;
  });
  let feeders = streams.map((frames, i) => feeder(subscribers[i], bytesOf(frames), random));
  while (feeders.length > 0) {
    const next = feeders[random(feeders.length)];
    if (!next()) feeders = feeders.filter((each) => each !== next);
  }
  return subscribers.map(({ hearing: { count, again, disordered, altered } }) => ({
    ...{ ...NOTHING_WRONG, silent: UPDATES - count, doubled: again.length },
    ...{ disordered, altered },
  }));
}

/** The sound stream with pings in between. */
function interleaved(every) {
  const pings = [serverFrame('{"type":"ping","received":0}'), serverFrame('beat', PING)];
  return SOUND.flatMap((text, i) => (i % every === 0 ? [pings[0], text, pings[1]] : [text]));
}

/** The sound stream with so many messages in one frame, a line each. */
function joined(count) {
  return Array.from({ length: UPDATES / count }, (_, i) =>
    SOUND.slice(i * count, (i + 1) * count).join('\n'),
  );
}

function testSubscribers() {
  let cases = 0;
  const compressed = serverFrame(SOUND[30]).fill(0xc1, 0, 1);
  for (const seed of SEEDS) {
    const sound = [SOUND, interleaved(7), SOUND, interleaved(2), interleaved(1)];
    expect(`sound, seed ${seed}`, Array(5).fill(NOTHING_WRONG), hear(sound, seed));
    const lines = [joined(4), joined(1), joined(10), joined(3)];
    expect(`joined, seed ${seed}`, Array(4).fill(NOTHING_WRONG), hear(lines, seed, true));
    for (const [what, damage, counts] of DAMAGES)
      for (const n of PLACES) {
        const [damaged, due] = [damage(n), dueOf(counts, n)];
        const name = `${what} at ${n}, seed ${seed}`;
        expect(`${name}, alone`, [due], hear([damaged], seed));
        expect(`${name}, everywhere`, [due, due], hear([damaged, damaged], seed));
        expect(`${name}, first`, [due, NOTHING_WRONG], hear([damaged, SOUND], seed));
        expect(`${name}, last`, [NOTHING_WRONG, NOTHING_WRONG, due], hear([SOUND, SOUND, damaged], seed));
        cases += 4;
      }
    // Which of two that disagree is wrong is not known: that they differ is.
    const ahead = SOUND.with(-1, update(UPDATES - 1, positionOf(UPDATES)));
    const differing = hear([SOUND, ahead], seed).reduce((sum, { altered }) => sum + altered, 0);
    expect(`other bytes around a message, seed ${seed}`, 1, differing);
    const refused = outcomeOf(() => hear([SOUND, SOUND.with(30, compressed)], seed));
    expect(`an altered header, seed ${seed}`, 'protocol', refused);
    const bare = SOUND.with(30, SOUND[30].replace(/,"position".*(?=}$)/, ''));
    expect(
      `no position, seed ${seed}`,
      'protocol',
      outcomeOf(() => hear([SOUND, bare], seed)),
    );
    cases += 3;
  }
  return cases;
}

/** Returns the verdict on a client that heard these. @param {(string | Buffer)[]} frames */
function judged(frames, seed, { isRetried = false, positions = (i) => positionOf(i) } = {}) {
  const client = new ReturningClient(optionsOf(0), messages, PATH_OF, () => undefined);
  client.spans = [{ connectMs: 0, from: 0, to: Number.POSITIVE_INFINITY }];
  const next = feeder(client, bytesOf(frames), randomOf(seed));
  while (next());
  const published = Array.from({ length: PUBLISHERS }, (_, p) => {
    const of = (value) => Array.from({ length: UPDATES / PUBLISHERS }, (_, n) => value(n * PUBLISHERS + p));
    const known = { isAccepted: of(() => true), isRetried: of(() => isRetried), positions: of(positions) };
    return { p, path: PATH, sentMs: of((i) => timeOf(i) / 1000), ...known };
  });
  const verdict = new Verdict();
  client.judge(verdict, published, []);
  const counts = Object.fromEntries(Object.keys(NOTHING_WRONG).map((name) => [name, verdict[name]]));
  expect('what is expected', UPDATES, verdict.all.expected);
  expect('what is missing', counts.silent + counts.announced, UPDATES - verdict.all.delivered);
  return counts;
}

function testVerdict() {
  const cases = [...DAMAGES, ...GAPS];
  for (const seed of SEEDS) {
    expect(`a sound hearing, seed ${seed}`, NOTHING_WRONG, judged(SOUND, seed));
    for (const [what, damage, counts] of cases)
      for (const n of PLACES)
        expect(`${what} at ${n}, seed ${seed}, judged`, dueOf(counts, n), judged(damage(n), seed));
  }
  const doubled = judged(SOUND.toSpliced(5, 0, SOUND[5]), 1, { isRetried: true });
  expect('doubled by its publisher', { ...NOTHING_WRONG, doubledByRetry: 1 }, doubled);
  expect('a gap across epochs', { ...NOTHING_WRONG, announced: 20 }, acrossEpochs());
  return SEEDS.length * cases.length * PLACES.length + 2;
}

/** From update 30 on another epoch counts from 1; what is lost is 15 to 34. */
function acrossEpochs() {
  const positions = (i) => (i < 30 ? positionOf(i) : positionOf(i - 30, 'selftesu'));
  const restarted = { type: 'gap', path: PATH, from: positions(14), to: positions(34), reason: 'restarted' };
  const after = Array.from({ length: UPDATES - 35 }, (_, i) => update(i + 35, positions(i + 35)));
  return judged([...SOUND.slice(0, 15), JSON.stringify(restarted), ...after], 1, { positions });
}

const COMMANDS = 40;
const INDEX = 3;
const commandMessages = new Messages(7, 64);
const argsOf = (i) => commandMessages.text(INDEX, i);

/**
 * What is done to the answers, and which fault must be thrown. `answer(i, of)` answers command `i` with the arguments of `of`.
 * @type {[string, (answers: string[], answer: (i: number, of?: number) => string, asking: import('../load/caller.mjs').Asking) => string[], string][]}
 */
const ANSWERS = [
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
];

function testCallers() {
  let cases = 0;
  for (const [dialect, asking] of Object.entries(ASKING)) {
    const answer = (i, of = i) => asking.reply(asking.uid(INDEX, i + 1), argsOf(of));
    const answers = Array.from({ length: COMMANDS }, (_, i) => answer(i));
    for (const seed of SEEDS) {
      expect(`${dialect}, sound`, 'nothing', talk(dialect, answers, seed));
      for (const [what, damage, kind] of ANSWERS) {
        const damaged = damage(answers, answer, asking);
        const found = outcomeOf(() => talk(dialect, damaged, seed));
        expect(`${dialect}, ${what}, seed ${seed}`, kind, found);
        cases++;
      }
    }
  }
  return cases;
}

/** Has everything asked and lets these answers come in an order of the seed's, with a ping here and there, which is no answer. */
function talk(dialect, texts, seed) {
  const random = randomOf(seed);
  const caller = new Caller(optionsOf(INDEX, dialect), () => undefined);
  for (let i = 0; i < COMMANDS; i++) caller.ask('echo', argsOf(i));
  caller.flush();
  const shuffled = texts
    .map((text) => ({ text, key: random(1_000_000) }))
    .toSorted((a, b) => a.key - b.key)
    .flatMap(({ text }, i) => (i % 7 === 0 ? [serverFrame('beat', PING), text] : [text]));
  const next = feeder(caller, bytesOf(shuffled), random);
  while (next());
  caller.expectNone();
  return 'nothing';
}
