/** The ways in which a page may come to hear what is not public, and the transports: what the tests of this folder are run over. */
import type { PageOptions } from './tab.js';
import type { WorldOptions } from './world.js';

export const TRANSPORTS = ['websocket', 'event-stream', 'long-poll'] as const;
export type Transport = (typeof TRANSPORTS)[number];

/** A way: what Dobby must know for it, and what the page does. */
export interface Way {
  readonly name: string;
  readonly world: WorldOptions;
  page(paths: readonly string[], transport: Transport): PageOptions;
}

/** The page asks Django's connect view, with its cookies. */
export const BY_CONNECT: Way = {
  name: 'the connect view',
  world: {},
  page: (paths, transport) => ({ paths, pomona: { transports: [transport], connectUrl: '/dobby/connect/' } }),
};

/** Dobby asks Django's session view, with the cookies that the browser sent it. */
export const BY_SESSION: Way = {
  name: 'the session view',
  world: { asksBackEnd: true },
  page: (paths, transport) => ({ paths, pomona: { transports: [transport], credentials: 'include' } }),
};

/** The page gets a token of the session from Django, with its cookies. */
export const BY_TOKEN: Way = {
  name: 'a token',
  // What no token names waits for a connect view that there is not.
  world: { flags: ['--grant-wait-ms', '300'] },
  page: (paths, transport) => ({
    paths,
    pomona: { transports: [transport] },
    tokens: { sessionSeconds: 3600 },
  }),
};

export const WAYS = [BY_CONNECT, BY_SESSION, BY_TOKEN] as const;
