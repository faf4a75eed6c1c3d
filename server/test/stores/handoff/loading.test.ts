/** A handoff whose loading ends the server, which nobody can foresee: killed, or without memory. */
import { cpSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HandoffFile } from '../../../src/stores/handoff/handoff-file.js';
import { tempFolder } from '../../support/temp-folder.js';
import { createWorld } from '../../support/world.js';

const itself = <T>(handoff: T): T => handoff;

async function write(file: string): Promise<void> {
  const world = createWorld();
  world.publish('a', 'b');
  const handoff = { at: 1, backBy: 1, paths: world.broker.snapshots(), sessions: [], requests: [] };
  await new HandoffFile(file).write(handoff, () => 1_000);
}

/** The folder of a handoff as a server leaves it that is killed while it takes it over. */
function killed(file: string): string {
  const left = join(tempFolder(), 'left');
  new HandoffFile(file).take(() => cpSync(dirname(file), left, { recursive: true }));
  return left;
}

describe('a handoff whose loading ended its server', () => {
  it('is loaded by the next one', async () => {
    const file = join(tempFolder(), 'handoff');
    await write(file);
    const left = killed(file);
    expect(readdirSync(left)).toEqual(['handoff.loading']);
    expect(new HandoffFile(join(left, 'handoff')).take(itself)?.paths).toMatchObject([{ path: 'a' }]);
    expect(readdirSync(left)).toEqual([]);
  });

  it('is gone when it ends that one too', async () => {
    const file = join(tempFolder(), 'handoff');
    await write(file);
    expect(readdirSync(killed(join(killed(file), 'handoff')))).toEqual([]);
  });

  it('is gone when that one writes another, which is loaded, once', async () => {
    const file = join(tempFolder(), 'handoff');
    await write(file);
    const next = join(killed(file), 'handoff');
    await write(next);
    const left = killed(next);
    expect(readdirSync(left)).toEqual(['handoff.loading']);
    const last = new HandoffFile(join(left, 'handoff'));
    expect(last.take(itself)).not.toBeNull();
    expect(last.take(itself)).toBeNull();
  });
});

it('a handoff that cannot be taken over is gone', async () => {
  const folder = tempFolder();
  const file = join(folder, 'handoff');
  await write(file);
  const fail = () => {
    throw new Error('a fault');
  };
  expect(() => new HandoffFile(file).take(fail)).toThrow('a fault');
  expect(readdirSync(folder)).toEqual([]);
});
