/** The interface for embedding programs: a server that is made, started and stopped, with its operations. */
import type { AddressInfo } from 'node:net';
import type { Json } from '../../protocol/frames.js';
import type { Position } from '../../protocol/positions.js';
import { type Assembly, assemble, DEFAULT_EXTENSIONS, type Extensions } from './assembly.js';
import { type Config, type ConfigInput, completeConfig } from './config/config.js';
import { type EngineInfo, engineInfo } from './core/engine.js';
import type { Receiver } from './core/hub/receiver.js';
import { dobbyError } from './core/operations/dobby-error.js';
import type { Operations, UpdateDetails } from './core/operations/operations.js';
import type { GrantResult, RevokeResult } from './core/session/grant-result.js';
import type { KickTarget } from './core/sessions/features.js';
import type { PatternResult } from './core/sessions/session-admin.js';
import type { SocketTable } from './core/wire/socket-table.js';
import { stopInOrder } from './stopping.js';
import type { MadeKey } from './stores/state-folder/state-folder.js';

/** Options of `Dobby.update`. */
export interface UpdateOptions extends UpdateDetails {
  /** The id of the receiver that sends it and does not hear it. */
  readonly sender?: string;
}

/** A push server. */
export class Dobby {
  readonly config: Config;
  /** The API's key, and whether it was generated for want of a configured one. */
  readonly apiKey: MadeKey;
  readonly sockets: SocketTable;
  readonly #assembly: Assembly;
  #isRestored = false;
  #isStopping = false;
  #starting: Promise<string> | null = null;
  #stopped: Promise<void> | null = null;

  /**
   * @param extensions the features and gateways in place of the server's own; for its tests
   * @throws ConfigError, StateFolderError, ModuleError, TokenKeysError
   */
  constructor(input: ConfigInput = {}, extensions: Extensions = DEFAULT_EXTENSIONS) {
    this.config = completeConfig(input);
    this.#assembly = assemble(this.config, () => this.#isStopping, extensions);
    this.apiKey = this.#assembly.apiKey;
    this.sockets = this.#assembly.sockets;
  }

  /** Returns the files of the modules that take commands, below the folder of commands. */
  get modules(): string[] {
    return this.#assembly.engine.sessions.features.modules;
  }

  /** Returns the server's counters and numbers, as `info` does. */
  get info(): EngineInfo {
    return engineInfo(this.#assembly.engine);
  }

  /**
   * Listens; resolves with the address, such as `http://127.0.0.1:4020`. Rejects when the port is in use, another
   * server has the state folder or a module is wrong; then it can be repeated. Rejects with a DobbyError once the
   * server stops. Idempotent.
   */
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
    // After the port is open, since the previous server may write until then; before anything is accepted. A server
    // that stops restores nothing, since the handoff would be lost.
    await this.#assembly.engine.sessions.features.start();
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
   * Writes the handoff for the next server, asks all clients to come back to it, and stops. Ends a start that is under
   * way; if that has not restored the last handoff, the next server does. Idempotent.
   */
  stop(): Promise<void> {
    this.#isStopping = true;
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  #stop(): Promise<void> {
    const { keyFile, log, descriptors, lock } = this.#assembly;
    keyFile?.stop();
    const { sessions, connections } = this.info;
    log.info({ sessions, connections }, 'the server stops');
    const handoff = () => (this.#isRestored ? this.#assembly.handoff : null);
    return stopInOrder(this.#assembly, { handoff, starting: this.#starting }).finally(() => {
      descriptors.stop();
      lock.release();
      log.info({}, 'the server has stopped');
    });
  }

  /** Disconnects all clients at once, for programs that cannot wait for `stop`, which must have been called. */
  abandon(): void {
    this.#assembly.engine.sessions.sendAway();
  }

  /** Restores the last handoff once, before any operation. */
  #restore(): void {
    if (this.#isRestored) return;
    this.#assembly.lock.takeNow();
    // Again: a server that ran meanwhile may have written revocations.
    this.#assembly.revocations.load(this.#assembly.journal.load());
    this.#isRestored = true;
    this.#assembly.handoff.restore();
  }

  /** Returns the operations, after restoring the handoff. @throws DobbyError when the server stops */
  get #operations(): Operations {
    if (this.#isStopping) throw dobbyError('restarting');
    this.#restore();
    return this.#assembly.engine.operations;
  }

  /** Publishes an update. Resolves with its position, null on a path without a log. Rejects with DobbyError. */
  async update(path: string, message: Json, options: UpdateOptions = {}): Promise<Position | null> {
    const { sender, ...more } = options;
    return (await this.#operations.update({ path, message, ...more }, { sender })).position;
  }

  /**
   * Grants paths to a session and subscribes it; resolves when it hears them. `user` null: only if the session has no
   * user. Rejects with DobbyError when the session is unknown or bound to another user, or the login has ended.
   */
  async connect(
    id: string,
    paths: readonly string[],
    user?: string | null,
    login?: string,
  ): Promise<GrantResult[]> {
    return this.#operations.connect(id, paths, user, login);
  }

  /** Revokes paths of a session. Rejects with DobbyError when the session is unknown. */
  async disconnect(id: string, paths: readonly string[]): Promise<RevokeResult[]> {
    return this.#operations.disconnect(id, paths);
  }

  /** Revokes what patterns match from all sessions of a user, and from the tokens made for it until now. */
  async disconnectUser(user: string, patterns: readonly string[]): Promise<PatternResult[]> {
    return this.#operations.disconnectUser(user, patterns);
  }

  /** Ends a session, or all of a user or a login. Resolves with their number, or rejects with DobbyError. */
  async kick(
    whom: string | Exclude<KickTarget, { id: string }>,
    { reconnect = true }: { reconnect?: boolean } = {},
  ): Promise<number> {
    return this.#operations.kick(typeof whom === 'string' ? { id: whom } : whom, reconnect);
  }

  /** Registers a receiver, so that paths can be connected to it. @throws Error when its id is taken. */
  register(receiver: Receiver): void {
    this.#assembly.engine.registry.register(receiver);
  }

  /**
   * Connects a registered receiver to a path; resolves when it hears every update. Rejects when it is not registered,
   * or the path is invalid.
   */
  async connectReceiver(id: string, path: string): Promise<void> {
    await this.#operations.connectReceiver(id, path);
  }

  /** Disconnects a registered receiver from a path. @throws Error when it is not registered, or the path is invalid. */
  disconnectReceiver(id: string, path: string): void {
    this.#assembly.engine.operations.disconnectReceiver(id, path);
  }

  /** Removes a receiver. Returns false when it was not known. */
  unregister(id: string): boolean {
    return this.#assembly.engine.registry.unregister(id);
  }

  /** Forwards all updates to `receiver` from now on, and `::gone` with an id. Returns a function that ends this. */
  delegate(receiver: Receiver): () => void {
    return this.#assembly.engine.registry.delegate(receiver);
  }
}

/** Creates a server; `start` lets it listen. @throws ConfigError, StateFolderError, ModuleError, TokenKeysError */
export function createDobby(config: ConfigInput = {}): Dobby {
  return new Dobby(config);
}
