/** Creates the handlers of commands: the modules of the folder first, then the back end, if they are configured. */
import { Webhook } from '../back-end/webhook.js';
import type { Engine } from '../core/engine.js';
import type { Clock } from '../core/time/clock.js';
import type { TimerWheel } from '../core/time/timer-wheel.js';
import type { Log } from '../observe/log.js';
import { BackEndRouter } from './back-end/back-end-router.js';
import { Commands } from './commands.js';
import type { CommandRouter } from './handler.js';
import { EventLoopMonitor } from './modules/event-loop-monitor.js';
import { CommandFolder, type LoadedModule } from './modules/folder.js';
import { Module } from './modules/module.js';
import { ModuleRouter } from './modules/module-router.js';

/** The configuration of commands. */
export interface CommandSettings {
  /** The folder of modules. */
  readonly commands?: string;
  readonly watchCommands: boolean;
  readonly commandUrl?: string;
  /** Patterns of paths. */
  readonly orderedCommands: readonly string[];
  readonly commandConnections: number;
  readonly maxCommandsPerSecond: number;
  readonly commandTimeoutMs: number;
}

/** Options of `CommandCenter`. */
export interface CommandCenterOptions {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly log: Log;
  /** Returns the secret that signs requests to the back end; made at the first call. */
  readonly secret: () => string;
}

/** Loads modules, routes commands, and stops both. */
export class CommandCenter {
  readonly #commands: Commands;
  readonly #modules = new ModuleRouter();
  readonly #folder: CommandFolder | null;
  readonly #webhook: Webhook | null;
  readonly #log: Log;
  readonly #isWatching: boolean;
  readonly #toModule: (loaded: LoadedModule) => Module;
  #stopWatching: (() => void) | null = null;
  #reloading: Promise<void> = Promise.resolve();

  /** @throws ModuleError when there is no such folder */
  constructor(settings: CommandSettings, { engine, clock, wheel, log, secret }: CommandCenterOptions) {
    const { commands, commandUrl, commandConnections } = settings;
    const { operations } = engine;
    const watch = new EventLoopMonitor(clock, log);
    this.#log = log;
    this.#isWatching = settings.watchCommands;
    this.#toModule = ({ file, definition }) => new Module(file, definition, { operations, log, watch });
    if (settings.watchCommands && commands === undefined)
      log.warn({}, 'there is no folder of commands to watch: name it by --commands');
    this.#folder = commands === undefined ? null : new CommandFolder(commands);
    this.#webhook =
      commandUrl === undefined
        ? null
        : new Webhook({ clock, log, url: commandUrl, secret: secret(), maxConnections: commandConnections });
    const routers: CommandRouter[] = [this.#modules];
    if (this.#webhook !== null)
      routers.push(
        new BackEndRouter({ webhook: this.#webhook, operations, log, ordered: settings.orderedCommands }),
      );
    this.#commands = new Commands({
      ...{ clock, wheel, log, routers, counters: engine.counters },
      maxPerSecond: settings.maxCommandsPerSecond,
      timeoutMs: settings.commandTimeoutMs,
    });
    engine.sessions.features.add(this.#commands);
  }

  /** Returns the files of the modules in use, below the folder. */
  get modules(): string[] {
    return this.#modules.modules.map(({ name }) => name);
  }

  /** Loads the modules. Rejects with ModuleError. */
  async start(): Promise<void> {
    if (this.#folder === null) return;
    // Before the modules are loaded, so that no change is missed.
    if (this.#isWatching) this.#stopWatching ??= this.#folder.watch(() => this.#reloadSoon());
    const loading = this.#load(this.#folder);
    this.#reloading = loading.catch(() => undefined);
    await loading;
  }

  /** Resolves when every command is answered. */
  settled(): Promise<void> {
    return this.#commands.settled();
  }

  /** Begins and answers no command from now on. */
  freeze(): void {
    this.#commands.stop();
  }

  /** Closes files and connections. */
  async stop(): Promise<void> {
    this.#commands.stop();
    this.#stopWatching?.();
    await this.#webhook?.stop();
  }

  async #load(folder: CommandFolder): Promise<void> {
    this.#modules.use((await folder.load()).map(this.#toModule));
  }

  /** Reloads one after the other: a slow older load must not finish last. */
  #reloadSoon(): void {
    this.#reloading = this.#reloading.then(() => this.#reload());
  }

  /** Reloads the modules; a faulty module leaves the previous ones in use. */
  async #reload(): Promise<void> {
    if (this.#folder === null) return;
    try {
      await this.#load(this.#folder);
      this.#log.info({ modules: this.modules }, 'the modules were loaded again');
    } catch (error) {
      this.#log.error({ error: String(error) }, 'the modules stay as they were');
    }
  }
}
