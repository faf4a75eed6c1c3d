/** What may happen to a page, as a list of steps that a seed gives. */
import { Dice } from './dice.js';

/** Two public paths and two that the back end decides; of each one has no log. */
export const PATHS = ['public-a', 'public-nolog-b', 'c', 'nolog-d'] as const;
type Path = (typeof PATHS)[number];

/** One step. */
export type Step =
  | { readonly do: 'connect' | 'disconnect'; readonly path: Path }
  /** Leaves and comes back soon, so many times. */
  | { readonly do: 'flicker'; readonly path: Path; readonly awayMs: number; readonly times: number }
  | { readonly do: 'publish'; readonly path: Path; readonly count: number }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'cut'; readonly tellsClient: boolean; readonly tellsServer: boolean }
  | { readonly do: 'swallow'; readonly direction: 'up' | 'down' }
  | { readonly do: 'restart'; readonly isOrderly: boolean; readonly downMs: number }
  | { readonly do: 'kick' | 'online' | 'show' | 'hide' }
  /** No code of the page runs; the page is frozen, or the machine sleeps. */
  | { readonly do: 'sleep'; readonly isAnnounced: boolean; readonly ms: number }
  /** From `pagehide` to `pageshow`. */
  | {
      readonly do: 'away';
      readonly ms: number;
      readonly isFrozen: boolean;
      readonly isCut: boolean;
      readonly path: Path;
    };

const MOST_STEPS = 24;

const waitMs = (dice: Dice): number =>
  dice.pick([
    () => dice.int(0, 30),
    () => dice.int(0, 30),
    () => dice.int(30, 400),
    () => dice.int(30, 400),
    () => dice.int(400, 2_500),
    () => dice.int(2_500, 15_000),
    () => dice.int(15_000, 70_000),
  ])();

type Make = (dice: Dice) => Step;

const MAKERS: readonly (readonly [weight: number, make: Make])[] = [
  [10, (dice) => ({ do: 'connect', path: dice.pick(PATHS) })],
  [6, (dice) => ({ do: 'disconnect', path: dice.pick(PATHS) })],
  [
    7,
    (dice) => ({
      do: 'flicker',
      path: dice.pick(PATHS),
      awayMs: dice.pick([0, dice.int(0, 40), dice.int(0, 700)]),
      times: dice.int(1, 3),
    }),
  ],
  [8, (dice) => ({ do: 'publish', path: dice.pick(PATHS), count: dice.int(1, 3) })],
  [16, (dice) => ({ do: 'pass', ms: waitMs(dice) })],
  [3, (dice) => ({ do: 'cut', tellsClient: dice.chance(0.6), tellsServer: dice.chance(0.6) })],
  [2, (dice) => ({ do: 'swallow', direction: dice.pick(['up', 'down']) })],
  [
    2,
    (dice) => ({
      do: 'restart',
      isOrderly: dice.chance(0.5),
      downMs: dice.chance(0.5) ? 0 : dice.int(1, 4_000),
    }),
  ],
  [0.5, () => ({ do: 'kick' })],
  [1, () => ({ do: 'online' })],
  [1, () => ({ do: 'show' })],
  [1, () => ({ do: 'hide' })],
  [
    1,
    (dice) => ({
      do: 'sleep',
      isAnnounced: dice.chance(0.5),
      ms: dice.pick([dice.int(10, 3_000), dice.int(3_000, 120_000)]),
    }),
  ],
  [
    2,
    (dice) => ({
      do: 'away',
      ms: dice.pick([dice.int(1, 500), dice.int(500, 20_000), dice.int(20_000, 90_000)]),
      isFrozen: dice.chance(0.5),
      isCut: dice.chance(0.5),
      path: dice.pick(PATHS),
    }),
  ],
];
const WEIGHT = MAKERS.reduce((sum, [weight]) => sum + weight, 0);

/** The steps of a seed. */
export function stepsOf(seed: number): Step[] {
  const dice = new Dice(seed, 'steps');
  const first: Step = { do: 'connect', path: dice.pick(PATHS) };
  return [first, ...Array.from({ length: dice.int(2, MOST_STEPS) }, () => stepOf(dice))];
}

function stepOf(dice: Dice): Step {
  let left = dice.next() * WEIGHT;
  for (const [weight, make] of MAKERS) {
    left -= weight;
    if (left < 0) return make(dice);
  }
  return { do: 'pass', ms: 0 };
}
