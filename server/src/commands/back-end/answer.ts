/** What the back end may answer a command (docs/protocol.md, "The back end's command view"). */
import { z } from 'zod';
import type { CommandErrorCode } from '../../../../protocol/codes.js';
import type { Json } from '../../../../protocol/frames.js';
import { LIMITS } from '../../../../protocol/limits.js';
import { check } from '../../schema.js';

const CODES = [
  'unknown_command',
  'not_allowed',
  'bad_args',
  'refused',
  'handler_failed',
  'state_conflict',
] as const satisfies readonly CommandErrorCode[];

const text = z.string().max(1_000);
/** What JSON.parse gave is JSON. */
const json = z.custom<Json>((value) => value !== undefined, 'Required');
/** A state has room for fewer. */
const MAX_NAMES = 4_000;
const names = z.array(z.string()).max(LIMITS.itemsPerRequest);

const error = z.strictObject({
  code: z.enum(CODES),
  message: text,
  field: text.exactOptional(),
  reason: text.exactOptional(),
  data: json.exactOptional(),
});

const update = z.strictObject({
  path: z.string(),
  message: json,
  key: z.string().exactOptional(),
  version: z.int().min(1).nullable().exactOptional(),
  except: names.exactOptional(),
  echo: z.boolean().exactOptional(),
});

const directMessage = z.strictObject({
  sessions: names.exactOptional(),
  users: names.exactOptional(),
  message: json,
});

const done = z.strictObject({
  reply: json.exactOptional(),
  state: z
    .strictObject({ patch: z.record(z.string(), json), version: z.int().min(0).exactOptional() })
    .exactOptional(),
  grants: names.default([]),
  updates: z.array(update).max(LIMITS.itemsPerRequest).default([]),
  send: z.array(directMessage).max(LIMITS.itemsPerRequest).default([]),
});

/** A command was done, with all that is to be done along with it. */
export type DoneAnswer = z.output<typeof done>;

/** It was not done. */
export type RefusedAnswer = { readonly error: z.output<typeof error> };

/** Reads an answer; a text says what is wrong with it. What has very many names is not looked at: that would take long. */
export function readAnswer(json: unknown): DoneAnswer | RefusedAnswer | string {
  if (hasTooManyNames(json)) return 'it has too many names';
  const isError = typeof json === 'object' && json !== null && 'error' in json;
  const checked = check<DoneAnswer | RefusedAnswer>(isError ? z.strictObject({ error }) : done, json);
  return 'error' in checked ? `${checked.error.field ?? ''}: ${checked.error.message}` : checked.value;
}

/** An answer, its state, and the patch in it. */
function hasTooManyNames(json: unknown): boolean {
  const state = (json as { state?: unknown } | null)?.state;
  const patch = (state as { patch?: unknown } | null | undefined)?.patch;
  return [json, state, patch].some(
    (value) => typeof value === 'object' && value !== null && Object.keys(value).length > MAX_NAMES,
  );
}
