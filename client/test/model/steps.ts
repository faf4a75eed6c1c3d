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
  /** A proxy that spoils a transport comes, or goes. */
  | { readonly do: 'spoil' | 'heal' }
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
/** So many of all sequences are joins and leaves above all, close together. */
const DENSE = 0.4;

const waitMs = (dice: Dice): number =>
  dice.pick([
    () => dice.int(0, 30),
    () => dice.int(0, 30),
    () => dice.int(30, 400),
    () => dice.int(30, 400),
    () => dice.int(400, 2_500),
    () => dice.int(2_500, 15_000),
    () => dice.int(15_000, 140_000),
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
  [1.5, () => ({ do: 'heal' })],
  [0.5, () => ({ do: 'spoil' })],
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
const DENSE_MAKERS: readonly (readonly [weight: number, make: Make])[] = [
  [8, (dice) => ({ do: 'connect', path: dice.pick(PATHS) })],
  [8, (dice) => ({ do: 'disconnect', path: dice.pick(PATHS) })],
  [
    6,
    (dice) => ({ do: 'flicker', path: dice.pick(PATHS), awayMs: dice.int(0, 1_200), times: dice.int(1, 3) }),
  ],
  [3, (dice) => ({ do: 'publish', path: dice.pick(PATHS), count: 1 })],
  [16, (dice) => ({ do: 'pass', ms: dice.pick([dice.int(0, 50), dice.int(50, 500), dice.int(500, 1_500)]) })],
  [2, (dice) => ({ do: 'cut', tellsClient: true, tellsServer: dice.chance(0.7) })],
  [0.5, (dice) => ({ do: 'restart', isOrderly: dice.chance(0.5), downMs: 0 })],
  [
    0.7,
    (dice) => ({
      ...{ do: 'away', ms: dice.int(1, 1_500), path: dice.pick(PATHS) },
      ...{ isFrozen: dice.chance(0.5), isCut: dice.chance(0.5) },
    }),
  ],
];

/** The steps of a seed. */
export function stepsOf(seed: number): Step[] {
  const dice = new Dice(seed, 'steps');
  const makers = dice.chance(DENSE) ? DENSE_MAKERS : MAKERS;
  const weight = makers.reduce((sum, [weight]) => sum + weight, 0);
  const make = (): Step => {
    let left = dice.next() * weight;
    for (const [weight, make] of makers) {
      left -= weight;
      if (left < 0) return make(dice);
    }
    return { do: 'pass', ms: 0 };
  };
  return [
    { do: 'connect', path: dice.pick(PATHS) },
    ...Array.from({ length: dice.int(2, MOST_STEPS) }, make),
  ];
}
