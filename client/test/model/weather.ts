/** What connections go through, drawn by chance: first the way of a whole sequence (a proxy that spoils one transport), then each connection's. */
import { Dice } from './dice.js';
import type { Conditions } from './wire.js';

/** What a connection is for: the three transports, and the further requests of two of them. */
export type Purpose = 'websocket' | 'event-stream' | 'long-poll' | 'poll' | 'send' | 'probe';

/** What a proxy does to every connection of one purpose. */
export type Spoilt = Partial<
  Pick<Conditions, 'refusal' | 'swallowUpAfterMs' | 'swallowDownAfterMs' | 'isBuffered'>
>;

/** A connection without faults. */
export const CALM: Conditions = {
  upMs: 20,
  downMs: 20,
  jitterMs: 0,
  holdUpMs: 0,
  holdDownMs: 0,
  stall: null,
  swallowUpAfterMs: null,
  swallowDownAfterMs: null,
  cut: null,
  isBuffered: false,
  refusal: null,
};

const WEBSOCKET_PROXIES: readonly [Spoilt, ...Spoilt[]] = [
  { refusal: 'refused' },
  { refusal: 'mute' },
  { refusal: 502 },
  { swallowUpAfterMs: 100 },
  { swallowDownAfterMs: 1_000 },
  { swallowUpAfterMs: 0 },
  { swallowDownAfterMs: 0 },
];
const STREAM_PROXIES: readonly [Spoilt, ...Spoilt[]] = [
  { isBuffered: true },
  { swallowDownAfterMs: 3_000 },
  { refusal: 400 },
  { refusal: 'refused' },
];
const REFUSALS: readonly [Conditions['refusal'], ...Conditions['refusal'][]] = [
  'refused',
  'refused',
  'mute',
  502,
  400,
  431,
];
/** How much goes wrong: of many sequences little, of some much. */
const ROUGHNESS = [0, 0.3, 1, 1, 2.5] as const;

/** The weather of one sequence. */
export class Weather {
  readonly #seed: number;
  readonly #roughness: number;
  readonly #spoilt = new Map<Purpose, Spoilt>();
  readonly #dice: Dice;
  #connections = 0;
  #isCalm = false;

  constructor(seed: number) {
    this.#seed = seed;
    this.#dice = new Dice(seed, 'weather');
    this.#roughness = this.#dice.pick(ROUGHNESS);
    if (this.#dice.chance(0.3)) this.spoil();
  }

  /** A proxy comes between that spoils one or two transports. */
  spoil(): void {
    const dice = this.#dice;
    this.#spoilt.set('websocket', dice.pick(WEBSOCKET_PROXIES));
    if (dice.chance(0.4)) this.#spoilt.set('event-stream', dice.pick(STREAM_PROXIES));
  }

  /** It goes. */
  heal(): void {
    this.#spoilt.clear();
  }

  /** From now on new connections have no faults. */
  calm(): void {
    this.#isCalm = true;
  }

  /** What the next connection goes through, and its dice. */
  next(purpose: Purpose): { readonly conditions: Conditions; readonly dice: Dice } {
    const dice = new Dice(this.#seed, 'connection', this.#connections++);
    if (this.#isCalm) return { conditions: CALM, dice };
    const isShort = purpose === 'poll' || purpose === 'send' || purpose === 'probe';
    const rate = this.#roughness * (isShort ? 0.3 : 1);
    const often = (probability: number): boolean => dice.chance(probability * rate);
    const conditions: Conditions = {
      upMs: dice.int(1, 150),
      downMs: dice.int(1, 150),
      jitterMs: dice.int(0, 60),
      holdUpMs: often(0.12) ? dice.int(1_000, 20_000) : 0,
      holdDownMs: often(0.08) ? dice.int(1_000, 20_000) : 0,
      stall: often(0.1)
        ? { afterMs: dice.int(100, 15_000), ms: dice.int(500, 15_000), isUp: dice.chance(0.5) }
        : null,
      swallowUpAfterMs: often(0.08) ? dice.int(0, 15_000) : null,
      swallowDownAfterMs: often(0.08) ? dice.int(0, 15_000) : null,
      cut: often(0.2)
        ? { afterMs: dice.int(10, 15_000), tellsClient: dice.chance(0.6), tellsServer: dice.chance(0.6) }
        : null,
      isBuffered: false,
      refusal: often(0.06) ? dice.pick(REFUSALS) : null,
    };
    return { conditions: { ...conditions, ...this.#spoilt.get(purpose) }, dice };
  }
}
