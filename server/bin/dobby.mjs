#!/usr/bin/env node
// npm links this when it installs, before anything has been built in a fresh clone.
import { main } from '../dist/server/src/cli/main.js';

await main(process.argv);
