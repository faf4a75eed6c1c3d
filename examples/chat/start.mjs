/** Starts the sample; `run-sample.mjs` says what it takes. */
import { fileURLToPath } from 'node:url';
import { runSample } from '../run-sample.mjs';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));

await runSample({
  name: 'chat',
  folder: here('.'),
  dobby: (django) => [
    ...['--config', here('dobby.json')],
    ...['--commands', here('commands'), '--watch-commands'],
    ...['--command-url', `${django}/dobby/command`],
  ],
});
