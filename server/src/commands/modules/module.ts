/** Runs the commands of the folder: admits the session, checks the arguments and isolates failures. */
import type { Json } from '../../../../protocol/frames.js';
import { compilePattern, type Pattern } from '../../../../protocol/patterns.js';
import { isPromise } from '../../core/data/maybe-promise.js';
import { textOf } from '../../core/hub/draft.js';
import type { Operations } from '../../core/operations/operations.js';
import type { Session } from '../../core/session/session.js';
import type { Log } from '../../observe/log.js';
import type { Call, CallOutcome, CommandRouter, Handler } from '../handler.js';
import { commandError } from '../replies.js';
import { CommandOperations } from './command-operations.js';
import { CommandContext } from './context.js';
import type { Definition, SchemaResult } from './definition.js';
import type { EventLoopMonitor, Watched } from './event-loop-monitor.js';
import { describeThrown, isRefused, type Refused } from './refused.js';

/** Options of `Module`. */
export interface ModuleOptions {
  readonly operations: Operations;
  readonly log: Log;
  /** Watches running modules for a blocked event loop. */
  readonly watch: EventLoopMonitor;
}

const NOTHING: Readonly<Record<string, string>> = Object.freeze(Object.create(null));

export class Module {
  /** The file, below the folder of commands. */
  readonly name: string;
  readonly command: string;
  readonly #definition: Definition;
  /** Null for a command on all paths. */
  readonly #pattern: Pattern | null;
  readonly #options: ModuleOptions;
  readonly #watched: Watched;

  constructor(name: string, definition: Definition, options: ModuleOptions) {
    this.name = name;
    this.command = definition.command;
    this.#definition = definition;
    this.#pattern = definition.pattern === undefined ? null : compilePattern(definition.pattern);
    this.#options = options;
    this.#watched = options.watch.watch(name);
  }

  /** Returns the handler for a path; null when the pattern does not match. */
  handler(path: string): Handler | null {
    const captured = this.#pattern === null ? NOTHING : this.#pattern.match(path);
    if (captured === null) return null;
    const { ordered: isOrdered } = this.#definition;
    return { name: this.name, isOrdered, run: (call) => this.#run(call, captured) };
  }

  /** Calls the module's `ended` for an ended session. */
  ended(session: Session): void {
    const { onSessionEnd } = this.#definition;
    if (onSessionEnd === undefined) return;
    const failed = (error: unknown) => this.#failed(error, 'onSessionEnd');
    this.#options.watch.begin(this.#watched);
    try {
      const { id, user, state } = session;
      const actions = new CommandOperations(session, this.#options.operations);
      const ending = onSessionEnd.call(this.#definition, { id, user, state: state.values }, actions);
      if (ending instanceof Promise) void ending.catch(failed);
    } catch (error) {
      failed(error);
    } finally {
      this.#options.watch.end(this.#watched);
    }
  }

  #run(call: Call, captured: Readonly<Record<string, string>>): CallOutcome | Promise<CallOutcome> {
    const { watch, operations } = this.#options;
    watch.begin(this.#watched);
    let outcome: CallOutcome | Promise<CallOutcome>;
    try {
      outcome = this.#admit(call, new CommandContext(call, captured, operations));
    } catch (error) {
      outcome = this.#outcomeOf(error, call);
    }
    if (!(outcome instanceof Promise)) {
      watch.end(this.#watched);
      return outcome;
    }
    return outcome
      .catch((error: unknown) => this.#outcomeOf(error, call))
      .finally(() => watch.end(this.#watched));
  }

  #admit({ args, session, path }: Call, context: CommandContext): CallOutcome | Promise<CallOutcome> {
    const { authorize } = this.#definition;
    const isAllowed =
      authorize === undefined ? session.paths.mayHear(path) : authorize.call(this.#definition, context);
    return outcomeWith(isAllowed, (answer) => (answer === true ? this.#check(args, context) : NOT_ALLOWED));
  }

  #check(args: Json, context: CommandContext): CallOutcome | Promise<CallOutcome> {
    const { args: schema } = this.#definition;
    if (schema === undefined) return this.#perform(args, context);
    return outcomeWith(schema['~standard'].validate(args), (checked) =>
      checked.issues === undefined ? this.#perform(checked.value, context) : { error: badArgs(checked) },
    );
  }

  #perform(args: unknown, context: CommandContext): CallOutcome | Promise<CallOutcome> {
    return outcomeWith(this.#definition.run(args, context), (reply) => ({ reply }));
  }

  /** Returns the error of a thrown value, which may throw again when it is read. */
  #outcomeOf(thrown: unknown, { command }: Call): CallOutcome {
    try {
      if (isRefused(thrown)) return { error: commandError('refused', refusalOf(thrown)) };
    } catch {
      // Then it is no refusal.
    }
    return this.#failed(thrown, command);
  }

  /** Logs a failure. The caller gets no details, which may reveal the machine. */
  #failed(error: unknown, command: string): CallOutcome {
    this.#options.log.error(
      { handler: this.name, command, error: describeThrown(error) },
      'a command failed',
    );
    return { error: commandError('handler_failed') };
  }
}

/** Routes commands to modules: the first module that matches takes a command. */
export class ModuleRouter implements CommandRouter {
  /** The modules in use. Running commands of replaced ones continue. */
  modules: readonly Module[] = [];

  route(path: string, command: string): Handler | null {
    for (const module of this.modules) {
      const handler = module.command === command ? module.handler(path) : null;
      if (handler !== null) return handler;
    }
    return null;
  }

  ended(session: Session): void {
    if (session.isRaw) return;
    for (const module of this.modules) module.ended(session);
  }
}

/** Returns what `use` makes of a value. Makes no promise unless it must wait: commands come by the ten thousand. */
function outcomeWith<T>(
  value: T | PromiseLike<T>,
  use: (value: T) => CallOutcome | Promise<CallOutcome>,
): CallOutcome | Promise<CallOutcome> {
  return isPromise(value) ? Promise.resolve(value).then(use) : use(value);
}

const NOT_ALLOWED: CallOutcome = { error: commandError('not_allowed') };

function badArgs({ issues }: Extract<SchemaResult<never>, { issues: readonly unknown[] }>) {
  const [first] = issues;
  const [unknown] = first?.keys ?? [];
  const path = first?.path?.map((part) => String(typeof part === 'object' ? part.key : part)) ?? [];
  return commandError('bad_args', {
    message: first?.message ?? 'The arguments are wrong.',
    field: ['args', ...path, ...(unknown === undefined ? [] : [unknown])].join('.'),
  });
}

/** Returns the contents of a refusal, without data that is no JSON value. */
function refusalOf({ message, reason, data }: Refused): { message: string; reason?: string; data?: Json } {
  const isJson = data !== undefined && textOf(data) !== null;
  return {
    message: typeof message === 'string' ? message : '',
    ...(typeof reason === 'string' && { reason }),
    ...(isJson && { data }),
  };
}
