/**
 * The page: one Pomona for all lists. What is particular to Dobby stands in this file alone; the others
 * know of contacts only.
 */
import { load } from '../frame/load.js';
import { getList } from './back-end.js';
import { ContactList } from './contact-list.js';
import { confirmDelete, Editor } from './dialogs.js';

const AGAIN_MS = 2_000;

const data = JSON.parse(document.getElementById('data').textContent);
const editor = new Editor(data.contactsUrl);
const lists = data.lists.map(show);

const { Pomona } = await load(`${data.dobby}/pomona.js`, () => showConnection('waiting'));
const pomona = new Pomona({ url: `${data.dobby}/comet`, connectUrl: data.connectUrl });
pomona.on('state', showAll);
const subscriptions = lists.map(listen);
showAll();

/** Shows a list as the server rendered it. */
function show({ path, title, contacts }) {
  const list = new ContactList(path, title, {
    add: () => editor.open(list),
    edit: (contact) => editor.open(list, contact),
    delete: (contact) => confirmDelete(list, contact, data.contactsUrl),
    changed: (record) => editor.heard(record),
  });
  list.replace(contacts);
  document.getElementById('lists').append(list.element);
  return list;
}

/** Hears what happens to a list since it was rendered. */
function listen(list, index) {
  const { since } = data.lists[index];
  const refetch = makeRefetch(list);
  const subscription = pomona.connect(list.path, (record) => list.apply(record), { since });
  subscription.on('gap', refetch);
  subscription.on('refused', (refusal) => list.tell(wordsFor(refusal)));
  subscription.on('state', showAll);
  subscription.on('subscribed', () => list.tell(''));
  return subscription;
}

/** Makes what fetches a list anew, once at a time, and again until it was had. */
function makeRefetch(list) {
  let isFetching = false;
  let isWantedAgain = false;
  return async function refetch() {
    isWantedAgain = true;
    if (isFetching) return;
    isFetching = true;
    while (isWantedAgain) {
      isWantedAgain = false;
      list.collect();
      try {
        const { contacts } = await getList(data.listUrl, list.path);
        list.replace(contacts);
        list.tell('');
      } catch (error) {
        list.tell(`This list may be out of date: ${error.message}`);
        isWantedAgain = true;
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      }
    }
    isFetching = false;
  };
}

function wordsFor({ path, code, message, retryable }) {
  return retryable
    ? `${message} It is asked again by itself.`
    : `You may not hear ${path}. ${message} (${code})`;
}

function showAll() {
  showConnection(pomona.state);
  subscriptions.forEach(({ state }, index) => {
    const isPaused = state === 'subscribed' && pomona.state !== 'open';
    lists[index].show(isPaused ? 'paused' : state);
  });
}

function showConnection(state) {
  const chip = document.getElementById('connection');
  const wasOpen = chip.dataset.state !== 'connecting';
  const words = { open: 'Live', closed: 'Closed: reload the page' };
  chip.dataset.state = state in words ? state : wasOpen || state === 'waiting' ? 'waiting' : 'connecting';
  chip.textContent =
    words[state] ?? (chip.dataset.state === 'waiting' ? 'Dobby is away, coming back…' : 'Connecting…');
}
