/** Creates the parts of a server and connects them. The interface for embedding programs is in dobby.ts. */
import type { IncomingMessage } from 'node:http';
import { LIMITS } from '../../protocol/limits.js';
import { secretsOf } from '../../protocol/secrets.js';
import { registerApi } from './api/http.js';
import { ApiKeys } from './auth/api-keys/api-keys.js';
import { Origins } from './auth/origins/origins.js';
import { ConfiguredAuthProviders } from './auth/providers/configured-auth-providers.js';
import { SignedTickets } from './auth/tickets/signed-tickets.js';
import type { Config } from './config/config.js';
import { Policies } from './config/policies.js';
import { RevocationList } from './core/access/revocation-list.js';
import { createEngine, type Engine } from './core/engine.js';
import { steadyClock, systemClock, systemIds } from './core/time/clock.js';
import { TimerWheel } from './core/time/timer-wheel.js';
import { FrameRate } from './core/wire/frame-rate.js';
import type { OutboxBounds } from './core/wire/outbox.js';
import type { SocketTable } from './core/wire/socket-table.js';
import { FEATURES } from './features.js';
import { GATEWAYS } from './gateways.js';
import { acceptedSockets } from './http/accepted-sockets.js';
import { createHttpServer } from './http/http-server.js';
import { registerPages } from './http/pages.js';
import { DescriptorWatch } from './observe/descriptor-watch.js';
import { createLog, type Log, sparingLog } from './observe/log.js';
import { openApiKeyFile } from './open-api-key-file.js';
import { HandoffStore } from './stores/handoff/handoff-store.js';
import { MemoryBroker } from './stores/memory/memory-broker.js';
import { openJournals } from './stores/revocations/revocation-journal.js';
import { type MadeKey, StateFolder } from './stores/state-folder/state-folder.js';
import { StateLock } from './stores/state-folder/state-lock.js';
import { StateMarker } from './stores/state-folder/state-marker.js';
import { Endpoint } from './transports/endpoint.js';
import { Probes } from './transports/probes.js';
import { VERSION } from './version.js';

const TICKET_LIFETIME_MS = 5 * 60 * 1000;
export const MAX_HEADS = 100_000;
const OUTBOX: OutboxBounds = { maxBytes: 1024 * 1024, maxFrames: 1_000 };
/** Returns how long a ticket or a token may live. */
const longestMs = ({ maxTokenAgeMs }: Config): number => Math.max(TICKET_LIFETIME_MS, maxTokenAgeMs);

/** The parts of a server. */
export type Assembly = ReturnType<typeof assemble>;

/** The features and gateways of a server. */
export interface Extensions {
  readonly features: typeof FEATURES;
  readonly gateways: typeof GATEWAYS;
}

/** Those of every server but some in tests. */
export const DEFAULT_EXTENSIONS: Extensions = { features: FEATURES, gateways: GATEWAYS };

/** Creates a server that does not listen yet. @throws ConfigError, StateFolderError, ModuleError, TokenKeysError */
export function assemble(config: Config, isStopping: () => boolean, extensions: Extensions) {
  const base = createBaseServices(config, isStopping);
  const { log, state, wheel } = base;
  const lock = new StateLock({
    file: state.file('lock'),
    folder: config.stateDir,
    clock: systemClock,
    log,
  });
  for (const warning of state.warnings) log.warn({}, warning);
  const apiKey = apiKeyOf(config, state);
  const keys = new ApiKeys(apiKey.keys);
  const { apiKeys: file } = config;
  const keyFile = file === undefined ? null : openApiKeyFile({ file, keys, log });
  state.ticketSecrets(Date.now()); // faults in them are reported at the start
  warnOfLogsBelowOutbox(config.paths, log);
  const marker = new StateMarker(state.file('states'), base.onStateFault);
  const stores = openStores(base, marker);
  const authProviders = new ConfiguredAuthProviders(config, {
    ...base,
    clock: systemClock,
    madeTokenSecrets: () => state.made('token-secret').keys,
  });
  const engine = engineOf(base, stores, authProviders);
  for (const make of extensions.features)
    engine.sessions.features.add(make({ ...base, engine, clock: systemClock }));
  const http = createHttp(base, { engine, authProviders, keys });
  const { operations } = engine;
  for (const add of extensions.gateways) add({ app: http.app, endpoint: http.endpoint, operations });
  const handoff = new HandoffStore({
    file: state.file('handoff'),
    clock: systemClock,
    log,
    ...{ paths: stores.broker, marker },
    sessions: engine.sessions,
    requests: stores.broker.idempotency,
  });
  const descriptors = new DescriptorWatch(systemClock, log);
  const parts = { apiKey, log, wheel, lock, descriptors, ...stores, authProviders, engine };
  return { ...parts, ...http, handoff, keyFile };
}

