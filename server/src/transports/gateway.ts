/** What a gateway, which serves a foreign protocol, is given: it adds routes before the server listens. */
import type { FastifyInstance } from 'fastify';
import type { Operations } from '../core/operations/operations.js';
import type { Endpoint } from './endpoint.js';

/** The parts of the server that a gateway uses. */
export interface GatewayOptions {
  /** Takes routes of its own. */
  readonly app: FastifyInstance;
  /** Takes WebSockets (`addWebSockets`) and streams (`addStream`) in its dialect. */
  readonly endpoint: Endpoint;
  /** What back ends may ask for, such as `update`. */
  readonly operations: Operations;
}

/** Adds the routes of a protocol. */
export type Gateway = (options: GatewayOptions) => void;
