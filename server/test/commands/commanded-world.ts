/** A world whose sessions can give commands, to handlers that a test writes on the spot. */
import type { CommandFrame } from '../../../protocol/frames.js';
import { Commands } from '../../src/commands/commands.js';
import type { CommandRouter } from '../../src/commands/handler.js';
import type { CommandDefinition } from '../../src/commands/modules/definition.js';
import { EventLoopMonitor } from '../../src/commands/modules/event-loop-monitor.js';
import { Module, ModuleRouter } from '../../src/commands/modules/module.js';
import type { Operations } from '../../src/core/operations/operations.js';
import type { Log } from '../../src/observe/log.js';
import { type Client, createWorld, isRandom, type World, type WorldOptions } from '../support/world.js';

/** A line of the log. */
export interface Line {
  readonly level: keyof Log;
  readonly fields: Record<string, unknown>;
  readonly message: string;
}

/** A log that is kept. */
export function keptLog(lines: Line[]): Log {
  const at = (level: keyof Log) => (fields: object, message: string) =>
    void lines.push({ level, fields: fields as Record<string, unknown>, message });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

export interface Commanded {
  readonly world: World;
  readonly commands: Commands;
  readonly modules: ModuleRouter;
  readonly lines: Line[];
  /** Replaces the modules. */
  use(definitions: Record<string, Partial<CommandDefinition<never>>>): void;
}

export interface CommandedOptions extends WorldOptions {
  readonly world?: World;
  readonly maxPerSecond?: number;
  readonly routers?: (operations: Operations, log: Log) => CommandRouter[];
}

/** Modules by name; each may be given on every path that begins with `public`. */
export function commanded(
  definitions: Record<string, Partial<CommandDefinition<never>>>,
  options: CommandedOptions = {},
): Commanded {
  const world = options.world ?? createWorld(options);
  const lines: Line[] = [];
  const log = keptLog(lines);
  const { operations } = world;
  const modules = new ModuleRouter();
  const watch = new EventLoopMonitor(world.clock, log);
  const commands = new Commands({
    ...{ clock: world.clock, wheel: world.wheel, counters: world.counters, log },
    routers: [modules, ...(options.routers?.(operations, log) ?? [])],
    maxPerSecond: options.maxPerSecond ?? 100,
    timeoutMs: 30_000,
  });
  world.sessions.features.add(commands);
  const use: Commanded['use'] = (all) => {
    modules.modules = Object.entries(all).map(([name, definition]) => {
      const whole = { command: name, ordered: false, run: () => null, ...definition };
      return new Module(`${name}.ts`, whole as never, { operations, log, watch });
    });
  };
  use(definitions);
  return { world, commands, modules, lines, use };
}

let number = 0;

/** Gives a command; answers its uid. */
export function give(client: Client, command: string, more: Partial<CommandFrame> = {}): string {
  const n = client.session.received + 1;
  const frame: CommandFrame = {
    type: 'command',
    n,
    uid: `uid-${++number}`,
    path: 'public',
    command,
    ...more,
  };
  client.send(frame);
  return frame.uid;
}

/** Turns in which a handler is done that waits for nothing but the broker. */
const TURNS = isRandom ? 500 : 1;

/** Lets handlers that wait for nothing else be done. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await new Promise(setImmediate);
}

/** The answers that came since the last call, by uid. */
export async function answers(client: Client): Promise<Record<string, unknown>> {
  await settle();
  return Object.fromEntries(client.told('reply').map(({ uid, ...answer }) => [uid, answer]));
}

/** A promise that a test keeps when it likes. */
export function deferred<T = unknown>() {
  let keep: (value: T) => void = () => undefined;
  const promise = new Promise<T>((resolve) => {
    keep = resolve;
  });
  return { promise, keep };
}

/** The code of an answer that is an error. */
export const codeOf = (answer: unknown): unknown => (answer as { error?: { code: string } }).error?.code;
