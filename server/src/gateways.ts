/** The table of gateways. Each line adds one; removing the line removes the gateway. */
import type { Gateway } from './transports/gateway.js';

/** No protocol but Dobby's own is served yet. */
export const GATEWAYS: readonly Gateway[] = [];