type BaseServices = ReturnType<typeof createBaseServices>;

/** Creates the parts made of state folder and configuration, which all others use. */
function createBaseServices(config: Config, isStopping: () => boolean) {
  const log = createLog(config.logLevel);
  const onStateFault = (error: unknown): void =>
    log.error({ error: String(error) }, 'the state folder cannot be written');
  const state = new StateFolder(config.stateDir, onStateFault);
  const origins = new Origins(config);
  return {
    ...{ config, log, isStopping, state, origins, onStateFault },
    sparing: sparingLog(log, systemClock),
    wheel: new TimerWheel(systemClock),
    policies: new Policies(config),
    tickets: new SignedTickets({
      clock: systemClock,
      lifetimeMs: TICKET_LIFETIME_MS,
      secrets: () => state.ticketSecrets(Date.now()),
    }),
    /** Returns the client's address, seen through trusted proxies. A copy: a slice of a header would keep all of it in memory. */
    addressOf: ({ headers, socket }: IncomingMessage): string =>
      String(Buffer.from(origins.clientAddress(headers, socket.remoteAddress ?? ''))),
    /** Returns the secret that signs requests to the back end. */
    secret: (): string => secretsOf(config.webhookSecret ?? '')?.[0] ?? state.made('webhook-secret').key,
  };
}

function apiKeyOf({ apiKey }: Config, state: StateFolder): MadeKey {
  const keys = secretsOf(apiKey ?? '');
  return keys === null ? state.made('api-key') : { key: keys[0], keys, isNew: false };
}

/** Warns about path policies whose logs are smaller than an outbox, so that slow readers get gaps sooner. */
function warnOfLogsBelowOutbox(paths: Config['paths'], warnings: Log): void {
  for (const { pattern, log } of paths) {
    if (log === false || (log.maxUpdates >= OUTBOX.maxFrames && log.maxBytes >= OUTBOX.maxBytes)) continue;
    const message = 'the log of a path is smaller than an outbox: slow readers get gaps sooner';
    warnings.warn({ pattern, log, outbox: OUTBOX }, message);
  }
}

type Stores = ReturnType<typeof openStores>;

function openStores({ config, state, wheel, policies }: BaseServices, marker: StateMarker) {
  const journal = openJournals((name) => state.file(name), {
    clock: systemClock,
    ticketMs: TICKET_LIFETIME_MS,
    longestMs: longestMs(config),
  });
  const broker = new MemoryBroker({
    clock: steadyClock,
    ids: systemIds,
    wheel,
    policyOf: (path) => policies.of(path),
    maxTotalBytes: config.maxLogBytes,
    maxStateBytes: config.maxStateBytes,
    headTtlMs: config.headTtlMs,
    maxHeads: MAX_HEADS,
    onState: () => marker.set(),
  });
  const revocations = new RevocationList(journal, journal.load());
  const pruneLater = (): void => {
    wheel.after(TICKET_LIFETIME_MS, () => {
      revocations.prune(Date.now() - TICKET_LIFETIME_MS, Date.now() - longestMs(config));
      pruneLater();
    });
  };
  pruneLater();
  return { broker, journal, revocations };
}

