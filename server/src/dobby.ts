import type { AddressInfo } from 'node:net';
import { errorBody } from '../../protocol/codes.js';
import type { Json } from '../../protocol/frames.js';
import type { Position } from '../../protocol/positions.js';
import { type Assembly, assemble } from './assembly.js';
import type { Kicked, UpdateOptions } from './call-options.js';
import { type Config, type ConfigInput, completeConfig } from './config/config.js';
import { type Engine, type EngineInfo, engineInfo } from './core/engine.js';
import { draftOf } from './core/hub/draft.js';
import type { Receiver } from './core/hub/receiver.js';
import type { GrantResult, RevokeResult } from './core/session/grant-result.js';
import type { PatternResult } from './core/sessions/session-admin.js';
import type { SocketTable } from './core/wire/socket-table.js';
import { checkedPath, DobbyError, orThrow } from './dobby-error.js';
import { stopInOrder } from './stopping.js';
import type { MadeKey } from './stores/state-folder/state-folder.js';

/** A push server. */
export class Dobby {
  readonly config: Config;
  /** The API's key, and whether it was made just now because none was configured. */
  readonly apiKey: MadeKey;
  /** The sockets that were accepted. */
  readonly sockets: SocketTable;
  readonly #parts: Assembly;
  #hasTakenOver = false;
  #isStopping = false;
  #starting: Promise<string> | null = null;
  #stopped: Promise<void> | null = null;

  /** @throws ConfigError, StateFolderError, ModuleError, TokenKeysError */
  constructor(input: ConfigInput = {}) {
    this.config = completeConfig(input);
    this.#parts = assemble(this.config, () => this.#isStopping);
    this.apiKey = this.#parts.apiKey;
    this.sockets = this.#parts.sockets;
  }

  /** The modules that take commands: their files, below the folder of commands. */
  get modules(): string[] {
    return this.#parts.commands.modules;
  }

