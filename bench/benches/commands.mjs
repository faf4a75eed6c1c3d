/**
 * Commands: clients that ask, and are answered. How many round trips a CPU-second of the server makes, beside the acknowledgements of a peer,
 * and while commands of one client are asleep. The first answer that is wrong ends the bench.
 */
import { compareWindows, short, summariseWindows } from '../command/report.mjs';
import { Fault } from '../load/fault.mjs';
import { withLoad } from '../load/remote.mjs';
import { nowMs, Usage } from '../load/usage.mjs';
import { withServer } from '../peers/server.mjs';
import { COMMAND_PEERS } from '../peers/table.mjs';

const CALLERS = new URL('../load/callers.mjs', import.meta.url);
/** Commands of one session that Dobby takes at a time (docs/protocol.md, `commandsAtATime`). */
const AT_A_TIME = 16;
/** No command may take longer than 30 s. */
const MAX_ASLEEP_SECONDS = 20;

function measure({ system, setting }, { seconds, warmMs, outstanding, seed }) {
  const { clients, sleepers } = setting;
  if (outstanding + sleepers > AT_A_TIME)
    throw new Fault('options', `--outstanding and --sleepers are at most ${AT_A_TIME} together`);
  if (sleepers > 0 && seconds > MAX_ASLEEP_SECONDS)
    throw new Fault('options', `--seconds is at most ${MAX_ASLEEP_SECONDS} with --sleepers`);
  const peer = COMMAND_PEERS[system];
  return withServer(peer, ({ server: { port, pids, backEndPids = [] } }) => {
    const order = { port, pids, dialect: peer.dialect, clients, outstanding, seed };
    return withLoad(CALLERS, order, async ({ call }) => {
      await call('open');
      await call('window', { ms: warmMs, sleepers });
      await call('rest');
      const [startMs, usage] = [nowMs(), new Usage(pids, backEndPids)];
      const { count, samples, ...ran } = await call('window', { ms: seconds * 1000, sleepers });
      const used = usage.end(ran.usage);
      await call('rest');
      return { ...used, count, samples, deliverMs: ran.lastMs - startMs };
    });
  });
}

/** @type {import('../command/course.mjs').Bench} */
export const commands = {
  name: 'commands',
  about: 'commands and their answers: round trips per CPU-second beside the peers',
  options: {
    seconds: { full: 5, short: 1 },
    clients: { full: [100], short: [20] },
    outstanding: { full: 4 },
    sleepers: { full: [0] },
    warmMs: { full: 3000, short: 300 },
  },
  peers: COMMAND_PEERS,
  systems: ['dobby', 'socketio', 'dobby-webhook'],
  settings: ({ clients, sleepers }) =>
    clients.flatMap((count) =>
      sleepers.map((asleep) => ({
        name: `${count} clients, ${asleep} asleep`,
        clients: count,
        sleepers: asleep,
      })),
    ),
  measure,
  line: ({ count, serverCpu }) => `${short(count / serverCpu)} round trips per CPU-second`,
  title: ({ seconds, outstanding }) =>
    `64 bytes each way, ${outstanding} commands of each client outstanding, windows of ${seconds} s, medians; every answer checked`,
  summarise: summariseWindows,
  compare: compareWindows,
  columns: [
    ...['system', 'clients', 'sleepers', 'calls', 'perCpu', 'perCpuRange', 'withBackEnd'],
    ...['ratio', 'p50', 'p99', 'serverShare', 'generatorCpu', 'micros', 'others', 'busy'],
  ],
};
