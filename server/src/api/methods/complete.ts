/** `complete`: after a crash, the back end has published the states of paths anew: they are whole again. */
import { z } from 'zod';
import { pathFault } from '../../../../protocol/paths.js';
import { fault } from '../../http/http-errors.js';
import { defineMethod } from '../method.js';
import { paths } from '../schemas.js';

/** Says that states are whole. */
export const complete = defineMethod({
  name: 'complete',
  scope: { names: 'listed', field: 'paths' },
  summary: 'Says that the states of these paths are whole again, after a crash that lost them.',
  body: z.strictObject({ paths }),
  reply: z.strictObject({ completed: z.int().min(0) }),
  run({ paths: names }, { broker, dispatcher }) {
    for (const [index, name] of names.entries()) {
      const wrong = pathFault(name);
      if (wrong !== null) throw fault(wrong, { field: `paths.${index}` });
    }
    let completed = 0;
    for (const name of new Set(names)) {
      if (!broker.complete(name)) continue;
      completed++;
      dispatcher.paths.get(name)?.sendSnapshots();
    }
    return { completed };
  },
});
