// Whom the hub invites: instruments, interfaces and sessions that only wait to be invited.

import { badge, byID, button, keep, make, name, setChildren, setText, time } from './page.js';
import { invite, letIn, uninvite } from './control.js';
import { stateOf } from './words.js';

const form = byID('invite');
let roomNames = [];

form.addEventListener('submit', async (event) => {
	event.preventDefault();
	const { to, name: called, room } = Object.fromEntries(new FormData(form));
	if (await invite(room, to.trim(), called.trim())) form.reset();
});

const create = (connection) => make('li', '', make('span'), ' ', button('quiet live-only', () => uninvite(connection), 'Disconnect'));

function show(item, { name: called, room, state, reason, since, configured, discovered }) {
	const [words, act] = item.children;
	setChildren(words, name(called), ' ', badge(...stateOf(state)), ' since ', time(since), make('span', 'remark', [`room ${room}`, discovered && 'let in by discover', reason].filter(Boolean).join(': ')));
	act.hidden = configured;
}

const offer = ({ name: announced }) => make('li', '', make('span'), ' ', button('quiet live-only', () => letIn(announced, roomNames), 'Let it in'));

function showOffer(item, { name: announced, room }) {
	setChildren(item.firstElementChild, name(announced), ' is on the network.', make('span', 'remark', room === undefined ? '' : `room ${room} of another hub`));
}

// Shows the connections of these rooms, and who is on the network and could be let in.
export function showOutside(rooms, connections, offers) {
	roomNames = rooms.map((one) => one.name);
	keep(byID('offers'), offers, (one) => one.name, offer, showOffer);
	const shown = connections.filter(({ room }) => rooms.some((one) => one.name === room));
	keep(byID('connections'), shown, (one) => `${one.room}/${one.name}`, create, show);
	setText(byID('outside-note'), shown.length || offers.length ? '' : 'Nobody is invited.');
	const room = form.elements.room;
	setChildren(room, ...rooms.map((one) => new Option(one.name)));
	room.parentElement.hidden = rooms.length < 2;
}
