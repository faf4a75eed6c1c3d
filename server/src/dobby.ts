/**
 * Dobby put together: configuration in, a server out. What an embedding program uses of it is here.
 *
 * Over 400 lines: what each part is given stands in one place, beside the calls that an embedding program makes.
 */
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { errorBody } from '../../protocol/codes.js';
import type { Json } from '../../protocol/frames.js';
import { LIMITS } from '../../protocol/limits.js';
import type { Position } from '../../protocol/positions.js';
import { secretsOf } from '../../protocol/secrets.js';
import { type MountedApi, registerApi } from './api/http.js';
import { Idempotency } from './api/idempotency.js';
import type { ApiKeyFile } from './auth/api-keys/api-key-file.js';
import { ApiKeys } from './auth/api-keys/api-keys.js';
import { Origins } from './auth/origins/origins.js';
import { isSharedAddress } from './auth/origins/shared-addresses.js';
import { ConfiguredAuthProviders } from './auth/providers/configured-auth-providers.js';
import { SignedTickets } from './auth/tickets/signed-tickets.js';
import type { Kicked, UpdateOptions } from './call-options.js';
import { CommandCenter } from './commands/command-center.js';
import { type Config, type ConfigInput, completeConfig } from './config/config.js';
import { Policies } from './config/policies.js';
import { RevocationList } from './core/access/revocation-list.js';
import { createEngine, type Engine, type EngineInfo, engineInfo } from './core/engine.js';
import { draftOf } from './core/hub/draft.js';
import type { Receiver } from './core/hub/receiver.js';
import type { GrantResult, RevokeResult } from './core/session/session-paths.js';
import type { PatternResult } from './core/sessions/session-admin.js';
import { steadyClock, systemClock, systemIds } from './core/time/clock.js';
import { TimerWheel } from './core/time/timer-wheel.js';
import { FrameRate } from './core/wire/frame-rate.js';
import type { OutboxBounds } from './core/wire/outbox.js';
import type { SocketTable } from './core/wire/socket-table.js';
import { checkedPath, DobbyError, orThrow } from './dobby-error.js';
import { acceptedSockets } from './http/accepted-sockets.js';
import { createHttpServer } from './http/http-server.js';
import { registerPages } from './http/pages.js';
import { DescriptorWatch } from './observe/descriptor-watch.js';
import { createLog, type Log } from './observe/log.js';
import { sessionLog } from './observe/session-log.js';
import { sparingLog } from './observe/sparing-log.js';
import { openApiKeyFile } from './open-api-key-file.js';
import { warnOfSmallLogs } from './small-logs.js';
import { stopInOrder } from './stopping.js';
import { Handover } from './stores/handoff/handover.js';
import { StateMarker } from './stores/handoff/state-marker.js';
import { MemoryBroker } from './stores/memory/memory-broker.js';
import { type Journals, openJournals } from './stores/revocations/revocation-journal.js';
import { type MadeKey, StateFolder } from './stores/state-folder/state-folder.js';
import { StateLock } from './stores/state-folder/state-lock.js';
import { Endpoint, type EndpointParts } from './transports/endpoint.js';
import { Probes } from './transports/probes.js';
import { VERSION } from './version.js';

/** How long a ticket lasts. */
const TICKET_LIFETIME_MS = 5 * 60 * 1000;
export const MAX_HEADS = 100_000;
const OUTBOX: OutboxBounds = { maxBytes: 1024 * 1024, maxFrames: 1_000 };
/** How long a ticket or a token may live. */
const longestMs = ({ maxTokenAgeMs }: Config): number => Math.max(TICKET_LIFETIME_MS, maxTokenAgeMs);

