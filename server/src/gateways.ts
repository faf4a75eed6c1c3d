/** The table of gateways: doors of other protocols. Each line adds one; removing the line removes the gateway. */
import type { FastifyInstance } from 'fastify';
import type { Config } from './config/config.js';
import type { Endpoint } from './transports/endpoint.js';

/** What a gateway adds its doors to: routes of its own, WebSockets (`Endpoint.addWebSockets`), streams (`Endpoint.addStream`). */
export interface GatewayOptions {
  readonly config: Config;
  readonly app: FastifyInstance;
  readonly endpoint: Endpoint;
}

/** Adds the doors of a protocol, before the server listens. */
export type Gateway = (options: GatewayOptions) => void;

/** No protocol but Dobby's own is served yet. */
export const GATEWAYS: readonly Gateway[] = [];
