/** `complete`: after a crash, the back end has published the states of paths anew: they are whole again. */
import { z } from 'zod';
import { defineMethod } from '../method.js';
import { paths } from '../schemas.js';

/** Says that states are whole. */
export const complete = defineMethod({
  name: 'complete',
  scope: { names: 'listed', field: 'paths' },
  summary: 'Says that the states of these paths are whole again, after a crash that lost them.',
  body: z.strictObject({ paths }),
  reply: z.strictObject({ completed: z.int().min(0) }),
  async run({ paths: names }, { operations }) {
    return { completed: await operations.complete(names) };
  },
});
