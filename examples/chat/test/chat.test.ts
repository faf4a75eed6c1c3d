/** The sample from end to end: Dobby, Django and browsers, none of them a double. */
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { startBrowser } from '../../test/person.js';
import { Sample } from '../../test/sample.js';
import { Chatter, LOBBY } from './chatter.js';

const DEADLINE_MS = 20_000;
const PICTURES = fileURLToPath(new URL('../../../test-output/chat/', import.meta.url));

let sample: Sample;
let browser: Browser;
let ada: Chatter;
let grace: Chatter;

beforeAll(async () => {
  sample = await Sample.start('chat');
  browser = await startBrowser();
  ada = await Chatter.login(browser, sample, 'ada');
  grace = await Chatter.login(browser, sample, 'grace');
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await sample?.stop();
});

const picture = (who: Chatter, name: string) => who.page.screenshot({ path: `${PICTURES}${name}.png` });

/** When a command was last given, in milliseconds since 1970. */
async function lastCommand(): Promise<number> {
  const { sessions } = (await sample.api('sessions')) as { sessions: { lastCommandAt: number | null }[] };
  return Math.max(0, ...sessions.map(({ lastCommandAt }) => lastCommandAt ?? 0));
}

/** The page as Django renders it now. */
async function stored(): Promise<string> {
  return (await ada.context.request.get(sample.url)).text();
}

/** Says a line and waits until both have it: whatever was said before it has come by then. */
async function allHave(marker: string): Promise<void> {
  await ada.say(marker);
  for (const who of [ada, grace]) await who.sees(marker);
}

describe('lines', () => {
  it('reach the other in the order in which they were said, each once', async () => {
    await ada.say('order 1: the first');
    await grace.sees('order 1');
    await grace.say('order 2: the second');
    await ada.sees('order 2');
    await ada.say('order 3: the third');
    await ada.say('order 4: the fourth');
    for (const who of [ada, grace]) {
      await who.sees('order 4');
      const texts = [
        'order 1: the first',
        'order 2: the second',
        'order 3: the third',
        'order 4: the fourth',
      ];
      expect(await who.texts('order')).toEqual(texts);
    }
  });

  it('are shown to who said them once, from the reply, and are not echoed', async () => {
    const frames: string[] = [];
    const eve = await ada.anotherTab((frame) => frames.push(frame));
    await eve.say('not echoed');
    await eve.sees('not echoed');
    await allHave('after what was not echoed');
    await eve.sees('after what was not echoed');
    expect(await eve.line('not echoed').filter({ hasNotText: 'after' }).count()).toBe(1);
    const mine = frames.filter((frame) => frame.includes('"not echoed"'));
    expect(mine).toHaveLength(1);
    expect(mine[0]).toContain('"type":"reply"');
    await eve.page.close();
  });

  it('that are sent in one tick keep their order, and are each said once', async () => {
    await ada.page.evaluate(() => {
      const form = document.querySelector('.place:not([hidden]) .composer') as HTMLFormElement;
      for (const text of ['tick 1', 'tick 2', 'tick 3']) {
        (form.elements.namedItem('text') as HTMLInputElement).value = text;
        form.requestSubmit();
      }
    });
    for (const who of [ada, grace]) {
      await who.sees('tick 3');
      expect(await who.texts('tick')).toEqual(['tick 1', 'tick 2', 'tick 3']);
    }
  });

  it('are stored once, also when their author gives the command twice', async () => {
    const first = await ada.give(LOBBY, 'say', { text: 'twice', uid: 'twice' });
    expect(await ada.give(LOBBY, 'say', { text: 'twice', uid: 'twice' })).toEqual(first);
    await allHave('after what was said twice');
    expect(await grace.texts('twice')).toEqual(['twice']);
    await grace.page.reload();
    await grace.isLive();
    expect(await grace.texts('twice')).toEqual(['twice']);
  });

  it('are shown as text', async () => {
    const text = `</script><img src=x onerror="document.title='broken'">`;
    await ada.say(text);
    await grace.sees(text);
    await grace.page.reload();
    await grace.isLive();
    await grace.sees(text);
    expect(await grace.page.title()).toBe('Chat');
    expect(await grace.page.locator('main img').count()).toBe(0);
  });

  it('are counted in a room that is not shown', async () => {
    await grace.enter('Archive');
    await ada.say('counted');
    const count = grace.page.getByRole('link', { name: 'Lobby' }).locator('.count:visible');
    await grace.says(count, '1');
    await grace.enter('Lobby');
    await grace.waits(count, 'has read it', 'hidden');
    await grace.sees('counted');
  });
});

