import type { AddressInfo } from 'node:net';
import type { Json } from '../../protocol/frames.js';
import type { Position } from '../../protocol/positions.js';
import { type Assembly, assemble } from './assembly.js';
import { type Config, type ConfigInput, completeConfig } from './config/config.js';
import { type EngineInfo, engineInfo } from './core/engine.js';
import type { Receiver } from './core/hub/receiver.js';
import { dobbyError } from './core/operations/dobby-error.js';
import type { Kicked, Operations } from './core/operations/operations.js';
import type { GrantResult, RevokeResult } from './core/session/grant-result.js';
import type { PatternResult } from './core/sessions/session-admin.js';
import type { SocketTable } from './core/wire/socket-table.js';
import { stopInOrder } from './stopping.js';
import type { MadeKey } from './stores/state-folder/state-folder.js';

/** What an update may carry beyond its message. */
export interface UpdateOptions {
  /** The update is also the new value of this key in the path's state; a null message removes it. */
  readonly key?: string;
  /** Only if the entry of the key has this version; null: only if there is none. Else `state_conflict`. */
  readonly version?: number | null;
  /** Ids of sessions that are not to hear it. */
  readonly except?: readonly string[];
  /** The id of the receiver that it comes from, which does not hear it. */
  readonly sender?: string;
}

/** A push server. */
export class Dobby {
  readonly config: Config;
  /** The API's key, and whether it was made just now because none was configured. */
  readonly apiKey: MadeKey;
  /** The sockets that were accepted. */
  readonly sockets: SocketTable;
  readonly #assembly: Assembly;
  #isRestored = false;
  #isStopping = false;
  #starting: Promise<string> | null = null;
  #stopped: Promise<void> | null = null;

  /** @throws ConfigError, StateFolderError, ModuleError, TokenKeysError */
  constructor(input: ConfigInput = {}) {
    this.config = completeConfig(input);
    this.#assembly = assemble(this.config, () => this.#isStopping);
    this.apiKey = this.#assembly.apiKey;
    this.sockets = this.#assembly.sockets;
  }

  /** The modules that take commands: their files, below the folder of commands. */
  get modules(): string[] {
    return this.#assembly.commands.modules;
  }

