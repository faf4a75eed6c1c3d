/** The entry `dobby/commands`, for files in the folder of commands. */
export { z } from 'zod';
export type { ErrorCode } from '../../../protocol/codes.js';
export type { Json } from '../../../protocol/frames.js';
export type { Position } from '../../../protocol/positions.js';
export { DobbyError } from '../core/operations/dobby-error.js';
export type { CommandOperations, CommandUpdateOptions } from './modules/command-operations.js';
export type { CommandContext, CommandSession, EndedSession } from './modules/context.js';
export {
  type ArgsSchema,
  type CommandDefinition,
  defineCommand,
  type SchemaIssue,
  type SchemaResult,
} from './modules/definition.js';
export { Refused, type RefusedOptions } from './modules/refused.js';
export type { SetOptions, SharedEntry, SharedState } from './modules/shared-state.js';
