// Changes need the hub's token, which the address may bring in its fragment and this tab's session keeps.

import { announce, button, make, name, setChildren, setText } from './page.js';
import { isolated } from './words.js';

const given = new URLSearchParams(location.hash.slice(1)).get('token');
if (given) {
	sessionStorage.setItem('token', given);
	history.replaceState(null, '', location.pathname + location.search);
}

const title = make('h2');
const text = make('p');
const secret = make('input');
const secretLabel = make('label', '', 'Token ', secret);
const [fieldName] = secretLabel.childNodes;
const choicesBox = make('div', 'choices');
const dialog = make('dialog', '', title, text, secretLabel, choicesBox);
const toast = make('p', 'toast');
const panicButton = button('panic live-only', panic, 'Panic');
export const dock = make('aside', 'dock', toast, panicButton);
let hiding = 0;

secret.autocomplete = 'off';
dialog.ariaLabelledByElements = [title];
toast.hidden = true;
document.body.append(dock, dialog);

export function say(...words) {
	setChildren(toast, ...words);
	announce(toast.textContent);
	toast.hidden = false;
	clearTimeout(hiding);
	hiding = setTimeout(() => (toast.hidden = true), 8000);
}

// Asks; gives the chosen value or null. `choices` are [value, ...label]; `true` is what is typed into `field`.
function ask(question, explanation, choices, field = 'Token') {
	setChildren(title, ...question);
	setText(text, explanation);
	secretLabel.hidden = choices[0][0] !== true;
	[secret.value, secret.type, fieldName.data] = ['', field === 'Token' ? 'password' : 'text', `${field} `];
	return new Promise((done) => {
		const choose = (value) => {
			dialog.close();
			done(value === true ? secret.value.trim() || null : value);
		};
		const buttons = [...choices, [null, 'Cancel']].map(([value, ...label]) => button(value === null ? 'quiet' : '', () => choose(value), ...label));
		choicesBox.replaceChildren(...buttons);
		secret.onkeydown = ({ key }) => key === 'Enter' && choose(true);
		// Escape. Not by its `close`, which may come when it is open again.
		dialog.oncancel = () => done(null);
		dialog.showModal();
		(secretLabel.hidden ? buttons[0] : secret).focus();
	});
}

async function token(wrong) {
	const had = sessionStorage.getItem('token');
	if (had && !wrong) return had;
	const typed = await ask(['The hub’s token'], wrong ?? 'Changing something needs it. It stays in this tab.', [[true, 'Use it']]);
	if (typed) sessionStorage.setItem('token', typed);
	return typed;
}

let locked;

// Since when and by whom the hub is locked for a show; undefined where it is not.
export const setLock = (lock) => (locked = lock);

// Sends an order; gives the hub's answer, or null having said why not. One that the lock refuses is asked about once more.
export async function order(method, path, query = {}, keepalive = false) {
	for (let wrong, force; ; ) {
		const words = new URLSearchParams({ ...query, ...force }).toString();
		const bearer = await token(wrong);
		if (!bearer) return null;
		try {
			const headers = { Authorization: `Bearer ${bearer.replace(/[^!-~]/g, '?')}` };
			const answer = await fetch(`api/v1/${path}${words && `?${words}`}`, { method, headers, keepalive, signal: AbortSignal.timeout(12000) });
			if (answer.ok) return await answer.json();
			const { detail } = await answer.json().catch(() => ({}));
			if (answer.status === 401) {
				sessionStorage.removeItem('token');
				wrong = 'That is not it. The hub’s machine keeps it in a file named token.';
				continue;
			}
			if (answer.status === 423 && !keepalive && (await ask(['The hub is locked for a show', ...(locked ? [' by ', name(locked.by)] : [])], 'Nothing that could change a room is done now. You may force it, which is on record.', [[1, 'Do it all the same']]))) {
				force = { force: 1 };
				continue;
			}
			say(`Not done: ${answer.status === 423 ? 'the hub is locked.' : detail ?? `HTTP ${answer.status}`}`);
		} catch {
			say('Not done: the hub does not answer.');
		}
		return null;
	}
}

