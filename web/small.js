// The two small pages: a list of what the hub answers, every few seconds and at a press of the button.

import { announce, badge, button, byID, count, keep, make, ms, name, reveal, setChildren, setText, showLink, terms, time, updated } from './page.js';
import { remarks, stateOf } from './words.js';
import { get, list } from './model.js';

const participants = {
	every: 3000,
	read: async () => (await list('api/v1/participants?limit=1000', 'participants')).filter(({ state }) => state !== 'duplicate').sort((a, b) => a.port - b.port || a.id - b.id),
	summary: (list) => (list.length === 0 ? 'Nobody is here yet.' : `Here now: ${count(list.length, 'participant')}.`),
	key: ({ id }) => id,
	head: (one) => [[name(one.name), ...remarks(one)], [badge(...stateOf(one.muted ? 'muted' : one.state))]],
	figures: ({ room, port, rtt, since }) => [['room', name(room)], ['port', port], ['average', ms(rtt?.average)], ['last', ms(rtt?.last)], ['since', time(since)]],
};

// The values of /latency are strings, milliseconds with one decimal, and are shown as they are.
const latency = {
	every: 5000,
	read: async () => (await get('latency')).sort((a, b) => a.clientPort - b.clientPort || a.clientName.localeCompare(b.clientName)),
	summary: (list) => `${list.length === 0 ? 'Nobody was measured' : `${count(list.length, 'participant')} measured`} in the last 24 hours.`,
	key: ({ clientName, clientPort }) => `${clientPort} ${clientName}`,
	head: ({ clientName }) => [[name(clientName)], []],
	figures: (one) => [['port', one.clientPort], ['average', one.averageLatency], ['last', one.lastLatency], ['min', one.minLatency], ['max', one.maxLatency], ['measured', time(one.timestamp * 1000)]],
};

const page = document.body.id === 'latency' ? latency : participants;
const create = () => make('li', 'card person', make('div', 'head', make('h2', 'who'), make('span')), make('dl', 'figures'));
let timer = 0;
let asking = false;
let again = null;
let seen = Date.now();

function show(card, item) {
	const [head, figures] = card.children;
	page.head(item).forEach((content, index) => setChildren(head.children[index], ...content));
	setChildren(figures, ...terms(page.figures(item)));
}

async function ask(event) {
	if (asking) {
		again = event;
		return;
	}
	asking = true;
	clearTimeout(timer);
	try {
		const list = await page.read();
		seen = Date.now();
		reveal();
		setText(byID('summary'), page.summary(list));
		keep(byID('list'), list, page.key, create, show);
		setChildren(updated, 'Updated ', time(seen));
		showLink({ state: 'live' });
		if (event) announce(updated.textContent);
	} catch (error) {
		showLink({ state: 'lost', cause: error.status ? error.message : 'The hub does not answer.', seen });
	}
	asking = false;
	const pressed = again;
	again = null;
	if (pressed) ask(pressed);
	else if (!document.hidden) timer = setTimeout(ask, page.every);
}

const refresh = button('', ask, 'Refresh');
refresh.id = 'refresh';
updated.after(refresh);
document.addEventListener('visibilitychange', () => document.hidden || ask());
ask();
