/**
 * The demonstration page: hears a path through Pomona and publishes to it through the API. The key comes from the address's fragment, which
 * the browser sends to nobody, and stays in this page.
 */
import { Pomona } from '/pomona.js';

const $ = (id) => document.getElementById(id);
const MOST_SHOWN = 50;
const pomona = new Pomona({ url: '/comet' });
let subscription = null;

const fragment = new URLSearchParams(location.hash.slice(1));
if (fragment.has('key')) {
  $('key').value = fragment.get('key');
  $('key-label').hidden = true;
  history.replaceState(null, '', location.pathname);
}

function showState() {
  const transport = pomona.state === 'open' && pomona.transport ? ` (${pomona.transport})` : '';
  $('state').dataset.state = pomona.state;
  $('state').textContent = pomona.state + transport;
}

function showProblem(text) {
  $('problem').textContent = text;
  $('problem').hidden = text === '';
}

/** @param {{key?: string | null, isSaid?: boolean}} more the key that it sets; whether it is said of updates, not by one */
function show(text, position, { key = null, isSaid = false } = {}) {
  const item = document.createElement('li');
  const message = document.createElement('span');
  message.className = 'message';
  message.textContent = text;
  message.classList.toggle('said', isSaid);
  if (key !== null) {
    const name = document.createElement('code');
    name.className = 'key';
    name.textContent = key;
    message.prepend(name);
  }
  const place = document.createElement('span');
  place.className = 'position';
  place.textContent = position;
  item.append(message, place);
  $('updates').prepend(item);
  while ($('updates').children.length > MOST_SHOWN) $('updates').lastChild.remove();
  $('empty').hidden = true;
}

function hear() {
  const path = `demo/${$('path').value}`;
  if (subscription?.path === path) return;
  subscription?.disconnect();
  subscription = null;
  try {
    subscription = pomona.connect(path, (message, update) => {
      const { key, position } = update;
      const isRemoved = key !== null && message === null;
      const text = typeof message === 'string' ? message : JSON.stringify(message);
      const place = position ? `${position.epoch}:${position.offset}` : '';
      show(isRemoved ? 'removed' : text, place, { key, isSaid: isRemoved });
    });
    showProblem('');
  } catch (error) {
    showProblem(error.message);
  }
  $('heard').textContent = path;
  $('updates').replaceChildren();
  $('empty').hidden = false;
  $('curl').textContent = [
    `curl -N "${location.origin}/comet?path=${encodeURIComponent(path)}"`,
    `curl "${location.origin}/api/update" -H "Authorization: Bearer $(head -n1 .dobby/api-key)" -H "Content-Type: application/json" -d '${JSON.stringify({ path, message: 'Hello!' }).replaceAll("'", "'\\''")}'`,
  ].join('\n\n');
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

async function send(event) {
  event.preventDefault();
  hear();
  const body = { path: `demo/${$('path').value}`, message: parse($('message').value) };
  const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${$('key').value}` };
  try {
    const response = await fetch('/api/update', { method: 'POST', headers, body: JSON.stringify(body) });
    const answer = await response.json();
    showProblem(answer.error ? `${answer.error.code}: ${answer.error.message}` : '');
    if (answer.error?.code === 'unauthorized') $('key-label').hidden = false;
  } catch {
    showProblem('The server does not answer. Is it running?');
  }
}

pomona.on('state', showState);
pomona.on('gap', ({ reason }) => show(`Some updates were missed (${reason}).`, 'gap', { isSaid: true }));
pomona.on('refused', ({ path, message }) => showProblem(`${path}: ${message}`));
$('send').addEventListener('submit', send);
$('path').addEventListener('change', hear);
showState();
hear();
