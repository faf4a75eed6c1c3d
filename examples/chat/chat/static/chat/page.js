/**
 * The page: one Pomona for all rooms. What is particular to Dobby stands in this file alone; the others know of rooms
 * and lines only.
 */
import { load } from '../frame/load.js';
import { Room } from './room.js';
import { wordsFor } from './words.js';

const AGAIN_MS = 2_000;

const data = JSON.parse(document.getElementById('data').textContent);
const ready = start();
const send = async (...command) => (await ready).send(...command);
const rooms = data.rooms.map((room) => new Room(room, { ...data, send }));
let shown = rooms[0];

document.getElementById('rooms').append(...rooms.map(({ link }) => link));
document.getElementById('room').append(...rooms.map(({ element }) => element));
addEventListener('hashchange', show);
show();

const pomona = await ready;
pomona.on('state', showConnection);
pomona.onMessage(({ whisper, by }) => shown.whispered(by, whisper));
rooms.forEach(listen);
showConnection(pomona.state);

/** Gives Pomona, which Dobby serves, with what it takes to give commands. */
async function start() {
  const away = () => showConnection('waiting');
  const { Pomona } = await load(`${data.dobby}/pomona.js`, away);
  const { withCommands } = await load(`${data.dobby}/pomona-commands.js`, away);
  return withCommands(new Pomona({ url: `${data.dobby}/comet`, connectUrl: data.connectUrl }));
}

/** Hears what happens in a room since it was rendered, and who types there. */
function listen(room, index) {
  const { since } = data.rooms[index];
  const heard = pomona.connect(room.path, (update) => room.heard(update), { since });
  heard.on('gap', () => void refetch(room));
  heard.on('refused', ({ code, message, retryable }) => {
    room.tell(
      retryable ? `${message} It is asked again by itself.` : `This room is not yours. ${message} (${code})`,
    );
  });
  heard.on('subscribed', () => room.tell(''));
  heard.on('state', (state) => room.stands(state));
  const typing = pomona.connect(`${room.path}/typing`, ({ by, isTyping }) => {
    if (by !== data.me) room.typers.set(data.people[by], isTyping);
  });
  typing.on('gap', () => room.typers.clear());
}

/** Asks for the room anew, until it was had: updates of it are lost. */
async function refetch(room) {
  try {
    room.heardAll(await send(room.path, 'lines'));
  } catch (error) {
    room.tell(`Some lines may be missing: ${wordsFor(error)}`);
    setTimeout(() => void refetch(room), AGAIN_MS);
  }
}

function show() {
  shown = rooms.find(({ path }) => location.hash === `#${path}`) ?? rooms[0];
  for (const room of rooms) room.show(room === shown);
}

function showConnection(state) {
  const words = { open: 'Live', connecting: 'Connecting…', closed: 'Closed: reload the page' };
  const chip = document.getElementById('connection');
  chip.dataset.state = state;
  chip.textContent = words[state] ?? 'Dobby is away, coming back…';
  for (const room of rooms) room.connected(state === 'open');
}