describe('a refusal', () => {
  it('is told where the line stands, which can be edited and sent again', async () => {
    await ada.say(`long ${'x'.repeat(600)}`);
    await ada.says(ada.unsaid, 'A line has at most 500 characters; this one has 605.');
    await picture(ada, 'wide-too-long');
    await ada.unsaid.getByRole('button', { name: 'Edit' }).press('Enter');
    await ada.waits(ada.unsaid, 'has taken the line back', 'hidden');
    expect(await ada.input.inputValue()).toContain('long xxx');
    await ada.say('shorter');
    await grace.sees('shorter');
  });

  it('of a room that is closed is told in its words', async () => {
    await ada.enter('Archive');
    await ada.say('Is anybody here?');
    await ada.says(ada.unsaid, 'Archive is closed: nothing can be said here any more.');
    await picture(ada, 'wide-closed');
    expect(await ada.lines.count()).toBe(0);
    await ada.unsaid.getByRole('button', { name: 'Edit' }).click();
    await ada.input.fill('');
    await ada.enter('Lobby');
  });

  it('is what an empty line is, and what is empty is not sent at all', async () => {
    expect(await ada.give(LOBBY, 'say', { text: ' ', uid: 'empty' })).toBe('refused');
    await ada.say('   ');
    await allHave('after nothing');
    expect(await ada.unsaid.count()).toBe(0);
  });
});

describe('what not everybody may', () => {
  it('is not allowed: the topic is its owner’s, and whoever else tries is told so', async () => {
    await grace.changeTopic('Compilers, and nothing else');
    const form = grace.room.locator('.topic-form');
    await grace.says(form.locator('.fault'), 'Only Ada may change the topic of Lobby.');
    await picture(grace, 'wide-not-allowed');
    await grace.page.keyboard.press('Escape');
    await grace.waits(form, 'is closed', 'hidden');
    expect(await ada.room.locator('.topic').textContent()).toBe('Whatever comes to mind');

    await ada.changeTopic('Engines, mostly');
    await grace.says(grace.room.locator('.topic'), 'Engines, mostly');
    await ada.says(ada.room.locator('.topic'), 'Engines, mostly');
    await ada.waits(ada.room.locator('.topic-form'), 'has closed the form', 'hidden');
  });

  it.each(['say', 'typing', 'whisper', 'topic', 'lines'])(
    'is not allowed: "%s" in a room that one may not hear',
    async (command) => {
      const args = {
        say: { text: 'intruder', uid: 'intruder' },
        typing: { isTyping: true },
        whisper: { to: '1', text: 'intruder' },
        topic: { text: 'intruder' },
        lines: {},
      }[command] as object;
      expect(await ada.give('chat/3', command, args)).toBe('not_allowed');
      expect(await ada.give('chat/2', command, args), 'while in her own it is').not.toBe('not_allowed');
    },
  );

  it('is shown: a room of another team', async () => {
    await ada.enter('Compilers');
    await ada.says(ada.room.locator('.note'), 'This room is not yours');
    expect(await ada.input.isVisible()).toBe(false);
    await picture(ada, 'wide-refused');
    await ada.enter('Lobby');
  });
});

describe('typing', () => {
  it('is told to others, and that it is over', async () => {
    await ada.input.pressSequentially('Hm');
    await grace.says(grace.typing, 'Ada types…');
    await picture(grace, 'wide-typing');
    expect(await ada.typing.textContent()).toBe('');
    await ada.input.fill('');
    await grace.saysNothing(grace.typing);

    await ada.input.pressSequentially('Hm');
    await grace.says(grace.typing, 'Ada types…');
    await ada.input.press('Enter');
    await grace.saysNothing(grace.typing);
  });

  it('is over when the browser is closed in the middle of a word', async () => {
    const other = await Chatter.login(browser, sample, 'ada');
    await other.input.pressSequentially('I was about t');
    await grace.says(grace.typing, 'Ada types…');
    await other.context.close();
    await grace.saysNothing(grace.typing);
  });
});

describe('a whisper', () => {
  it('reaches all tabs of one person, and nobody else', async () => {
    const second = await grace.anotherTab();
    const third = await ada.anotherTab();
    await second.enter('Archive');
    await ada.whisper('Grace', 'just between us');
    for (const tab of [grace, second]) {
      await tab.sees('just between us');
      await tab.says(tab.line('just between us'), 'Ada whispers to you');
    }
    await ada.says(ada.line('just between us'), 'You whisper to Grace');
    await picture(grace, 'wide-whisper');
    await ada.whisper('everybody', 'after the whisper');
    await third.sees('after the whisper');
    expect(await third.line('just between us').count()).toBe(0);
    expect(await ada.line('just between us').count()).toBe(1);
    expect(await grace.line('just between us').count()).toBe(1);
    await second.page.close();
    await third.page.close();
  });

  it('of nothing is refused, in words', async () => {
    await ada.whisper('Grace', ' ');
    await ada.says(ada.fault, 'There is nothing to whisper.');
    await ada.room.getByRole('combobox', { name: 'To' }).selectOption('everybody');
    await ada.input.fill('');
  });
});

