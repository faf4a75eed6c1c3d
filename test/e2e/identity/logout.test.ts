/**
 * A logout in Django ends the sessions of that device within a second, and no other's: in each way, over each transport, and whatever
 * becomes of Dobby meanwhile. One household for each way goes through all of it.
 */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startChromium } from './browser.js';
import { type DeviceName, Household } from './household.js';
import { WAYS } from './ways.js';
import { World } from './world.js';

let browser: Browser;

beforeAll(async () => {
  browser = await startChromium();
});

afterAll(() => browser?.close());

describe.each(WAYS)('by $name', (way) => {
  let world: World;
  let household: Household;
  const measured: string[] = [];

  beforeAll(async () => {
    world = await World.start(way.world);
    household = await Household.open(browser, world, way);
  });

  afterAll(async () => {
    console.log(`from the click on "Log out" until a tab is told, by ${way.name}: ${measured.join(', ')}`);
    await household?.close();
    await world?.stop();
  });

  const ticketsOf = (name: DeviceName): string[] => household.places(name).map(({ tab }) => tab.ticket);

  it('a click on "Log out" ends all tabs of that device within a second, and nothing else', async () => {
    const places = household.places('phone');
    const tickets = ticketsOf('phone');
    await places[0]?.tab.page.click('#logout');
    household.isOut('phone');
    const clicked = await places[0]?.tab.until('logging out');
    for (const { tab, transport } of places) {
      const { at } = await tab.until('kicked');
      measured.push(`${transport} ${at - (clicked?.at ?? 0)} ms`);
      expect(at - (clicked?.at ?? 0)).toBeLessThan(1_000);
    }
    await household.becomesNobody('phone');
    await household.othersGoOn('after the logout');
    await household.isShutOut('phone', tickets);
  });

  it('it holds when Dobby is killed right after it', async () => {
    const tickets = ticketsOf('tablet');
    await household.device('tablet').logOut();
    household.isOut('tablet');
    await world.restartDobby('SIGKILL');
    await household.becomesNobody('tablet');
    await household.othersGoOn('after the crash');
    await household.isShutOut('tablet', tickets);
  });

  it('it holds over an orderly restart right after it', async () => {
    const tickets = ticketsOf('watch');
    await household.device('watch').logOut();
    household.isOut('watch');
    await world.restartDobby('SIGTERM');
    await household.becomesNobody('watch');
    await household.othersGoOn('after the restart');
    await household.isShutOut('watch', tickets);
  });

  it('it holds when Dobby is away and told of it only when it is back', async () => {
    const tickets = ticketsOf('car');
    let loggedOut: Promise<void> = Promise.resolve();
    await world.restartDobby('SIGKILL', () => {
      loggedOut = household.device('car').logOut();
    });
    await loggedOut;
    household.isOut('car');
    await household.becomesNobody('car');
    await household.othersGoOn('after the absence');
    await household.isShutOut('car', tickets);
  });
});
