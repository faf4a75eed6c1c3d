/** The frame by which a client sends a command. */
import { z } from 'zod';
import type { Outcome } from '../../../protocol/codes.js';
import type { CommandFrame, Json } from '../../../protocol/frames.js';
import { LIMITS } from '../../../protocol/limits.js';
import { keyFault } from '../../../protocol/paths.js';
import { check } from '../schema.js';

/** The result of JSON.parse is JSON: checking it could recurse too deep. */
const json = z.custom<Json>((value) => value !== undefined);
const count = z.int().min(1);
/** Checks the grammar of keys. */
const isName = (name: string): boolean => keyFault(name) === null;

const schema = z.strictObject({
  type: z.literal('command'),
  n: count,
  uid: z.string().min(1).max(LIMITS.uidCharacters),
  path: z.string(),
  command: z.string().refine(isName, '1 to 255 bytes of UTF-8 without control characters'),
  args: json.exactOptional(),
  again: z.boolean().exactOptional(),
  idempotent: z.boolean().exactOptional(),
  timeoutMs: count.exactOptional(),
}) satisfies z.ZodType<CommandFrame>;

const FIELDS: ReadonlySet<string> = new Set(Object.keys(schema.shape));

/** Checks a command. */
export function checkCommand(value: Readonly<Record<string, unknown>>): Outcome<CommandFrame> {
  return isCommand(value) ? { value } : check(schema, value);
}

/** Returns whether a value is a valid command, by hand, since commands are frequent. The schema judges others. */
function isCommand(
  value: Readonly<Record<string, unknown>>,
): value is Record<string, unknown> & CommandFrame {
  for (const name in value) if (!FIELDS.has(name)) return false;
  const { n, uid, path, command, args, again, idempotent, timeoutMs } = value;
  return (
    isCount(n) &&
    typeof uid === 'string' &&
    uid.length > 0 &&
    uid.length <= LIMITS.uidCharacters &&
    typeof path === 'string' &&
    typeof command === 'string' &&
    isName(command) &&
    (args !== undefined || !('args' in value)) &&
    (!('again' in value) || typeof again === 'boolean') &&
    (!('idempotent' in value) || typeof idempotent === 'boolean') &&
    (!('timeoutMs' in value) || isCount(timeoutMs))
  );
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 1;
