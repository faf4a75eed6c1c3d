/**
 * Proves that the checker can fail, before anything is believed that it says: sound streams in every cut and order must
 * pass, each kind of damage must be found, on the connection that leads and on one that follows.
 */
import { Canon } from './canon.mjs';
import { Delivery } from './delivery.mjs';
import { DIALECTS } from './dialects.mjs';
import { Fault } from './fault.mjs';
import { PING, serverFrame } from './frames.mjs';
import { Ledger } from './ledger.mjs';
import { Messages } from './message.mjs';
import { tallySelfTest } from './tally-self-test.mjs';

const PATH = 'bench/self-test';
const UPDATES = 60;
const PUBLISHERS = 3;
const messages = new Messages(7);

/** The text of update `i` in the order in which the imagined server accepted it. */
function update(i) {
  const message = messages.text(i % PUBLISHERS, Math.floor(i / PUBLISHERS));
  return `{"path":"${PATH}","message":${message},"position":{"epoch":"selftest","offset":${i + 1}}}`;
}

const sound = Array.from({ length: UPDATES }, (_, i) => serverFrame(update(i)));

/** Replaces a piece of update 30 by another of the same length. */
const alter = (from, to) => sound.with(30, serverFrame(update(30).replace(from, to)));
const lastChar = (text) => text.replace(/.(?="},"position")/, (char) => (char === 'x' ? 'y' : 'x'));

/** What is done to a stream, and the kinds of fault that may be told. @type {[string, Buffer[], string[]][]} */
const DAMAGES = [
  ['an altered character of a message', sound.with(30, serverFrame(lastChar(update(30)))), ['altered']],
  ['an altered number of a message', alter('"n":10', '"n":11'), ['altered']],
  ['an altered path', alter(PATH, 'bench/self-tesu'), ['altered']],
  ['an altered offset', alter('"offset":31', '"offset":13'), ['altered']],
  [
    'an altered header byte',
    sound.with(30, Buffer.concat([Buffer.from([0x91]), sound[30].subarray(1)])),
    ['protocol'],
  ],
  ['a dropped delivery', sound.toSpliced(30, 1), ['skipped']],
  ['a dropped last delivery', sound.slice(0, -1), ['missing']],
  ['half of the last delivery', sound.with(-1, sound[UPDATES - 1].subarray(0, 99)), ['missing']],
  ['a doubled delivery', sound.toSpliced(30, 0, sound[30]), ['doubled']],
  ['a doubled last delivery', [...sound, sound[UPDATES - 1]], ['doubled']],
  ['two reordered deliveries', sound.with(30, sound[31]).with(31, sound[30]), ['skipped', 'altered']],
  ['two reordered of one publisher', sound.with(30, sound[33]).with(33, sound[30]), ['skipped', 'altered']],
  [
    'a delivery of something never published',
    sound.toSpliced(30, 0, serverFrame(update(3 * UPDATES))),
    ['skipped'],
  ],
];

/** What the lenient reader hears of some of these. @type {[string, Buffer[], number | string][]} */
const TALLIES = [
  ['a sound stream', sound, UPDATES],
  ['two dropped deliveries', sound.toSpliced(30, 2), UPDATES - 2],
  ['a dropped last delivery', sound.slice(0, -1), UPDATES - 1],
  ['a doubled delivery', sound.toSpliced(30, 0, sound[30]), 'doubled'],
  ['two reordered of one publisher', sound.with(30, sound[33]).with(33, sound[30]), 'doubled'],
  ['an altered character of a message', sound.with(30, serverFrame(lastChar(update(30)))), 'altered'],
];

/** Feeds several connections their streams, in turns and in chunks of odd sizes. Throws the first fault. */
function play(streams, seed) {
  const canon = new Canon();
  const ledger = new Ledger({ messages, publishers: PUBLISHERS, path: PATH });
  let state = seed;
  const random = (below) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >>> 8) % below;
  };
  const lanes = streams.map((frames, index) => ({
    bytes: Buffer.concat(frames),
    at: 0,
    delivery: new Delivery({ index, canon, ledger, dialect: DIALECTS.dobby, send: () => undefined }),
  }));
  const shared = Buffer.alloc(2048);
  for (let open = lanes.slice(); open.length > 0; open = open.filter((lane) => lane.at < lane.bytes.length)) {
    const lane = open[random(open.length)];
    const length = Math.min(1 + random(random(4) === 0 ? 2048 : 200), lane.bytes.length - lane.at);
    lane.bytes.copy(shared, 0, lane.at, lane.at + length);
    lane.at += length;
    lane.delivery.feed(shared, length);
  }
  const behind = lanes.filter((lane) => !lane.delivery.isComplete).length;
  if (ledger.count !== UPDATES || behind > 0) {
    throw new Fault('missing', `${ledger.count} of ${UPDATES} updates, ${behind} connections behind`);
  }
}

/** The sound stream with pings and fresh tickets in between. */
function interleaved(every) {
  const ping = serverFrame('{"type":"ping","received":0}');
  return sound.flatMap((frame, i) => (i % every === 0 ? [ping, frame, serverFrame('beat', PING)] : [frame]));
}

/** @returns {number} how many cases were tried. Throws when the checker passes damage or refuses what is sound. */
export function selfTest() {
  tallySelfTest({ messages, publishers: PUBLISHERS, path: PATH }, TALLIES);
  let cases = 0;
  for (let seed = 1; seed <= 20; seed++) {
    play([sound, interleaved(7), sound, interleaved(2), interleaved(1)], seed);
    for (const [what, damaged, kinds] of DAMAGES) {
      const places = {
        following: [sound, sound, damaged],
        leading: [damaged, sound, sound],
        alone: [damaged],
        everywhere: [damaged, damaged],
      };
      for (const [place, streams] of Object.entries(places)) {
        expectFault(`${what}, ${place}, seed ${seed}`, { streams, seed, kinds, place });
        cases++;
      }
    }
  }
  return cases;
}

function expectFault(what, { streams, seed, kinds, place }) {
  let found = 'nothing';
  try {
    play(streams, seed);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    found = error.kind;
  }
  // Where two connections disagree, which of them leads is chance and the one that follows is told: any fault will do.
  const isMixed = place === 'following' || place === 'leading';
  const isFound = isMixed ? found !== 'nothing' : kinds.includes(found);
  if (!isFound)
    throw new Error(
      `the checker is not to be trusted: ${what} gave ${found} instead of ${kinds.join(' or ')}`,
    );
}
