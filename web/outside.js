// Whom the hub invites: instruments, interfaces and sessions that only wait to be invited.

import { badge, byID, button, keep, make, name, setChildren, setText, time } from './page.js';
import { invite, uninvite } from './control.js';
import { stateOf } from './words.js';

const form = byID('invite');

form.addEventListener('submit', async (event) => {
	event.preventDefault();
	const { to, name: called, room } = Object.fromEntries(new FormData(form));
	if (await invite(room, to.trim(), called.trim())) form.reset();
});

function create({ connection, offer }) {
	const item = make('li', '', make('span'), ' ');
	item.append(connection ? button('quiet live-only', () => uninvite(connection), 'Disconnect') : button('quiet live-only', () => invite(form.elements.room.value, offer.to, offer.name), 'Let it in'));
	return item;
}

function show(item, { connection, offer }) {
	const [words, act] = item.children;
	if (offer) return setChildren(words, name(offer.name), ' is on the network.');
	const { room, state, reason, since, configured } = connection;
	setChildren(words, name(connection.name), ' ', badge(...stateOf(state)), ' since ', time(since), make('span', 'remark', [`room ${room}`, reason].filter(Boolean).join(': ')));
	act.hidden = configured;
}

// Shows the connections of these rooms, and what is on the network that could be let in.
export function showOutside(rooms, connections, offers) {
	const shown = connections.filter(({ room }) => rooms.some((one) => one.name === room));
	const items = [...shown.map((connection) => ({ connection })), ...offers.map((offer) => ({ offer }))];
	keep(byID('connections'), items, ({ connection, offer }) => (connection ? `${connection.room}/${connection.name}` : `offer ${offer.to}`), create, show);
	setText(byID('outside-note'), items.length ? '' : 'Nobody is invited.');
	const room = form.elements.room;
	setChildren(room, ...rooms.map((one) => new Option(one.name)));
	room.parentElement.hidden = rooms.length < 2;
}
