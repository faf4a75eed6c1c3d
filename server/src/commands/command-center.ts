/** The feature of commands: their handlers are the modules of the folder first, then the back end, if they are configured. */
import { Webhook } from '../back-end/webhook.js';
import type { Engine } from '../core/engine.js';
import type { Session } from '../core/session/session.js';
import type { Feature } from '../core/sessions/features.js';
import type { Clock } from '../core/time/clock.js';
import type { TimerWheel } from '../core/time/timer-wheel.js';
import type { Log } from '../observe/log.js';
import { BackEndRouter } from './back-end/back-end-router.js';
import { Commands } from './commands.js';
import { EventLoopMonitor } from './modules/event-loop-monitor.js';
import { CommandFolder, type LoadedModule } from './modules/folder.js';
import { Module, ModuleRouter } from './modules/module.js';

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
export class CommandCenter implements Feature {
  readonly name = 'commands';
  readonly frames: Commands['frames'];
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
    const { commands: folder, commandUrl: url, commandConnections: maxConnections } = settings;
    const { operations, counters } = engine;
    const watch = new EventLoopMonitor(clock, log);
    this.#log = log;
    this.#isWatching = settings.watchCommands;
    this.#toModule = ({ file, definition }) => new Module(file, definition, { operations, log, watch });
    if (settings.watchCommands && folder === undefined)
      log.warn({}, 'there is no folder of commands to watch: name it by --commands');
    this.#folder = folder === undefined ? null : new CommandFolder(folder);
    const webhook =
      url === undefined ? null : new Webhook({ clock, log, url, secret: secret(), maxConnections });
    this.#webhook = webhook;
    const ordered = settings.orderedCommands;
    this.#commands = new Commands({
      ...{ clock, wheel, log, counters },
      routers: [
        this.#modules,
        ...(webhook ? [new BackEndRouter({ webhook, operations, log, ordered })] : []),
      ],
      maxPerSecond: settings.maxCommandsPerSecond,
      timeoutMs: settings.commandTimeoutMs,
    });
    this.frames = this.#commands.frames;
  }

  ended(session: Session): void {
    this.#commands.ended(session);
  }

  /** Returns the files of the modules in use, below the folder. */
  get modules(): string[] {
    return this.#modules.modules.map(({ name }) => name);
  }

  /** Loads the modules. Rejects with ModuleError. */
  async start(): Promise<void> {
    // Before the modules are loaded, so that no change is missed.
    if (this.#isWatching) this.#stopWatching ??= this.#folder?.watch(() => this.#reloadSoon()) ?? null;
    const loading = this.#load();
    this.#reloading = loading.catch(() => undefined);
    await loading;
  }

  /** Resolves when every command is answered. */
  settled(): Promise<void> {
    return this.#commands.settled();
  }

  /** Begins and answers no command from now on. */
  freeze(): void {
    this.#commands.freeze();
  }

  /** Closes files and connections. */
  async stop(): Promise<void> {
    this.#commands.freeze();
    this.#stopWatching?.();
    await this.#webhook?.stop();
  }

  async #load(): Promise<void> {
    this.#modules.modules = ((await this.#folder?.load()) ?? []).map(this.#toModule);
  }

  /** Reloads one after the other: a slow older load must not finish last. A faulty module leaves the previous ones in use. */
  #reloadSoon(): void {
    this.#reloading = this.#reloading
      .then(() => this.#load())
      .then(
        () => this.#log.info({ modules: this.modules }, 'the modules were loaded again'),
        (error) => this.#log.error({ error: String(error) }, 'the modules stay as they were'),
      );
  }
}
