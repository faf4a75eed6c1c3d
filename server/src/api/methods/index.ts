/** Every method of the API. */
import type { AnyMethod } from '../method.js';
import { paths } from './paths.js';
import { publishing } from './publishing.js';
import { sessions } from './sessions.js';

const methods = { ...publishing, ...sessions, ...paths };

/** The methods, in the order of the description. */
export const METHODS: readonly AnyMethod[] = Object.entries(methods).map(([name, method]) => ({
  name,
  ...method,
}));
