/** One room on the page. It knows commands by name, and nothing of connections. */
import { copy } from './copy.js';
import { Log } from './log.js';
import { Outbox } from './outbox.js';
import { Typers, Typist } from './typing.js';
import { wordsFor } from './words.js';

export class Room {
  element = copy('place');
  link = copy('link');
  typers = new Typers(this.#part('.typing'));
  #log;
  #outbox;
  #send;
  #version = -1;
  #unread = 0;
  #isConnected = false;

  /** `page` has `me`, `people` by id, and `send(path, command, args, options)`. */
  constructor(room, page) {
    this.path = room.path;
    this.people = page.people;
    this.me = page.me;
    this.#send = (...command) => page.send(room.path, ...command);
    this.#log = new Log(this.#part('.log'), page);
    this.#outbox = new Outbox(this.#part('.waiting'), {
      send: this.#send,
      said: (line) => this.heard({ line }),
      edit: (text) => this.#edit(text),
      toEnd: () => this.#log.toEnd(),
    });
    this.#part('h2').textContent = room.name;
    this.#part('.chip').hidden = !room.isClosed;
    this.#part('.log').setAttribute('aria-label', `What was said in ${room.name}`);
    this.link.querySelector('.name').textContent = room.name;
    this.link.querySelector('a').href = `#${room.path}`;
    this.heardAll({ room, lines: room.lines });
    this.#compose();
    this.#changeTopic();
  }

  /** Shows the room, or another one is shown. */
  show(isShown) {
    this.element.hidden = !isShown;
    const link = this.link.querySelector('a');
    if (isShown) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
    if (!isShown) return;
    this.#count(0);
    this.#log.toEnd();
  }

  /** Takes an update of the room's path: a line that was said, or what changed of the room. */
  heard({ line, room }) {
    if (room !== undefined) this.#change(room);
    if (line === undefined || !this.#log.put(line)) return;
    if (this.element.hidden && line.by !== this.me) this.#count(this.#unread + 1);
  }

  /** Takes all that is known of the room. */
  heardAll({ room, lines }) {
    this.#change(room);
    for (const line of lines) this.#log.put(line);
    this.tell('');
  }

  /** Shows what somebody whispered to this person. */
  whispered(by, text) {
    this.#log.whisper(`${this.people[by]} whispers to you`, text);
  }

  /** Shows a sentence above the lines, or none. */
  tell(sentence) {
    this.#part('.note').textContent = sentence;
    this.#part('.note').hidden = sentence === '';
  }

  /** Shows how hearing the room stands: asking, subscribed, refused or ended. */
  stands(state) {
    this.element.dataset.state = this.link.dataset.state = state;
  }

  /** The connection has come or gone. */
  connected(isConnected) {
    this.#isConnected = isConnected;
    this.#outbox.connected(isConnected);
  }

  #change({ version, topic }) {
    if (version <= this.#version) return;
    this.#version = version;
    this.#part('.topic').textContent = topic;
  }

  #count(unread) {
    this.#unread = unread;
    const count = this.link.querySelector('.count');
    count.hidden = unread === 0;
    count.textContent = unread;
    count.setAttribute('aria-label', `${unread} new`);
  }

  #edit(text) {
    const { elements } = this.#part('.composer');
    elements.text.value = text;
    elements.text.focus();
  }

  #compose() {
    const form = this.#part('.composer');
    const { to, text } = form.elements;
    for (const [id, name] of Object.entries(this.people)) if (id !== this.me) to.add(new Option(name, id));
    const typist = new Typist((isTyping) => this.#tellTyping(isTyping));
    text.addEventListener('input', () => {
      this.#fault(form, '');
      if (to.value === '' && text.value !== '') typist.typed();
      else typist.stop();
    });
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      typist.stop();
      if (to.value !== '') return void this.#whisper(form);
      if (text.value.trim() === '') return;
      this.#outbox.add(text.value);
      text.value = '';
    });
  }

  /** Of no use later: without a connection nothing is told, and a failure is nobody's business. */
  #tellTyping(isTyping) {
    if (this.#isConnected) this.#send('typing', { isTyping }).catch(() => undefined);
  }

  async #whisper(form) {
    if (!this.#isConnected) return this.#fault(form, 'There is no connection, and a whisper does not wait.');
    const { to, text } = form.elements;
    const whispered = { to: to.value, text: text.value };
    text.value = '';
    try {
      await this.#send('whisper', whispered);
      this.#log.whisper(`You whisper to ${this.people[whispered.to]}`, whispered.text, true);
    } catch (error) {
      text.value ||= whispered.text;
      this.#fault(form, wordsFor(error));
    }
  }

  #changeTopic() {
    const form = this.#part('.topic-form');
    const button = this.#part('.change');
    const open = (isOpen) => {
      form.hidden = !isOpen;
      button.hidden = isOpen;
      (isOpen ? form.elements.text : button).focus();
    };
    button.addEventListener('click', () => {
      this.#fault(form, '');
      form.elements.text.value = this.#part('.topic').textContent;
      open(true);
    });
    form.querySelector('.cancel').addEventListener('click', () => open(false));
    form.addEventListener('keydown', ({ key }) => key === 'Escape' && open(false));
    const save = form.querySelector('.primary');
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      if (save.disabled) return;
      this.#fault(form, '');
      save.disabled = true;
      try {
        this.#change(await this.#send('topic', { text: form.elements.text.value }));
        open(false);
      } catch (error) {
        this.#fault(form, wordsFor(error));
      }
      save.disabled = false;
    });
  }

  #fault(form, sentence) {
    form.querySelector('.fault').textContent = sentence;
  }

  #part(selector) {
    return this.element.querySelector(selector);
  }
}