let again;
let panicRooms;

// `rooms` gives the names of the rooms that the panic button is for.
export const setPanicRooms = (rooms) => (panicRooms = rooms);

function offerAgain(query) {
	clearTimeout(again?.timer);
	again = query && { query, timer: setTimeout(offerAgain, 2000) };
	setText(panicButton, again ? 'Again: everything' : 'Panic');
	panicButton.classList.toggle('again', Boolean(again));
}

// Asks once, releases what sounds; pressed again within two seconds, everything.
async function panic() {
	if (again) {
		const { query } = again;
		offerAgain();
		if (await order('POST', 'panic', { ...query, all: 1 })) say('Everything was released, on every channel.');
		return;
	}
	const rooms = panicRooms();
	const choices = rooms.length > 1 ? [...rooms.map((room) => [{ room }, name(room)]), [{}, 'All rooms']] : [[{}, 'Release']];
	const query = await ask(['Release every sounding note?'], 'Pressed again within two seconds: all notes, pedals and bends, sounding or not.', choices);
	if (!query || !(await order('POST', 'panic', query))) return;
	say('What sounded was released.');
	offerAgain(query);
}

async function orderFor({ id, name: who }, what, query) {
	const done = await order('POST', `participants/${id}/${what}`, query);
	if (done) say(...isolated(done.text, who));
}

export async function stuck(person) {
	const choices = [[{ to: 47 }, 'Low'], [{ from: 48, to: 71 }, 'Middle'], [{ from: 72 }, 'High'], [{}, 'All notes'], [0, 'Its own']];
	const range = await ask(['A note hangs at ', name(person.name), '?'], 'It is sent these note-offs on every channel; its own end at others.', choices);
	if (range !== null) orderFor(person, range ? 'notes-off' : 'release', range || {});
}

export const unmute = (person) => orderFor(person, 'unmute');

// The one who feeds back to the room's controllers.
export async function focus({ name: member, room, focus: hasIt }) {
	const done = await order(hasIt ? 'DELETE' : 'POST', `rooms/${encodeURIComponent(room)}/focus`, hasIt ? {} : { member });
	if (done) say(...isolated(done.text, member));
}

const connections = (room) => `rooms/${encodeURIComponent(room)}/connections`;

export async function invite(room, to, called) {
	const done = await order('POST', connections(room), called ? { to, name: called } : { to });
	if (done) say(...isolated(done.text, called));
	return done;
}

// Invites who is announced on the local network, in one of the rooms of these names.
export async function letIn(announced, rooms) {
	const room = rooms.length > 1 ? await ask(['Let ', name(announced), ' in?'], 'The room invites it, wherever it is on the network.', rooms.map((one) => [one, name(one)])) : rooms[0];
	const done = room && (await order('POST', `rooms/${encodeURIComponent(room)}/let-in`, { announced }));
	if (done) say(...isolated(done.text, announced));
}

export async function uninvite({ room, name: who }) {
	const done = await order('DELETE', connections(room), { name: who });
	if (done) say(...isolated(done.text, who));
}

export async function kick(person) {
	if (await ask(['Kick ', name(person.name), '?'], 'It may connect again.', [[1, 'Kick']])) orderFor(person, 'kick');
}

// Locks the hub for a show, or lifts that.
export async function toggleLock() {
	let done;
	if (locked) {
		const then = ['What could change a room is obeyed again.', ...locked.putOff.map((what) => `Then ${what}.`)].join(' ');
		if (await ask(['End the lock by ', name(locked.by), '?'], then, [[1, 'Unlock']])) done = await order('DELETE', 'lock');
	} else {
		const by = await ask(['Lock the hub for a show?'], 'Until it is unlocked, nothing that could change a room is done: no kick, block, focus, reload or restart. People come and go as ever, and Panic works.', [[true, 'Lock']], 'Your name');
		if (by) done = await order('POST', 'lock', { by });
	}
	if (done) say(done.text);
}
