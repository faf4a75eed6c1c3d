/** If whoever started this process dies, the server under test is killed and this process ends too, so that nothing is left running. */

/** @param {() => number[]} pidsOfServer */
export function endWithParent(pidsOfServer) {
  process.on('disconnect', () => {
    try {
      for (const pid of pidsOfServer()) process.kill(pid, 'SIGKILL');
    } finally {
      process.exit(1);
    }
  });
}
