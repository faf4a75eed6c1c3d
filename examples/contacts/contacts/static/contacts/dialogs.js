/** The two dialogs: adding or changing a contact, and asking before one is deleted. */
import { post } from './back-end.js';

/** Shows a sentence, or hides its place. */
function say(element, sentence) {
  element.textContent = sentence;
  element.hidden = sentence === '';
}

/** Opens a dialog; `submit` is called until it resolves to true. */
function ask(dialog, submit) {
  const form = dialog.querySelector('form');
  const act = dialog.querySelector('button[type=submit]');
  const words = act.textContent;
  form.onsubmit = async (event) => {
    event.preventDefault();
    if (act.disabled) return;
    act.disabled = true;
    act.textContent = 'One moment…';
    try {
      if (await submit()) dialog.close();
    } catch (error) {
      say(dialog.querySelector('.fault'), error.message);
    }
    act.disabled = false;
    act.textContent = words;
  };
  dialog.querySelector('[value=cancel]').onclick = () => dialog.close();
  say(dialog.querySelector('.fault'), '');
  dialog.showModal();
}

/** Adds and changes contacts. */
export class Editor {
  #dialog = document.getElementById('editor');
  #form = this.#dialog.querySelector('form');
  #url;
  #record = null;
  #isSaving = false;

  /** `url` is where contacts are posted to. */
  constructor(url) {
    this.#url = url;
  }

  /** Opens for `record` of `list`, or for a new contact. */
  open(list, record = null) {
    this.#record = record;
    this.#form.reset();
    this.#showErrors({});
    say(this.#dialog.querySelector('.note'), '');
    this.#dialog.querySelector('h2').textContent = record ? `Edit ${record.name}` : `Add to ${list.title}`;
    for (const name of ['name', 'phone', 'email']) this.#form.elements[name].value = record?.[name] ?? '';
    ask(this.#dialog, () => this.#save(list));
  }

  /** Somebody changed or deleted a contact; if it is the one in the dialog, says so. */
  heard(record) {
    if (!this.#dialog.open || this.#isSaving || record.id !== this.#record?.id) return;
    const note = this.#dialog.querySelector('.note');
    if (record.deleted) say(note, 'Somebody has just deleted this contact.');
    else say(note, `Somebody has just saved “${record.name}”. Saving here replaces that.`);
  }

  async #save(list) {
    const url = this.#record ? `${this.#url}${this.#record.id}/` : this.#url;
    const fields = Object.fromEntries(new FormData(this.#form));
    this.#isSaving = true;
    try {
      const answer = await post(url, { ...fields, path: list.path });
      this.#showErrors(answer.errors ?? {});
      if (answer.errors) return false;
      list.apply(answer);
      return true;
    } finally {
      this.#isSaving = false;
    }
  }

  #showErrors(errors) {
    for (const name of ['name', 'phone', 'email']) {
      document.getElementById(`fault-${name}`).textContent = errors[name]?.join(' ') ?? '';
      this.#form.elements[name].setAttribute('aria-invalid', String(name in errors));
    }
    const [first] = Object.keys(errors);
    if (first !== undefined) this.#form.elements[first]?.focus();
  }
}

/** Asks, then deletes `record` from `list`. */
export function confirmDelete(list, record, url) {
  const dialog = document.getElementById('confirm');
  dialog.querySelector('h2').textContent = `Delete ${record.name}?`;
  ask(dialog, async () => {
    list.apply(await post(`${url}${record.id}/delete/`, {}));
    return true;
  });
}
