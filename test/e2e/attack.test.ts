/** The attack in short: everything at once, for a few seconds, while an innocent client is served. */
import { expect, it } from 'vitest';

interface Figures {
  readonly updates: number;
  readonly missing: number;
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
  const { updates, missing, reconnects, growthMb, attacks } = await attack({
    sockets: 8,
    seconds: 6,
    restSeconds: 0,
  });
  expect(Object.keys(attacks).length).toBeGreaterThan(5);
  expect(updates).toBeGreaterThan(20);
  expect(missing, 'updates that did not arrive').toBe(0);
  expect(reconnects).toBe(0);
  expect(growthMb).toBeLessThan(300);
}, 60_000);
