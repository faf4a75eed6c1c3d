/** What a module says of its command; the default export of each file in the folder of commands. */
import { z } from 'zod';
import type { Json } from '../../../../protocol/frames.js';
import { keyFault } from '../../../../protocol/paths.js';
import { compilePattern } from '../../../../protocol/patterns.js';
import type { CommandOperations } from './command-operations.js';
import type { CommandContext, EndedSession } from './context.js';

/** A schema of zod, or of any library that follows Standard Schema (standardschema.dev, version 1). */
export interface ArgsSchema<Args> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    validate(value: unknown): SchemaResult<Args> | Promise<SchemaResult<Args>>;
  };
}

/** What validating gives. */
export type SchemaResult<Args> =
  | { readonly value: Args; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** What is wrong, and where. */
export interface SchemaIssue {
  readonly message: string;
  /** Names that are not known, as zod has them. */
  readonly keys?: readonly string[] | undefined;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** One command. */
export interface CommandDefinition<Args = Json> {
  /** The paths on which it is taken; by default all. */
  readonly pattern?: string;
  /** Its name; by default that of its file. */
  readonly command?: string;
  /** Of its arguments; without one they are any JSON value. */
  readonly args?: ArgsSchema<Args>;
  /** Whether the session may give it; by default one that may hear the path. It may throw `Refused`. */
  authorize?(context: CommandContext): boolean | Promise<boolean>;
  /** Whether those of one session and path are done one after the other; default false. */
  readonly ordered?: boolean;
  /** Does it; what it returns, a JSON value or nothing, is the reply. It may throw `Refused`. */
  run(args: Args, context: CommandContext): unknown;
  /** A session has ended, whether or not it gave this command. What is done then is done for it, which hears nothing of it any more. */
  onSessionEnd?(session: EndedSession, actions: CommandOperations): void | Promise<void>;
}

/** Defines a command; the schema gives the type of its arguments. */
export function defineCommand<Args = Json>(definition: CommandDefinition<Args>): CommandDefinition<Args> {
  return definition;
}

const isFunction = (value: unknown): boolean => typeof value === 'function';
const method = z.custom(isFunction, 'a function').exactOptional();

/** What a file must export. */
export const definitionSchema = z.strictObject({
  pattern: z
    .string()
    .superRefine((source, context) => {
      try {
        compilePattern(source);
      } catch (error) {
        context.addIssue({ code: 'custom', message: String((error as Error).message) });
      }
    })
    .exactOptional(),
  command: z
    .string()
    .refine((name) => keyFault(name) === null, '1 to 255 bytes without control characters')
    .exactOptional(),
  args: z
    .custom<ArgsSchema<unknown>>(
      (value) => isFunction((value as Partial<ArgsSchema<unknown>> | null)?.['~standard']?.validate),
      'a schema, of zod for example',
    )
    .exactOptional(),
  authorize: method,
  ordered: z.boolean().default(false),
  run: z.custom(isFunction, 'a function'),
  onSessionEnd: method,
});
