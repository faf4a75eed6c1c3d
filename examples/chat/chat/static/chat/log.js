/**
 * What was said in a room, in the order of the lines' ids, whatever order they come in and however often. Whispers
 * are in between, where they were heard. All of it is put in as text, never as HTML.
 */
import { copy } from './copy.js';

const time = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });

export class Log {
  #element;
  #list;
  #me;
  #people;
  #lines = new Map();

  constructor(element, { me, people }) {
    this.#element = element;
    this.#list = element.querySelector('.lines');
    this.#me = me;
    this.#people = people;
  }

  /** Shows a line, unless it is there already; says whether it is new. */
  put({ id, by, text, saidAt }) {
    if (this.#lines.has(id)) return false;
    const element = this.#make(by === this.#me ? 'You' : this.#people[by], text, new Date(saidAt));
    element.classList.toggle('mine', by === this.#me);
    const later = [...this.#lines.keys()].filter((other) => other > id);
    this.#lines.set(id, element);
    this.#list.insertBefore(element, later.length > 0 ? this.#lines.get(Math.min(...later)) : null);
    return true;
  }

  /** Shows what was whispered to somebody, or by somebody. */
  whisper(who, text, isMine = false) {
    const element = this.#make(who, text, new Date());
    element.classList.add('whisper');
    element.classList.toggle('mine', isMine);
    this.#list.append(element);
  }

  /** Shows the newest line. */
  toEnd() {
    this.#element.scrollTop = 0; // its style counts from there
  }

  #make(who, text, date) {
    const element = copy('line');
    element.querySelector('.by').textContent = who;
    element.querySelector('time').textContent = time.format(date);
    element.querySelector('time').dateTime = date.toISOString();
    element.querySelector('.text').textContent = text;
    return element;
  }
}
