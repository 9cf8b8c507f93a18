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

const create = (connection) => make('li', '', make('span'), ' ', button('quiet live-only', () => uninvite(connection), 'Disconnect'));

function show(item, { name: called, room, state, reason, since, configured }) {
	const [words, act] = item.children;
	setChildren(words, name(called), ' ', badge(...stateOf(state)), ' since ', time(since), make('span', 'remark', [`room ${room}`, reason].filter(Boolean).join(': ')));
	act.hidden = configured;
}

// Shows the connections of these rooms.
export function showOutside(rooms, connections) {
	const shown = connections.filter(({ room }) => rooms.some((one) => one.name === room));
	keep(byID('connections'), shown, (one) => `${one.room}/${one.name}`, create, show);
	setText(byID('outside-note'), shown.length ? '' : 'Nobody is invited.');
	const room = form.elements.room;
	setChildren(room, ...rooms.map((one) => new Option(one.name)));
	room.parentElement.hidden = rooms.length < 2;
}
