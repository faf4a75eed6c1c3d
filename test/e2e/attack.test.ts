/** The attack in short: everything at once, for a few seconds, while an innocent client is served. */
import { expect, it } from 'vitest';

interface Figures {
  readonly updates: number;
  readonly reconnects: number;
  readonly growthMb: number;
  readonly attacks: Readonly<Record<string, number>>;
}

interface Attack {
  attack(options: { sockets: number; seconds: number; restSeconds: number }): Promise<Figures>;
}

it('a server that is attacked with eight sockets goes on serving, within its memory', async () => {
  const path = new URL('../attack/attack.mjs', import.meta.url).href;
  const { attack } = (await import(path)) as Attack;
  const { updates, reconnects, growthMb, attacks } = await attack({ sockets: 8, seconds: 6, restSeconds: 0 });
  expect(Object.keys(attacks).length).toBeGreaterThan(5);
  // One in 50 ms for 6 s; on a busy machine some come late.
  expect(updates).toBeGreaterThan(60);
  expect(reconnects).toBe(0);
  expect(growthMb).toBeLessThan(300);
}, 60_000);