  /** The server's counters and numbers, as `info` tells them. */
  get info(): EngineInfo {
    return engineInfo(this.#parts.engine);
  }

  /** Listens; answers the address, such as `http://127.0.0.1:4020`. Rejects when the port is taken, the state folder is another server's or a module is wrong, and can be repeated then; with a DobbyError once the server stops. Idempotent. */
  async start(): Promise<string> {
    if (this.#isStopping) throw new DobbyError(errorBody('restarting'));
    this.#starting ??= this.#start().catch((error: unknown) => {
      this.#starting = null;
      if (!this.#hasTakenOver) this.#parts.lock.release();
      throw error;
    });
    return this.#starting;
  }

  async #start(): Promise<string> {
    await this.#parts.lock.take(() => this.#isStopping);
    this.#parts.keyFile?.watch();
    // Once the port is ours, since a server that has it may still write; and before anything is accepted. Not by a server
    // that stops: what it would take over nobody would hear of.
    await this.#parts.commands.start();
    this.#parts.authProviders.start();
    if (this.#isStopping) throw new DobbyError(errorBody('restarting'));
    let failure: unknown = null;
    this.#parts.app.server.once('listening', () => {
      try {
        if (!this.#isStopping) this.#takeOver();
      } catch (error) {
        failure = error;
        this.#parts.app.server.close();
      }
    });
    await this.#parts.app.listen({ host: this.config.host, port: this.config.port });
    this.#parts.app.server.on('error', (error) => this.#parts.descriptors.failed(error));
    this.#parts.descriptors.start();
    if (failure !== null) throw failure;
    if (this.#isStopping) throw new DobbyError(errorBody('restarting'));
    const { address, family, port } = this.#parts.app.server.address() as AddressInfo;
    const host = family === 'IPv6' ? `[${address}]` : address;
    return `http://${host}:${port}`;
  }

  /**
   * Hands everything over to the next server, sends everybody away to come back to that one, and stops. A start that is under way is given
   * up; if it has taken nothing over, the next server does. Idempotent.
   */
  stop(): Promise<void> {
    this.#isStopping = true;
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  #stop(): Promise<void> {
    this.#parts.keyFile?.stop();
    const { sessions, connections } = this.info;
    this.#parts.log.info({ sessions, connections }, 'the server stops');
    return stopInOrder({
      engine: this.#parts.engine,
      commands: this.#parts.commands,
      endpoint: this.#parts.endpoint,
      app: this.#parts.app,
      api: this.#parts.api,
      broker: this.#parts.broker,
      wheel: this.#parts.wheel,
      journal: this.#parts.journal,
      authorities: this.#parts.authProviders,
      handoff: () => (this.#hasTakenOver ? this.#parts.handoff : null),
      starting: this.#starting,
    }).finally(() => this.#stoppedAll());
  }

  #stoppedAll(): void {
    this.#parts.descriptors.stop();
    this.#parts.lock.release();
    this.#parts.log.info({}, 'the server has stopped');
  }

  /** Tells everybody who is still here to come back, at once: for whoever cannot wait for `stop`, which must have been called. */
  abandon(): void {
    this.#parts.engine.sessions.sendAway();
  }

  /** Once, before anything is done that the handoff knows of. */
  #takeOver(): void {
    if (this.#hasTakenOver) return;
    this.#parts.lock.takeNow();
    // Once more: a server that ran since this one was made may have taken something back.
    this.#parts.revocations.load(this.#parts.journal.load());
    this.#hasTakenOver = true;
    this.#parts.handoff.restore();
  }

  /** @throws DobbyError when the server stops */
  #begin(): Engine {
    if (this.#isStopping) throw new DobbyError(errorBody('restarting'));
    this.#takeOver();
    return this.#parts.engine;
  }

  /** Publishes an update; answers its position, null on a path without a log. Rejects with DobbyError. */
  async update(path: string, message: Json, options: UpdateOptions = {}): Promise<Position | null> {
    const { sender = '', ...more } = options;
    const draft = draftOf({ path, message, ...more });
    return orThrow(await this.#begin().publisher.publish({ ...orThrow(draft), sender })).position;
  }

  /** Grants paths to a session and subscribes it; `user` null: only if it belongs to nobody. @throws DobbyError when the session is unknown or bound to another user, or the login has ended. */
  connect(id: string, paths: readonly string[], user?: string | null, login?: string): GrantResult[] {
    return orThrow(this.#begin().sessions.connect(id, paths, user, login));
  }

  /** Takes paths away from a session. Rejects with DobbyError when the session is unknown. */
  async disconnect(id: string, paths: readonly string[]): Promise<RevokeResult[]> {
    return orThrow(await this.#begin().sessions.admin.disconnect(id, paths));
  }

  /** Takes what patterns match from all sessions of a user, and from the tokens made for it until now. */
  disconnectUser(user: string, patterns: readonly string[]): Promise<PatternResult[]> {
    return this.#begin().sessions.admin.disconnectUser(user, patterns);
  }

  /** Ends a session, or all of a user or a login; resolves with how many ended just now. Rejects with DobbyError when the id is unknown. */
  async kick(whom: string | Kicked, { reconnect = true }: { reconnect?: boolean } = {}): Promise<number> {
    const { admin } = this.#begin().sessions;
    if (typeof whom === 'string') return orThrow(await admin.kick(whom, reconnect));
    if ('user' in whom) return admin.kickUser(whom.user, reconnect);
    return admin.kickLogin(whom.login, reconnect);
  }

  /** Makes a receiver of the program's own known, so that paths can be connected to it. @throws Error when its id is taken. */
  register(receiver: Receiver): void {
    this.#parts.engine.registry.register(receiver);
  }

  /** Connects a registered receiver to a path. @throws Error when it is not registered, or the path is none. */
  connectReceiver(id: string, path: string): void {
    this.#begin().dispatcher.connect(id, checkedPath(path));
  }

  /** Disconnects a registered receiver from a path. @throws Error when it is not registered, or the path is none. */
  disconnectReceiver(id: string, path: string): void {
    this.#parts.engine.dispatcher.disconnect(id, checkedPath(path));
  }

  /** Forgets a receiver. False when it was not known. */
  unregister(id: string): boolean {
    return this.#parts.engine.registry.unregister(id);
  }

  /** Tells `receiver` of every update on every path from now on, and of `::gone` with an id; the answer undoes it. */
  delegate(receiver: Receiver): () => void {
    return this.#parts.engine.registry.delegate(receiver);
  }
}

/** Makes a server; `start` lets it listen. @throws ConfigError, StateFolderError, ModuleError, TokenKeysError */
export function createDobby(config: ConfigInput = {}): Dobby {
  return new Dobby(config);
}
