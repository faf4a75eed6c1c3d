/** Commands put together: the modules of a folder first, then the back end, as far as the configuration names them. */
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

/** What the configuration says of commands. */
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

/** What commands are given. */
export interface CommandCenterOptions {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly log: Log;
  /** The secret that signs what the back end is asked; made at the first call. */
  readonly secret: () => string;
}

/** All that takes commands. */
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
    engine.sessions.handleCommandsWith(this.#commands);
  }

  /** The modules that are in use: their files, below the folder. */
  get modules(): string[] {
    return this.#modules.modules.map(({ name }) => name);
  }

  /** Loads the modules. Rejects with ModuleError. */
  async start(): Promise<void> {
    if (this.#folder === null) return;
    // Before they are loaded, so that no change is missed.
    if (this.#isWatching) this.#stopWatching ??= this.#folder.watch(() => this.#reloadSoon());
    const loading = this.#load(this.#folder);
    this.#reloading = loading.catch(() => undefined);
    await loading;
  }

  /** Resolves when every command is answered. */
  settled(): Promise<void> {
    return this.#commands.settled();
  }

  /** Nothing begins and nobody is answered any more. */
  freeze(): void {
    this.#commands.stop();
  }

  /** Lets go of files and connections. */
  async stop(): Promise<void> {
    this.#commands.stop();
    this.#stopWatching?.();
    await this.#webhook?.stop();
  }

  async #load(folder: CommandFolder): Promise<void> {
    this.#modules.use((await folder.load()).map(this.#toModule));
  }

  /** One after the other: a module may take long to load, and the older must not come last. */
  #reloadSoon(): void {
    this.#reloading = this.#reloading.then(() => this.#reload());
  }

  /** A module that is wrong leaves the ones before in use. */
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
