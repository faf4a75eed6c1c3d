/** The definition of a command: the default export of each file in the folder of commands. */
import { z } from 'zod';
import type { Json } from '../../../../protocol/frames.js';
import { keyFault } from '../../../../protocol/paths.js';
import { pattern } from '../../schema.js';
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

/** The result of validation. */
export type SchemaResult<Args> =
  | { readonly value: Args; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** A fault of the arguments, and its place. */
export interface SchemaIssue {
  readonly message: string;
  /** Unknown names, as zod reports them. */
  readonly keys?: readonly string[] | undefined;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** A command. */
export interface CommandDefinition<Args = Json> {
  /** The paths of the command; by default all. */
  readonly pattern?: string;
  /** The name; by default that of the file. */
  readonly command?: string;
  /** The schema of the arguments; without one they are any JSON value. */
  readonly args?: ArgsSchema<Args>;
  /** Returns whether the session may send it; by default one that may hear the path. It may throw `Refused`. */
  authorize?(context: CommandContext): boolean | Promise<boolean>;
  /** Whether commands of one session and path run one after the other; default false. */
  readonly ordered?: boolean;
  /** Runs the command. Its result, a JSON value or undefined, is the reply. It may throw `Refused`. */
  run(args: Args, context: CommandContext): unknown;
  /** Called when any session has ended, even one that never sent this command; operations are for it. */
  onSessionEnd?(session: EndedSession, actions: CommandOperations): void | Promise<void>;
}

/** A definition with its name and its order. */
export type Definition = CommandDefinition<unknown> &
  Required<Pick<CommandDefinition, 'command' | 'ordered'>>;

/** Defines a command; the schema gives the type of its arguments. */
export function defineCommand<Args = Json>(definition: CommandDefinition<Args>): CommandDefinition<Args> {
  return definition;
}

const isFunction = (value: unknown): boolean => typeof value === 'function';
const method = z.custom(isFunction, 'a function').exactOptional();

/** The schema of a file's export. */
export const definitionSchema = z.strictObject({
  pattern: pattern.exactOptional(),
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
