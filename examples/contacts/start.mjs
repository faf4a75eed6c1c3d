/** Starts the sample; `run-sample.mjs` says what it takes. */
import { fileURLToPath } from 'node:url';
import { runSample } from '../run-sample.mjs';

await runSample({ name: 'contacts', folder: fileURLToPath(new URL('.', import.meta.url)) });
