/**
 * One list on the page. `apply` may be called with the same record twice, or with an older one after a
 * newer one: the page shows the newest. All that comes from others is put in as text, never as HTML.
 */

const STATES = {
  asking: 'Asking…',
  subscribed: 'Live',
  paused: 'Paused',
  refused: 'Refused',
  ended: 'Ended',
};

const inOrder = new Intl.Collator(undefined, { numeric: true }).compare;

/** Copies a template of the page. */
function copy(id) {
  return document.getElementById(id).content.firstElementChild.cloneNode(true);
}

/** A list of contacts with its rows. */
export class ContactList {
  element = copy('list');
  #rows = new Map();
  #gone = new Set();
  /** What is heard while the list is fetched, else null. */
  #heard = null;
  #on;

  /** `on` has `add()`, `edit(record)`, `delete(record)` for the buttons and `changed(record)`. */
  constructor(path, title, on) {
    this.path = path;
    this.title = title;
    this.#on = on;
    this.element.dataset.path = path;
    this.#part('h2').textContent = title;
    this.#part('.path').textContent = path;
    this.#part('.add').addEventListener('click', on.add);
    this.show('asking');
  }

  /** Shows how the subscription stands. */
  show(state) {
    this.element.dataset.state = state;
    this.#part('.chip').dataset.state = state;
    this.#part('.chip').textContent = STATES[state];
  }

  /** Shows a sentence above the rows, or none. */
  tell(sentence) {
    const note = this.#part('.note');
    note.textContent = sentence;
    note.hidden = sentence === '';
  }

  /** From here on remembers what is heard, for `replace`. */
  collect() {
    this.#heard = new Map();
  }

  /** Takes a record that was added or changed, or `{id, deleted: true}`. */
  apply(record) {
    this.#heard?.set(record.id, record);
    const before = this.#rows.get(record.id)?.record;
    if (record.deleted) {
      this.#gone.add(record.id);
      this.#remove(record.id);
    } else if (this.#gone.has(record.id) || before?.version >= record.version) return;
    else this.#put(record).classList.add('fresh');
    this.#on.changed(record);
    announce(record, before);
  }

  /** Shows `records`, which were asked for after `collect`, and what was heard meanwhile. */
  replace(records) {
    const there = new Set(records.map(({ id }) => id));
    for (const id of [...this.#rows.keys()]) {
      if (there.has(id) || this.#heard?.has(id)) continue;
      this.#gone.add(id);
      this.#remove(id);
      this.#on.changed({ id, deleted: true });
    }
    for (const record of records) {
      const isNewer = !(this.#rows.get(record.id)?.record.version >= record.version);
      if (this.#gone.has(record.id) || !isNewer) continue;
      this.#put(record);
      this.#on.changed(record);
    }
    this.#heard = null;
  }

  #put(record) {
    const { element } = this.#rows.get(record.id) ?? { element: this.#makeRow(record.id) };
    this.#rows.set(record.id, { record, element });
    element.querySelector('.name').textContent = record.name;
    link(element.querySelector('.phone'), 'tel:', record.phone.replace(/[^0-9+]/g, ''), record.phone);
    link(element.querySelector('.email'), 'mailto:', encodeURIComponent(record.email), record.email);
    for (const name of ['edit', 'delete'])
      element.querySelector(`.${name}`).setAttribute('aria-label', `${name} ${record.name}`);
    this.#place(record, element);
    return element;
  }

  #makeRow(id) {
    const element = copy('row');
    element.dataset.id = id;
    const record = () => this.#rows.get(id).record;
    element.querySelector('.edit').addEventListener('click', () => this.#on.edit(record()));
    element.querySelector('.delete').addEventListener('click', () => this.#on.delete(record()));
    element.addEventListener('animationend', () => element.classList.remove('fresh'));
    return element;
  }

  /** Puts a row where its name belongs; whoever is in it stays there. */
  #place(record, element) {
    const follows = [...this.#rows.values()]
      .filter((row) => row.element !== element && row.element.isConnected)
      .filter(({ record: other }) => (inOrder(other.name, record.name) || other.id - record.id) > 0)
      .sort((a, b) => inOrder(a.record.name, b.record.name) || a.record.id - b.record.id);
    const next = follows[0]?.element ?? null;
    if (element.isConnected && element.nextElementSibling === next) return;
    const focused = element.contains(document.activeElement) ? document.activeElement : null;
    this.#part('.rows').insertBefore(element, next);
    focused?.focus();
  }

  #remove(id) {
    const { element } = this.#rows.get(id) ?? {};
    if (element === undefined) return;
    const hadFocus = element.contains(document.activeElement);
    element.remove();
    this.#rows.delete(id);
    if (hadFocus) this.#part('.add').focus();
  }

  #part(selector) {
    return this.element.querySelector(selector);
  }
}

function link(element, scheme, address, text) {
  element.textContent = text;
  if (address === '') element.removeAttribute('href');
  else element.href = scheme + address;
}

/** Tells those who do not see the page. */
function announce(record, before) {
  const news = document.getElementById('news');
  if (!record.deleted) news.textContent = `${record.name} was ${before ? 'changed' : 'added'}.`;
  else if (before) news.textContent = `${before.name} was deleted.`;
}