  /** The server's counters and numbers, as `info` tells them. */
  get info(): EngineInfo {
    return engineInfo(this.#assembly.engine);
  }

  /** Listens; answers the address, such as `http://127.0.0.1:4020`. Rejects when the port is taken, the state folder is another server's or a module is wrong, and can be repeated then; with a DobbyError once the server stops. Idempotent. */
  async start(): Promise<string> {
    if (this.#isStopping) throw dobbyError('restarting');
    this.#starting ??= this.#start().catch((error: unknown) => {
      this.#starting = null;
      if (!this.#isRestored) this.#assembly.lock.release();
      throw error;
    });
    return this.#starting;
  }

  async #start(): Promise<string> {
    await this.#assembly.lock.take(() => this.#isStopping);
    this.#assembly.keyFile?.watch();
    // Once the port is ours, since a server that has it may still write; and before anything is accepted. Not by a server
    // that stops: what it would take over nobody would hear of.
    await this.#assembly.commands.start();
    this.#assembly.authProviders.start();
    if (this.#isStopping) throw dobbyError('restarting');
    let failure: unknown = null;
    this.#assembly.app.server.once('listening', () => {
      try {
        if (!this.#isStopping) this.#restore();
      } catch (error) {
        failure = error;
        this.#assembly.app.server.close();
      }
    });
    await this.#assembly.app.listen({ host: this.config.host, port: this.config.port });
    this.#assembly.app.server.on('error', (error) => this.#assembly.descriptors.failed(error));
    this.#assembly.descriptors.start();
    if (failure !== null) throw failure;
    if (this.#isStopping) throw dobbyError('restarting');
    const { address, family, port } = this.#assembly.app.server.address() as AddressInfo;
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
    this.#assembly.keyFile?.stop();
    const { sessions, connections } = this.info;
    this.#assembly.log.info({ sessions, connections }, 'the server stops');
    return stopInOrder({
      engine: this.#assembly.engine,
      commands: this.#assembly.commands,
      endpoint: this.#assembly.endpoint,
      app: this.#assembly.app,
      api: this.#assembly.api,
      broker: this.#assembly.broker,
      wheel: this.#assembly.wheel,
      journal: this.#assembly.journal,
      authProviders: this.#assembly.authProviders,
      handoff: () => (this.#isRestored ? this.#assembly.handoff : null),
      starting: this.#starting,
    }).finally(() => this.#stoppedAll());
  }

  #stoppedAll(): void {
    this.#assembly.descriptors.stop();
    this.#assembly.lock.release();
    this.#assembly.log.info({}, 'the server has stopped');
  }

  /** Tells everybody who is still here to come back, at once: for whoever cannot wait for `stop`, which must have been called. */
  abandon(): void {
    this.#assembly.engine.sessions.sendAway();
  }

  /** Once, before anything is done that the handoff knows of. */
  #restore(): void {
    if (this.#isRestored) return;
    this.#assembly.lock.takeNow();
    // Once more: a server that ran since this one was made may have taken something back.
    this.#assembly.revocations.load(this.#assembly.journal.load());
    this.#isRestored = true;
    this.#assembly.handoff.restore();
  }

  /** The operations, once everything is restored. @throws DobbyError when the server stops */
  get #operations(): Operations {
    if (this.#isStopping) throw dobbyError('restarting');
    this.#restore();
    return this.#assembly.engine.operations;
  }

  /** Publishes an update. Answers its position, null on a path without a log. Rejects with DobbyError. */
  async update(path: string, message: Json, options: UpdateOptions = {}): Promise<Position | null> {
    const { sender, ...more } = options;
    return (await this.#operations.update({ path, message, ...more }, { sender })).position;
  }

  /**
   * Grants paths to a session and subscribes it. `user` null: only if it belongs to nobody. Answers when it hears them. Rejects with
   * DobbyError when the session is unknown or bound to another user, or the login has ended.
   */
  async connect(
    id: string,
    paths: readonly string[],
    user?: string | null,
    login?: string,
  ): Promise<GrantResult[]> {
    return this.#operations.connect(id, paths, user, login);
  }

  /** Takes paths away from a session. Rejects with DobbyError when the session is unknown. */
  async disconnect(id: string, paths: readonly string[]): Promise<RevokeResult[]> {
    return this.#operations.disconnect(id, paths);
  }

  /** Takes what patterns match from all sessions of a user, and from the tokens made for it until now. */
  async disconnectUser(user: string, patterns: readonly string[]): Promise<PatternResult[]> {
    return this.#operations.disconnectUser(user, patterns);
  }

  /** Ends a session, or all of a user or a login. Answers how many ended just now. Rejects with DobbyError when the id is unknown. */
  async kick(
    whom: string | Exclude<Kicked, { id: string }>,
    { reconnect = true }: { reconnect?: boolean } = {},
  ): Promise<number> {
    return this.#operations.kick(typeof whom === 'string' ? { id: whom } : whom, reconnect);
  }

  /** Makes a receiver of the program's own known, so that paths can be connected to it. @throws Error when its id is taken. */
  register(receiver: Receiver): void {
    this.#assembly.engine.registry.register(receiver);
  }

  /** Connects a registered receiver to a path. Resolves when it hears every update. Rejects when it is not registered, or the path is none. */
  async connectReceiver(id: string, path: string): Promise<void> {
    await this.#operations.connectReceiver(id, path);
  }

  /** Disconnects a registered receiver from a path. @throws Error when it is not registered, or the path is none. */
  disconnectReceiver(id: string, path: string): void {
    this.#assembly.engine.operations.disconnectReceiver(id, path);
  }

  /** Forgets a receiver. False when it was not known. */
  unregister(id: string): boolean {
    return this.#assembly.engine.registry.unregister(id);
  }

  /** Tells `receiver` of the updates that pass through this server from now on, and of `::gone` with an id; the answer undoes it. */
  delegate(receiver: Receiver): () => void {
    return this.#assembly.engine.registry.delegate(receiver);
  }
}

/** Makes a server; `start` lets it listen. @throws ConfigError, StateFolderError, ModuleError, TokenKeysError */
export function createDobby(config: ConfigInput = {}): Dobby {
  return new Dobby(config);
}
