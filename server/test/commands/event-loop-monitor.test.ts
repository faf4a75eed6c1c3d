import { describe, expect, it } from 'vitest';
import { EventLoopMonitor } from '../../src/commands/modules/event-loop-monitor.js';
import { FakeClock } from '../support/fake-clock.js';
import { keptLog, type Line } from './commanded-world.js';

function watched() {
  const clock = new FakeClock();
  const lines: Line[] = [];
  return { clock, lines, watch: new EventLoopMonitor(clock, keptLog(lines)) };
}

describe('the watch on the loop', () => {
  it('names the module that worked for long without a pause, though it is done by then', () => {
    const { clock, lines, watch } = watched();
    const slow = watch.watch('slow.ts');
    watch.begin(slow);
    clock.spend(400);
    watch.end(slow);
    clock.settle();
    expect(lines).toMatchObject([{ level: 'warn', fields: { modules: ['slow.ts'], blockedMs: 350 } }]);
  });

  it('says nothing of one that waits, and stops looking when nothing runs', () => {
    const { clock, lines, watch } = watched();
    const patient = watch.watch('patient.ts');
    watch.begin(patient);
    clock.advance(5_000);
    watch.end(patient);
    clock.advance(200);
    expect([lines, clock.timers]).toEqual([[], 0]);
  });

  it('names all that ran meanwhile', () => {
    const { clock, lines, watch } = watched();
    watch.watch('idle.ts');
    watch.begin(watch.watch('a.ts'));
    watch.begin(watch.watch('b.ts'));
    clock.advance(100);
    clock.spend(300);
    clock.settle();
    expect(lines[0]?.fields['modules']).toEqual(['a.ts', 'b.ts']);
  });
});
