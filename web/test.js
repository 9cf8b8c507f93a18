// The test page: a piano and an echo, for one person alone.

import { badge, button, byID, follow, isLost, keep, make, name, offer, reveal, setChildren, setText, time } from './page.js';
import { blink, showCards } from './cards.js';
import { order, say, setLock, setPanicRooms } from './control.js';
import { empty, peopleOf, roomsOf } from './model.js';

const model = empty();
const select = byID('room');
const player = crypto.getRandomValues(new Uint32Array(2)).join('');
const names = ['C', 'C♯', 'D', 'D♯', 'E', 'F', 'F♯', 'G', 'G♯', 'A', 'A♯', 'B'];
// The computer's keys, from C on, by their place; their labels are learned when they are pressed.
const letters = [...'AWSEDFTGYHUJKOL'];
const codes = letters.map((letter) => `Key${letter}`);
const nameOf = (note) => `${names[note % 12]}${Math.floor(note / 12) - 1}`;
let lowest = 60;

// Notes by what holds them down.
const held = new Map();
let strokes = [];
let sending = false;
let home;
let echo;
let back = '';

const path = (what) => `rooms/${encodeURIComponent(select.value)}/${what}`;

// One request after the other, so that nothing overtakes; what is played meanwhile goes with the next.
async function send() {
	if (sending) return;
	sending = true;
	do {
		const keys = strokes.splice(0, 64).join(',');
		const began = performance.now();
		home ??= path('piano');
		const answer = await order('POST', home, { player, keys });
		if (!answer) {
			held.clear();
			strokes = [];
			home = undefined;
		} else if (keys) {
			if (answer.echo >= 0) back = `, and its echo was back after ${(performance.now() - began).toFixed(0)} ms, ${answer.echo.toFixed(1)} ms of them from the hub to the room and back`;
			setChildren(byID('played'), name(answer.name), ` plays${echo ? back : ''}.`);
		}
	} while (strokes.length > 0);
	sending = false;
	show();
}

function press(note, velocity, by) {
	if (held.has(by) || isLost()) return;
	held.set(by, note);
	strokes.push(`${note}:${velocity}`);
	send();
	show();
}

function letGo(by) {
	if (!held.has(by)) return;
	const note = held.get(by);
	held.delete(by);
	if ([...held.values()].includes(note)) return;
	strokes.push(`${note}:0`);
	send();
	show();
}

const release = () => [...held.keys()].forEach(letGo);

function leave() {
	if (home) order('DELETE', home, { player }, true);
	held.clear();
	[home, strokes] = [undefined, []];
	show();
}

// A key of the piano. How low it is touched is how loud it sounds; a screen reader's press is a short note.
function createKey({ note }) {
	const key = button(names[note % 12].length > 1 ? 'black' : '', null, make('span'));
	key.ariaLabel = nameOf(note);
	key.addEventListener('pointerdown', ({ pointerId, offsetY }) => press(note, 50 + Math.trunc(70 * offsetY / key.offsetHeight), pointerId));
	key.addEventListener('keydown', ({ key: which, repeat }) => [' ', 'Enter'].includes(which) && !repeat && press(note, 90, key));
	for (const end of ['keyup', 'blur']) key.addEventListener(end, () => letGo(key));
	key.addEventListener('click', ({ detail }) => {
		if (detail || sending || held.size > 0) return;
		press(note, 90, 'reader');
		setTimeout(letGo, 400, 'reader');
	});
	return key;
}

addEventListener('keydown', (event) => {
	if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.target.closest('input, select, dialog')) return;
	const index = codes.indexOf(event.code);
	const step = { KeyZ: -12, KeyX: 12 }[event.code];
	if (index >= 0) {
		letters[index] = event.key.toUpperCase();
		press(lowest + index, 90, event.code);
	} else if (step && lowest + step >= 12 && lowest + step <= 108) {
		lowest += step;
		show();
	}
});
addEventListener('keyup', ({ code }) => letGo(code));
for (const end of ['pointerup', 'pointercancel']) addEventListener(end, ({ pointerId }) => letGo(pointerId));
addEventListener('blur', release);
addEventListener('pagehide', leave);
// The hub ends the notes of a player who no longer repeats that they are held.
setInterval(() => held.size > 0 && send(), 2000);

function show() {
	if (model.status === null) return;
	reveal();
	setLock(model.status.lock);
	const rooms = roomsOf(model);
	offer(select, rooms.map((room) => new Option(room.name)));
	const down = new Set(held.values());
	keep(byID('piano'), letters.map((letter, index) => ({ letter, note: lowest + index })), ({ note }) => note, createKey, (key, { note, letter }) => {
		key.classList.toggle('down', down.has(note));
		setText(key.firstElementChild, letter);
	});
	const sounds = ({ id, remark }) => model.sounding.get(id)?.notes.map(({ note }) => nameOf(note)).join(' ') || remark;
	const people = peopleOf(model).filter(({ room }) => room === select.value).map((person) => ({ ...person, remark: sounds(person) }));
	echo = people.find((person) => person.echo);
	setText(byID('echo'), `Switch the echo ${echo ? 'off' : 'on'}`);
	setChildren(byID('echo-state'), ...(echo ? [badge('fair', 'on'), ' until ', time(echo.until)] : []));
	showCards(rooms.filter((room) => room.name === select.value), people, people, model);
}

select.addEventListener('change', leave);
byID('echo').addEventListener('click', async () => {
	const answer = await order(echo ? 'DELETE' : 'POST', path('echo'));
	if (answer) say(answer.text);
});
setPanicRooms(() => [select.value]);
follow(model, (view, data) => (view === 'activity' ? blink(data) : show()));
