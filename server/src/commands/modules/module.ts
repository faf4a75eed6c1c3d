/** One command of the folder, as it is called: its arguments checked, its caller let in, its failure kept to itself. */
import type { Json } from '../../../../protocol/frames.js';
import { compilePattern, type Pattern } from '../../../../protocol/patterns.js';
import { textOf } from '../../core/publishing.js';
import type { Log } from '../../observe/log.js';
import type { Doings } from '../doings.js';
import type { Call, CallOutcome, Route } from '../handler.js';
import { commandError } from '../replies.js';
import { CommandContext, type EndedSession } from './context.js';
import type { CommandDefinition, SchemaResult } from './definition.js';
import { isRefused, type Refused } from './refused.js';

/** A definition with everything decided. */
export interface Definition extends CommandDefinition<unknown> {
  readonly pattern: string;
  readonly command: string;
  readonly ordered: boolean;
}

/** What modules stand on. */
export interface ModuleParts {
  readonly doings: Doings;
  readonly log: Log;
  /** Told of what runs, to say who blocks the loop. */
  readonly watch: { begin(name: string): void; end(name: string): void };
}

/** A command that a module takes. */
export class Module {
  /** Its file, in the folder of commands. */
  readonly name: string;
  readonly command: string;
  readonly #definition: Definition;
  readonly #pattern: Pattern;
  readonly #parts: ModuleParts;

  constructor(name: string, definition: Definition, parts: ModuleParts) {
    this.name = name;
    this.command = definition.command;
    this.#definition = definition;
    this.#pattern = compilePattern(definition.pattern);
    this.#parts = parts;
  }

  /** How it takes a command on a path; null when it does not. */
  route(path: string): Route | null {
    const captured = this.#pattern.match(path);
    if (captured === null) return null;
    return {
      name: this.name,
      isOrdered: this.#definition.ordered,
      run: (call) => this.#run(call, captured),
    };
  }

  /** A session has ended. */
  ended(session: EndedSession): void {
    const { onSessionEnd } = this.#definition;
    if (onSessionEnd === undefined) return;
    const failed = (error: unknown) => this.#failed(error, 'onSessionEnd');
    this.#parts.watch.begin(this.name);
    try {
      const ending = onSessionEnd.call(this.#definition, session);
      if (ending instanceof Promise) void ending.catch(failed);
    } catch (error) {
      failed(error);
    } finally {
      this.#parts.watch.end(this.name);
    }
  }

  async #run(call: Call, captured: Record<string, string>): Promise<CallOutcome> {
    const { watch, doings } = this.#parts;
    const context = new CommandContext(call, captured, doings);
    watch.begin(this.name);
    try {
      const { authorize, args: schema } = this.#definition;
      const isAllowed =
        authorize === undefined
          ? context.session.mayHear(call.path)
          : await authorize.call(this.#definition, context);
      if (isAllowed !== true) return { error: commandError('not_allowed') };
      if (schema === undefined) return { reply: await this.#definition.run(call.args, context) };
      const validated = schema['~standard'].validate(call.args);
      const checked = validated instanceof Promise ? await validated : validated;
      if (checked.issues !== undefined) return { error: badArgs(checked) };
      return { reply: await this.#definition.run(checked.value, context) };
    } catch (error) {
      if (!isRefused(error)) return this.#failed(error, call.command);
      return { error: commandError('refused', refusalOf(error)) };
    } finally {
      watch.end(this.name);
    }
  }

  /** Its caller learns no more than that: what was thrown may tell of the machine. */
  #failed(error: unknown, command: string): CallOutcome {
    const told = error instanceof Error ? error.stack : String(error);
    this.#parts.log.error({ handler: this.name, command, error: told }, 'a command failed');
    return { error: commandError('handler_failed') };
  }
}

function badArgs({ issues }: Extract<SchemaResult<never>, { issues: readonly unknown[] }>) {
  const [first] = issues;
  const path = first?.path?.map((part) => String(typeof part === 'object' ? part.key : part)) ?? [];
  return commandError('bad_args', {
    message: first?.message ?? 'The arguments are wrong.',
    field: ['args', ...path].join('.'),
  });
}

/** What a refusal says; data that are no JSON value are left out. */
function refusalOf({ message, reason, data }: Refused): { message: string; reason?: string; data?: Json } {
  const isJson = data !== undefined && textOf(data) !== null;
  return { message: String(message), ...(reason && { reason: String(reason) }), ...(isJson && { data }) };
}
