/** Somebody in the chat: a tab or two of a browser of their own. */
import type { Browser, Locator, Page } from 'playwright-core';
import { login, Person } from '../../test/person.js';
import type { Sample } from '../../test/sample.js';

export const LOBBY = 'chat/1';
const SESSION_END_MS = 40_000;

/** As text, since the runner of the tests would put another `import` in its place. */
const GIVE = `async ({ dobby, path, command, args }) => {
  const { Pomona } = await import(dobby + '/pomona.js');
  const { withCommands } = await import(dobby + '/pomona-commands.js');
  const pomona = withCommands(new Pomona({ url: dobby + '/comet', connectUrl: '/dobby/connect' }));
  // Like that of the page it is bound to its user when it hears something; the path itself it may not hear.
  await Promise.allSettled(['chat/1', path].map((each) => pomona.connect(each, () => undefined).ready));
  const answer = await pomona.send(path, command, args).catch(({ code }) => code);
  pomona.close();
  return answer;
}`;

export class Chatter extends Person {
  /** The room that is shown. */
  readonly room: Locator;
  readonly lines: Locator;
  readonly unsaid: Locator;
  readonly input: Locator;
  readonly fault: Locator;
  readonly typing: Locator;

  /** Logs `name` in and opens the page. */
  static async login(browser: Browser, sample: Sample, name: string): Promise<Chatter> {
    const chatter = new Chatter(await login(browser, sample, name), sample, name);
    await chatter.open();
    return chatter;
  }

  private constructor(page: Page, sample: Sample, name: string) {
    super(page, sample, name);
    this.room = page.locator('.place:visible');
    this.lines = this.room.locator('.lines .line');
    this.unsaid = this.room.locator('.waiting .line');
    this.input = this.room.getByRole('textbox', { name: 'Line' });
    this.fault = this.room.locator('.composer .fault');
    this.typing = this.room.locator('.typing');
  }

  /** Opens the page and waits until it is live. */
  async open(): Promise<void> {
    await this.page.goto(`${this.sample.url}/#${LOBBY}`);
    await this.isLive();
  }

  /** Another tab of the same browser; `onFrame` is given what Dobby sends it. */
  async anotherTab(onFrame: (frame: string) => void = () => {}): Promise<Chatter> {
    const tab = new Chatter(await this.context.newPage(), this.sample, this.name);
    tab.page.on('websocket', (socket) => {
      socket.on('framereceived', ({ payload }) => onFrame(String(payload)));
    });
    await tab.open();
    return tab;
  }

  async isLive(): Promise<void> {
    await this.waits(this.page.locator('#connection[data-state=open]'), 'is connected to Dobby');
    await this.waits(
      this.page.locator('#rooms li[data-state=subscribed] a[href="#chat/1"]'),
      'hears the lobby',
    );
  }

  /** Shows a room. */
  async enter(name: string): Promise<void> {
    await this.page.getByRole('link', { name }).click();
    await this.waits(this.room.getByRole('heading', { name }), `shows the room ${name}`);
  }

  /** Writes a line and sends it, with the keyboard alone. */
  async say(text: string): Promise<void> {
    await this.input.fill(text);
    await this.input.press('Enter');
  }

  async whisper(to: string, text: string): Promise<void> {
    await this.room.getByRole('combobox', { name: 'To' }).selectOption(to);
    await this.say(text);
  }

  async changeTopic(text: string): Promise<void> {
    await this.room.getByRole('button', { name: 'Change topic' }).press('Enter');
    await this.room.getByRole('textbox', { name: 'Topic' }).fill(text);
    await this.page.keyboard.press('Enter');
  }

  line(text: string): Locator {
    return this.lines.filter({ hasText: text });
  }

  async sees(text: string): Promise<void> {
    await this.waits(this.line(text).first(), `shows "${text}"`);
  }

  async says(locator: Locator, words: string): Promise<void> {
    await this.waits(locator.filter({ hasText: words }), `says "${words}"`);
  }

  /** Waits until an element says nothing any more, also when it is a session's end that takes its words away. */
  async saysNothing(locator: Locator): Promise<void> {
    const isEmpty = locator.filter({ hasText: /^$/ });
    await isEmpty.waitFor({ timeout: SESSION_END_MS }).catch((cause) => {
      throw new Error(`${this.name}'s page never became silent`, { cause });
    });
  }

  /** Sends a line that failed again; waits until it is said. */
  async sendsAgain(): Promise<void> {
    await this.unsaid.getByRole('button', { name: 'Send again' }).press('Enter');
    await this.waits(this.unsaid, 'has said the line', 'detached');
  }

  /** What stands in the room, as far as it begins with one of `beginnings`. */
  async texts(beginning: string): Promise<string[]> {
    const texts = await this.lines.locator('.text').allTextContents();
    return texts.filter((text) => text.startsWith(beginning));
  }

  /** Gives a command from the page, with a Pomona of its own; gives the reply, or the code of the error. */
  give(path: string, command: string, args: object): Promise<unknown> {
    const given = { dobby: this.sample.dobbyUrl, path, command, args };
    return this.page.evaluate(`(${GIVE})(${JSON.stringify(given)})`);
  }
}
