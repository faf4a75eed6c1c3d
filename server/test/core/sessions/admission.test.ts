import { describe, expect, it } from 'vitest';
import { Admission } from '../../../src/core/sessions/admission.js';
import { FakeClock } from '../../support/fake-clock.js';
import { FakeIds } from '../../support/fake-ids.js';
import { createWorld } from '../../support/world.js';

const times = (count: number) => Array.from({ length: count }, (_, i) => i);

function setUp(perSecond: number, maxWaitMs = 25_000) {
  const clock = new FakeClock();
  const ids = new FakeIds();
  const admission = new Admission({
    ...{ clock, ids },
    settings: { maxOpensPerSecond: perSecond, sessionTtlMs: maxWaitMs + 5_000 },
  });
  const waits = (count: number, isAtHome = false) =>
    times(count).map(() => admission.admit(isAtHome)?.reconnectAfterMs ?? 0);
  const admitted = (count: number, isAtHome = false) =>
    waits(count, isAtHome).filter((ms) => ms === 0).length;
  return { clock, ids, admission, waits, admitted };
}

describe('admission', () => {
  it('lets in half of a second’s worth at once, and as many as are allowed in each second after', () => {
    const { clock, admitted } = setUp(10);
    expect(admitted(11)).toBe(5);
    clock.advance(500);
    expect(admitted(11)).toBe(5);
    clock.advance(60_000);
    expect(admitted(20)).toBe(5);
  });

  it('keeps the other half for clients whose session lives here', () => {
    const { clock, admitted } = setUp(10);
    expect(admitted(100)).toBe(5);
    expect(admitted(100, true)).toBe(5);
    clock.advance(500);
    expect(admitted(100), 'the half is filled first').toBe(0);
    expect(admitted(100, true)).toBe(5);
  });

  it('lets one in each second when no more are allowed', () => {
    const { clock, admitted } = setUp(1);
    expect(admitted(2)).toBe(1);
    clock.advance(1_000);
    expect(admitted(2)).toBe(1);
  });

  it('tells each of those who wait a later time, spread as they will be let in', () => {
    const { clock, waits } = setUp(10);
    expect(waits(9).slice(5)).toEqual([1_100, 1_200, 1_300, 1_400]);
    clock.advance(50);
    expect(waits(1)[0], 'behind those who wait already').toBe(1_450);
  });

  it('lets everybody of a stampede in who comes back when told, none of them twice', () => {
    const { clock, admission, waits } = setUp(100);
    const told = waits(1_000).filter((ms) => ms > 0);
    const start = clock.monotonic();
    for (const wait of told.sort((a, b) => a - b)) {
      clock.advance(start + wait - clock.monotonic());
      expect(admission.admit(false)).toBeNull();
    }
    expect(clock.monotonic() - start).toBeLessThanOrEqual(10_600);
  });

  it('bounds the line, however many are refused; beyond the bound places are given by chance', () => {
    const { ids, waits } = setUp(10, 25_000);
    expect(Math.max(...waits(100_000))).toBeLessThanOrEqual(25_000);
    ids.nextFraction = 0;
    expect(waits(1)).toEqual([1_000]);
    ids.nextFraction = 0.75;
    expect(waits(1)).toEqual([19_000]);
  });

  it('gives slots of their own when it is frozen, though very many wait', () => {
    const { admission, waits } = setUp(10);
    waits(100_000);
    admission.freeze(2_000, 2);
    expect([admission.nextSlot(), admission.nextSlot()]).toEqual([2_167, 2_500]);
    expect(waits(100_000).every((ms) => ms >= 2_000 && ms <= 2_667)).toBe(true);
    expect(admission.nextSlot(), 'nobody who comes late makes it later').toBe(2_833);
  });

  it('gives no slot that is later than a ticket lasts', () => {
    const { admission } = setUp(1);
    admission.freeze(1_000_000, 100_000);
    expect(Math.max(...times(100_000).map(() => admission.nextSlot()))).toBeLessThanOrEqual(240_000);
    expect(admission.slotsMs).toBeLessThanOrEqual(240_000);
  });
});

describe('an opening', () => {
  it('is refused with the time to come back, and open sessions are let be', () => {
    const world = createWorld({ settings: { maxOpensPerSecond: 1 } });
    const client = world.open({ paths: [{ path: 'public' }] });
    const ticket = client.ticket();
    const refused = { error: { code: 'too_many_opens' }, close: 'busy', reconnectAfterMs: 2_000 };
    expect(world.tryOpen({ ticket })).toMatchObject(refused);
    expect(world.counters).toMatchObject({ opened: 1, resumed: 0, delayed: 1 });
    world.publish('public', 1);
    expect(client.messages()).toEqual([1]);
    world.clock.advance(2_000);
    expect(world.tryOpen({ ticket })).toMatchObject({ session: { id: 'session-1' } });
  });

  it('with a forged ticket takes no place from anybody', () => {
    const world = createWorld({ settings: { maxOpensPerSecond: 4 } });
    for (const _ of times(1_000)) {
      const refused = world.tryOpen({ ticket: 'x' });
      expect(refused).toMatchObject({ error: { code: 'bad_ticket' }, close: 'ticket_refused' });
    }
    expect(world.tryOpen({})).toHaveProperty('session');
  });

  it('of a session that lives here passes newcomers, and no wait is longer than the session lives', () => {
    const world = createWorld({ settings: { maxOpensPerSecond: 4 } });
    const ticket = world.open().ticket();
    const told = times(1_000).map(() => world.tryOpen({}));
    const waits = told.map((refused) => ('error' in refused ? (refused.reconnectAfterMs ?? 0) : 0));
    expect(Math.max(...waits)).toBeLessThanOrEqual(25_000);
    expect(world.tryOpen({ ticket })).toMatchObject({ session: { id: 'session-1' } });
  });

  it('by very many before a stop makes nobody’s slot later', () => {
    const world = createWorld({ settings: { maxOpensPerSecond: 10 } });
    const client = world.open();
    for (const _ of times(10_000)) world.tryOpen({});
    const lastMs = 1_000 + 170 * world.sessions.connections;
    world.sessions.freeze(1_000);
    for (const _ of times(10_000)) world.tryOpen({});
    world.sessions.sendAway();
    expect(client.carrier.closing?.reconnectAfterMs).toBeLessThanOrEqual(lastMs);
    expect(world.sessions.slotsMs).toBeLessThanOrEqual(lastMs);
  });
});