it('looks well, wide and narrow, light and dark', async () => {
  for (const [width, height, name] of [
    [1280, 800, 'wide'],
    [390, 844, 'narrow'],
  ] as const) {
    await ada.page.setViewportSize({ width, height });
    for (const colorScheme of ['light', 'dark'] as const) {
      await ada.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      expect(await ada.overflow(), `${name}: pixels that stick out on the right`).toBe(0);
      await picture(ada, `${name}-${colorScheme}`);
    }
  }
  await ada.say('x'.repeat(600));
  await ada.says(ada.unsaid, 'A line has at most 500 characters');
  await picture(ada, 'narrow-error-dark');
  await ada.unsaid.getByRole('button', { name: 'Edit' }).click();
  await ada.input.fill('');
  await ada.room.getByRole('button', { name: 'Change topic' }).click();
  await picture(ada, 'narrow-topic-dark');
  await ada.page.keyboard.press('Escape');
  await ada.page.setViewportSize({ width: 1280, height: 800 });
  await ada.page.emulateMedia({ colorScheme: 'light' });
});

describe('while Django is away', () => {
  it('a person is told that nothing was said, and can send it again when it is back', async () => {
    const command = await sample.kill('Django');
    await ada.say('while Django was away');
    await ada.says(ada.unsaid, 'The chat');
    await picture(ada, 'wide-back-end-down');
    await sample.restart('Django', command);
    await ada.sendsAgain();
    await grace.sees('while Django was away');
    await ada.sees('while Django was away');
    expect(await grace.texts('while Django was away')).toHaveLength(1);
  });
});

describe('while Dobby is away', () => {
  it('a line waits, says so, and is said once when Dobby is back', async () => {
    for (const who of [ada, grace]) await who.holdsGrants();
    const command = await sample.kill('Dobby');
    await ada.waits(ada.page.locator('#connection[data-state=waiting]'), 'says that Dobby is away');
    await ada.say('while Dobby was away');
    await ada.says(ada.unsaid, 'Waits for the connection');
    await picture(ada, 'wide-waiting');
    await ada.whisper('Grace', 'not now');
    await ada.says(ada.fault, 'There is no connection');
    await ada.room.getByRole('combobox', { name: 'To' }).selectOption('everybody');
    await ada.input.fill('');
    await ada.page.setViewportSize({ width: 390, height: 844 });
    await picture(ada, 'narrow-waiting');
    await ada.page.setViewportSize({ width: 1280, height: 800 });
    await sample.restart('Dobby', command);
    for (const who of [ada, grace]) {
      await who.isLive();
      await who.sees('while Dobby was away');
    }
    await ada.waits(ada.unsaid, 'has nothing left to say', 'detached');
    await allHave('after Dobby was away');
    for (const who of [ada, grace]) expect(await who.texts('while Dobby')).toEqual(['while Dobby was away']);
  });

  it('a line is said once whose answer was lost when Dobby was killed', async () => {
    const before = await lastCommand();
    // Django has the command, and answers it only when nobody waits for that answer any more.
    sample.signal('Django', 'SIGSTOP');
    onTestFinished(() => sample.signal('Django', 'SIGCONT'));
    await ada.say('whose answer was lost');
    await ada.says(ada.unsaid, 'Sending…');
    await vi.waitFor(async () => expect(await lastCommand()).toBeGreaterThan(before), DEADLINE_MS);
    await sample.api('info'); // by the time that this is answered the question is on its way
    const command = await sample.kill('Dobby');
    sample.signal('Django', 'SIGCONT');
    await vi.waitFor(async () => expect(await stored()).toContain('whose answer was lost'), DEADLINE_MS);
    await sample.restart('Dobby', command);
    for (const who of [ada, grace]) await who.sees('whose answer was lost');
    await ada.waits(ada.unsaid, 'has nothing left to say', 'detached');
    await allHave('after the lost answer');
    for (const who of [ada, grace]) expect(await who.texts('whose')).toEqual(['whose answer was lost']);
  });
});

it('does nothing that a page should not', () => {
  expect([...ada.faults, ...grace.faults]).toEqual([]);
});

it('stops Dobby and Django when it is told to', async () => {
  expect(await sample.stop()).toBe(0);
  for (const url of [sample.url, sample.dobbyUrl]) await expect(fetch(url)).rejects.toThrow('fetch failed');
});
