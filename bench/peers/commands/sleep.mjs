/** A module of Dobby's that answers what it was asked, `ms` milliseconds later. */
import { setTimeout as sleep } from 'node:timers/promises';

export default { run: (args) => sleep(args.ms, args) };
