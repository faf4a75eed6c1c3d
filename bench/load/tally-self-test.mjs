/** Proves that the lenient reader counts exactly what is dropped, and that whatever else is wrong does not pass. */
import { DIALECTS } from './dialects.mjs';
import { Fault } from './fault.mjs';
import { Ledger } from './ledger.mjs';
import { Tally } from './tally.mjs';

/** Odd, so that frames are cut everywhere. */
const CHUNK_BYTES = 77;

/**
 * @param {import('./ledger.mjs').Ledger} ledger
 * @param {Buffer[]} frames
 * @returns {number | string} how many updates were heard, or the kind of fault
 */
function hear(ledger, frames) {
  const tally = new Tally({ index: 0, dialect: DIALECTS.dobby, send: ignore, ledger, onHeard: ignore });
  const bytes = Buffer.concat(frames);
  try {
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      const chunk = bytes.subarray(at, at + CHUNK_BYTES);
      tally.feed(chunk, chunk.length);
    }
  } catch (error) {
    if (error instanceof Fault) return error.kind;
    throw error;
  }
  return tally.at;
}

const ignore = () => undefined;

/**
 * @param {ConstructorParameters<typeof Ledger>[0]} stream what was published
 * @param {[string, Buffer[], number | string][]} cases frames, and how many updates are to be heard or which fault is to be found
 */
export function tallySelfTest(stream, cases) {
  for (const [what, frames, due] of cases) {
    const found = hear(new Ledger(stream), frames);
    if (found !== due)
      throw new Error(`the lenient checker is not to be trusted: ${what} gave ${found} instead of ${due}`);
  }
}