function engineOf(
  base: BaseServices,
  { broker, revocations }: Stores,
  authProviders: ConfiguredAuthProviders,
): Engine {
  const { config, log, sparing, wheel, policies, origins, tickets, onStateFault } = base;
  const { sessionTtlMs, grantWaitMs, stallMs, pingIntervalMs } = config;
  return createEngine({
    ...{ clock: systemClock, ids: systemIds, wheel, broker, tickets, revocations },
    isShared: (address) => origins.isShared(address),
    authProviders,
    isPublic: (path) => policies.isPublic(path),
    settings: {
      ...{ sessionTtlMs, grantWaitMs, stallMs, pingIntervalMs, outbox: OUTBOX },
      maxSubscriptions: LIMITS.subscriptionsPerSession,
      maxTotalSubscriptions: config.maxSubscriptions,
      maxIdleSessions: LIMITS.idleSessions,
      maxOpensPerSecond: config.maxOpensPerSecond,
      ticketsCarryGrants: config.tickets,
    },
    onReceiverFault: (receiver, error) =>
      log.error(
        { receiver: receiver.id, error: error instanceof Error ? error.stack : String(error) },
        'a receiver failed',
      ),
    onJournalFault: onStateFault,
    onStoreFault: (error) => sparing.error({ error: String(error) }, 'the store failed'),
    onFeatureFault: ({ name }, error) =>
      sparing.error(
        { feature: name, error: error instanceof Error ? error.stack : String(error) },
        'a feature failed',
      ),
  });
}

interface HttpOptions {
  readonly engine: Engine;
  readonly authProviders: ConfiguredAuthProviders;
  readonly keys: ApiKeys;
}

/** Creates the HTTP server with everything that is mounted on it. */
function createHttp(base: BaseServices, parts: HttpOptions) {
  const { config, log, origins, isStopping } = base;
  const { engine, keys } = parts;
  const startedAt = steadyClock.now();
  const app = createHttpServer(log, {
    corsOf: (headers, peer) => endpoint.corsOf(headers, peer),
    addressOf: (headers, peer) => origins.clientAddress(headers, peer),
  });
  const sockets = acceptedSockets({
    ...{ server: app.server, log },
    isShared: (address) => origins.isShared(address),
    backEndConnections: config.commandConnections + config.sessionConnections,
  });
  const endpoint = endpointOf(base, { ...parts, sockets });
  endpoint.register(app);
  registerPages(app, { demo: config.demo });
  const api = registerApi(app, {
    ...{ ...engine, keys, isStopping },
    about: () => ({ version: VERSION, uptimeMs: steadyClock.now() - startedAt }),
    onKey: (socket) => sockets.proves(socket, 'api'),
  });
  return { app, sockets, endpoint, api };
}

function endpointOf(
  base: BaseServices,
  { engine, authProviders, sockets }: HttpOptions & { readonly sockets: SocketTable },
): Endpoint {
  const { config, log, wheel, policies, tickets, origins, addressOf, isStopping } = base;
  return new Endpoint({
    ...{ ...engine, tickets, origins, addressOf, wheel, sockets, log, isStopping },
    probes: new Probes(wheel),
    frameRate: new FrameRate(systemClock, config.maxCommandsPerSecond),
    wantsCookies: authProviders.wantsCookies,
    forwardHeaders: config.forwardHeaders,
    clientInfoOf: (request) => authProviders.clientInfoOf(request),
    url: config.endpoint,
    sessionTtlMs: config.sessionTtlMs,
    // Clients measure silence by the interval of pings: a poll is not held longer.
    pollHoldMs: Math.min(LIMITS.pollHoldMs, config.pingIntervalMs),
    isPublic: (path) => policies.isPublic(path),
    hasState: (path) => engine.operations.hasState(path),
  });
}
