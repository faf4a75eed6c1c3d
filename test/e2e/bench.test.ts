/** The benches in their short form: whether they run and every delivery is right, not how fast. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Runs a bench in its short form; answers what it printed. */
async function short(...args: string[]): Promise<string> {
  const options = { cwd: ROOT, timeout: 110_000 };
  const command = ['bench/run.mjs', ...args, '--short'];
  return (await promisify(execFile)(process.execPath, command, options)).stdout;
}

it('the self-test finds all damage', { timeout: 60_000 }, async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['bench/run.mjs', 'self-test'], {
    cwd: ROOT,
  });
  expect(stdout).toMatch(
    /^Self-test: the damage was found in all of [1-9]\d{2,} streams, [1-9]\d{2} hearings and/,
  );
});

it('fan-out delivers every update to every client, unaltered and in order, with all its peers', {
  timeout: 120_000,
}, async () => {
  const stdout = await short('fanout', '--seconds', '1');
  for (const system of ['dobby', 'ws-loop', 'uws', 'socketio']) {
    expect(stdout).toMatch(new RegExp(`^${system} +100 +1 `, 'm'));
    expect(stdout).toMatch(new RegExp(`^${system} +100 +32 `, 'm'));
  }
});

it('latency times updates that are published by the clock', { timeout: 120_000 }, async () => {
  const stdout = await short('latency', '--only', 'dobby,ws-loop');
  expect(stdout).toMatch(/^ws-loop +10 +\/20 ms +\d+\.\d\d /m);
});

it('commands are all answered, by modules, by a peer and by a back end, and beside sleepers', {
  timeout: 120_000,
}, async () => {
  const stdout = await short('commands', '--sleepers', '0,8');
  for (const system of ['dobby', 'socketio', 'dobby-webhook'])
    for (const sleepers of [0, 8])
      expect(stdout).toMatch(new RegExp(`^${system} +20 +${sleepers} +[1-9]`, 'm'));
});

it('idle holds sessions that hear an update at the end', { timeout: 120_000 }, async () => {
  const stdout = await short('idle', '--only', 'dobby,uws');
  expect(stdout).toMatch(/^dobby +200 +-?\d+\.\d\d /m);
});

it('the bench of faults finds Dobby without loss, and sees a peer lose', { timeout: 120_000 }, async () => {
  const [ended, churn, slow] = await Promise.all([
    short('faults', '--only', 'dobby', '--modes', 'term,kill'),
    short('faults', '--only', 'dobby,ws-loop', '--modes', 'churn'),
    short('faults', '--only', 'dobby', '--modes', 'slow'),
  ]);
  expect(churn).toMatch(/^dobby +churn +100 % +0 /m);
  expect(churn).toMatch(/^ws-loop +churn +\d\d\.\d+ % +[1-9]/m);
  for (const mode of ['term', 'kill']) expect(ended).toMatch(new RegExp(`^dobby +${mode} `, 'm'));
  expect(slow).toMatch(/^dobby +slow +\d+\.?\d* % +0 /m);
});