/** A push server. */
export class Dobby {
  readonly config: Config;
  /** The API's key, and whether it was made just now because none was configured. */
  readonly apiKey: MadeKey;
  readonly #log: Log;
  readonly #wheel = new TimerWheel(systemClock);
  readonly #lock: StateLock;
  readonly #descriptors: DescriptorWatch;
  readonly #broker: MemoryBroker;
  readonly #journal: Journals;
  readonly #authorities: ConfiguredAuthProviders;
  readonly #revocations: RevocationList;
  readonly #engine: Engine;
  readonly #commands: CommandCenter;
  readonly #endpoint: Endpoint;
  readonly #app: FastifyInstance;
  /** The sockets that were accepted. */
  readonly sockets: SocketTable;
  readonly #startedAt = steadyClock.now();
  readonly #idempotency = new Idempotency(steadyClock);
  readonly #handover: Handover;
  readonly #api: MountedApi;
  readonly #keys: ApiKeys;
  readonly #keyFile: ApiKeyFile | null;
  #hasTakenOver = false;
  #isStopping = false;
  #starting: Promise<string> | null = null;
  #stopped: Promise<void> | null = null;

  /** @throws ConfigError, StateFolderError, ModuleError, TokenKeysError */
  constructor(input: ConfigInput = {}) {
    this.config = completeConfig(input);
    this.#log = createLog(this.config.logLevel);
    this.#descriptors = new DescriptorWatch(systemClock, this.#log);
    const state = new StateFolder(this.config.stateDir, (error) => this.#stateFault(error));
    const configuredKeys = secretsOf(this.config.apiKey ?? '');
    const lock = { file: state.file('lock'), folder: this.config.stateDir };
    this.#lock = new StateLock({ ...lock, clock: systemClock, log: this.#log });
    for (const warning of state.warnings) this.#log.warn({}, warning);
    this.apiKey =
      configuredKeys === null
        ? state.apiKey()
        : { key: configuredKeys[0], keys: configuredKeys, isNew: false };
    this.#keys = new ApiKeys(this.apiKey.keys);
    this.#keyFile = openApiKeyFile(this.config.apiKeys, this.#keys, this.#log);
    state.ticketSecrets(Date.now()); // what is wrong with them is told at the start
    const policies = new Policies(this.config);
    warnOfSmallLogs(this.config.paths, OUTBOX, this.#log);
    const tickets = new SignedTickets({
      clock: systemClock,
      lifetimeMs: TICKET_LIFETIME_MS,
      secrets: () => state.ticketSecrets(Date.now()),
    });
    this.#journal = openJournals((name) => state.file(name), {
      clock: systemClock,
      ticketMs: TICKET_LIFETIME_MS,
      longestMs: longestMs(this.config),
    });
    const marker = new StateMarker(state.file('states'), (error) => this.#stateFault(error));
    this.#broker = new MemoryBroker({
      clock: steadyClock,
      ids: systemIds,
      wheel: this.#wheel,
      policyOf: (path) => policies.of(path),
      maxTotalBytes: this.config.maxLogBytes,
      maxStateBytes: this.config.maxStateBytes,
      headTtlMs: this.config.headTtlMs,
      maxHeads: MAX_HEADS,
      onState: () => marker.set(),
    });
    const origins = new Origins(this.config);
    // Copied: a part of a header would keep all of it.
    const addressOf = ({ headers, socket }: IncomingMessage) =>
      String(Buffer.from(origins.clientAddress(headers, socket.remoteAddress ?? '')));
    const secret = () => secretsOf(this.config.webhookSecret ?? '')?.[0] ?? state.webhookSecret();
    this.#authorities = new ConfiguredAuthProviders(this.config, {
      ...{ clock: systemClock, wheel: this.#wheel, log: this.#log, secret, addressOf },
      madeTokenSecrets: () => state.tokenSecrets().keys,
    });
    this.#revocations = new RevocationList(this.#journal, this.#journal.load());
    this.#engine = this.#createEngine(policies, { tickets, origins });
    this.#commands = new CommandCenter(this.config, {
      engine: this.#engine,
      clock: systemClock,
      wheel: this.#wheel,
      log: this.#log,
      secret,
    });
    this.#app = createHttpServer(this.#log, {
      corsOf: (headers, peer) => this.#endpoint.corsOf(headers, peer),
      addressOf: (headers, peer) => origins.clientAddress(headers, peer),
    });
    this.sockets = acceptedSockets({
      ...{ server: this.#app.server, log: this.#log },
      isShared: (address) => isSharedAddress(address, origins),
      backEndConnections: this.config.commandConnections + this.config.sessionConnections,
    });
    this.#endpoint = this.#createEndpoint(policies, { tickets, origins, addressOf });
    this.#api = this.#mount();
    this.#handover = new Handover({
      file: state.file('handoff'),
      clock: systemClock,
      log: this.#log,
      ...{ paths: this.#broker, marker },
      sessions: this.#engine.sessions,
      requests: this.#idempotency,
    });
    this.#pruneLater(this.#revocations);
  }

  /** The modules that take commands: their files, below the folder of commands. */
  get modules(): string[] {
    return this.#commands.modules;
  }

  /** The server's counters and numbers, as `info` tells them. */
  get info(): EngineInfo {
    return engineInfo(this.#engine);
  }

  /** Listens; answers the address, such as `http://127.0.0.1:4020`. Rejects when the port is taken, the state folder is another server's or a module is wrong, and can be repeated then; with a DobbyError once the server stops. Idempotent. */
  async start(): Promise<string> {
    if (this.#isStopping) throw new DobbyError(errorBody('restarting'));
    this.#starting ??= this.#start().catch((error: unknown) => {
      this.#starting = null;
      if (!this.#hasTakenOver) this.#lock.release();
      throw error;
    });
    return this.#starting;
  }

  async #start(): Promise<string> {
    await this.#lock.take(() => this.#isStopping);
    this.#keyFile?.watch();
    // Once the port is ours, since a server that has it may still write; and before anything is accepted. Not by a server
    // that stops: what it would take over nobody would hear of.
    await this.#commands.start();
    this.#authorities.start();
    if (this.#isStopping) throw new DobbyError(errorBody('restarting'));
    let failure: unknown = null;
    this.#app.server.once('listening', () => {
      try {
        if (!this.#isStopping) this.#takeOver();
      } catch (error) {
        failure = error;
        this.#app.server.close();
      }
    });
    await this.#app.listen({ host: this.config.host, port: this.config.port });
    this.#app.server.on('error', (error) => this.#descriptors.failed(error));
    this.#descriptors.start();
    if (failure !== null) throw failure;
    if (this.#isStopping) throw new DobbyError(errorBody('restarting'));
    const { address, family, port } = this.#app.server.address() as AddressInfo;
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
    this.#keyFile?.stop();
    const { sessions, connections } = this.info;
    this.#log.info({ sessions, connections }, 'the server stops');
    return stopInOrder({
      engine: this.#engine,
      commands: this.#commands,
      endpoint: this.#endpoint,
      app: this.#app,
      api: this.#api,
      broker: this.#broker,
      wheel: this.#wheel,
      journal: this.#journal,
      authorities: this.#authorities,
      handover: () => (this.#hasTakenOver ? this.#handover : null),
      starting: this.#starting,
    }).finally(() => this.#stoppedAll());
  }

  #stoppedAll(): void {
    this.#descriptors.stop();
    this.#lock.release();
    this.#log.info({}, 'the server has stopped');
  }

  /** Tells everybody who is still here to come back, at once: for whoever cannot wait for `stop`, which must have been called. */
  abandon(): void {
    this.#engine.sessions.sendAway();
  }

  /** Once, before anything is done that the handoff knows of. */
  #takeOver(): void {
    if (this.#hasTakenOver) return;
    this.#lock.takeNow();
    // Once more: a server that ran since this one was made may have taken something back.
    this.#revocations.load(this.#journal.load());
    this.#hasTakenOver = true;
    this.#handover.takeOver();
  }

  /** @throws DobbyError when the server stops */
  #begin(): Engine {
    if (this.#isStopping) throw new DobbyError(errorBody('restarting'));
    this.#takeOver();
    return this.#engine;
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
    this.#engine.registry.register(receiver);
  }

  /** Connects a registered receiver to a path. @throws Error when it is not registered, or the path is none. */
  connectReceiver(id: string, path: string): void {
    this.#begin().dispatcher.connect(id, checkedPath(path));
  }

  /** Disconnects a registered receiver from a path. @throws Error when it is not registered, or the path is none. */
  disconnectReceiver(id: string, path: string): void {
    this.#engine.dispatcher.disconnect(id, checkedPath(path));
  }

  /** Forgets a receiver. False when it was not known. */
  unregister(id: string): boolean {
    return this.#engine.registry.unregister(id);
  }

  /** Tells `receiver` of every update on every path from now on, and of `::gone` with an id; the answer undoes it. */
  delegate(receiver: Receiver): () => void {
    return this.#engine.registry.delegate(receiver);
  }

  #stateFault(error: unknown): void {
    this.#log.error({ error: String(error) }, 'the state folder cannot be written');
  }

  #createEngine(
    policies: Policies,
    { tickets, origins }: Pick<EndpointParts, 'tickets' | 'origins'>,
  ): Engine {
    const { sessionTtlMs, grantWaitMs, stallMs, pingIntervalMs } = this.config;
    return createEngine({
      clock: systemClock,
      ids: systemIds,
      wheel: this.#wheel,
      broker: this.#broker,
      tickets,
      revocations: this.#revocations,
      isShared: (address) => isSharedAddress(address, origins),
      authority: this.#authorities,
      isPublic: (path) => policies.isPublic(path),
      settings: {
        sessionTtlMs,
        grantWaitMs,
        stallMs,
        pingIntervalMs,
        outbox: OUTBOX,
        maxSubscriptions: LIMITS.subscriptionsPerSession,
        maxTotalSubscriptions: this.config.maxSubscriptions,
        maxIdleSessions: LIMITS.idleSessions,
        maxOpensPerSecond: this.config.maxOpensPerSecond,
        ticketsCarryGrants: this.config.tickets,
      },
      onReceiverFault: (receiver, error) =>
        this.#log.error(
          { receiver: receiver.id, error: error instanceof Error ? error.stack : String(error) },
          'a receiver failed',
        ),
      onJournalFault: (error) => this.#stateFault(error),
      observer: sessionLog(this.#log, sparingLog(this.#log, systemClock)),
    });
  }

  #createEndpoint(
    policies: Policies,
    parts: Pick<EndpointParts, 'tickets' | 'origins' | 'addressOf'>,
  ): Endpoint {
    return new Endpoint({
      ...this.#engine,
      ...parts,
      wheel: this.#wheel,
      probes: new Probes(this.#wheel),
      sockets: this.sockets,
      frameRate: new FrameRate(systemClock, this.config.maxCommandsPerSecond),
      log: this.#log,
      wantsCookies: this.#authorities.wantsCookies,
      forwardHeaders: this.config.forwardHeaders,
      clientInfoOf: (request) => this.#authorities.clientInfoOf(request),
      url: this.config.endpoint,
      sessionTtlMs: this.config.sessionTtlMs,
      // Clients measure silence by the interval of pings: a poll is not held longer.
      pollHoldMs: Math.min(LIMITS.pollHoldMs, this.config.pingIntervalMs),
      isPublic: (path) => policies.isPublic(path),
      hasState: (path) => this.#engine.dispatcher.hasState(path),
      isStopping: () => this.#isStopping,
    });
  }

  #mount(): MountedApi {
    this.#endpoint.register(this.#app);
    registerPages(this.#app, { demo: this.config.demo });
    return registerApi(this.#app, {
      ...this.#engine,
      broker: this.#broker,
      keys: this.#keys,
      idempotency: this.#idempotency,
      about: () => ({ version: VERSION, startedAt: this.#startedAt, now: steadyClock.now() }),
      onKey: (socket) => this.sockets.proves(socket, 'api'),
      isStopping: () => this.#isStopping,
    });
  }

  #pruneLater(revocations: RevocationList): void {
    this.#wheel.after(TICKET_LIFETIME_MS, () => {
      revocations.prune(Date.now() - TICKET_LIFETIME_MS, Date.now() - longestMs(this.config));
      this.#pruneLater(revocations);
    });
  }
}

/** Makes a server; `start` lets it listen. @throws ConfigError, StateFolderError, ModuleError, TokenKeysError */
export function createDobby(config: ConfigInput = {}): Dobby {
  return new Dobby(config);
}
