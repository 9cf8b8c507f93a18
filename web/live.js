// The live page: what the hub tells, put on the screen as it comes.

import { announce, badge, byID, count, duration, keep, make, name, now, setChildren, setText, time } from './page.js';
import { blink, showCards } from './cards.js';
import { openOwnSystem, showJoin, wait } from './join.js';
import { panic } from './control.js';
import { showEvents } from './events.js';
import { showGraph } from './graph.js';
import { showMatrix } from './matrix.js';
import { stateOf } from './words.js';
import { subscribe } from './tabs.js';
import { empty, take } from './model.js';

const model = empty();
const news = new Set();
let link = null;
let drawing = false;
let problemsSaid = null;
let here = null;
let readersChoice = false;

function showHealth({ name: hub, health }) {
	document.title = hub;
	setText(byID('hub'), hub);
	byID('health').className = `card health ${health.ok ? 'good' : 'fair'}`;
	setText(byID('sentence'), health.sentence);
	const problems = health.problems ?? [];
	byID('problems').hidden = problems.length === 0;
	keep(byID('problems'), problems, ({ what }) => what, () => make('li'), (item, { what, fix }) => {
		setChildren(item, make('strong', '', what), make('span', 'fix', fix ?? ''));
	});
	const said = problems.map(({ what }) => what).join(' ');
	if (problemsSaid !== null && problemsSaid !== said) announce(said === '' ? health.sentence : said);
	problemsSaid = said;
}

function showEngines({ engines, version, startedAt, store }) {
	keep(byID('engines'), engines, (engine) => `${engine.name} ${engine.port}`, () => make('li'), (item, engine) => {
		const about = [`${engine.kind} ${engine.version ?? ''}`, `port ${engine.port}`, `pid ${engine.pid ?? '–'}`, ...(engine.adopted ? ['adopted'] : []), count(engine.restarts, 'restart')];
		setChildren(item, name(engine.name), ' ', badge(...stateOf(engine.state)), ' since ', time(engine.since), make('span', 'remark', engine.reason ?? ''), make('span', 'remark', about.join(', ')));
	});
	const recording = store?.state === 'recording' ? 'Recording.' : `Not recording${store?.reason ? `: ${store.reason}` : ''}.`;
	setChildren(byID('about'), `MIDI Hub ${version}, running since `, time(startedAt), '. ', recording);
}

const byPort = (a, b) => (a.ports?.[0] ?? 0) - (b.ports?.[0] ?? 0) || (a.name < b.name ? -1 : 1);

/** The rooms to show: the chosen one, or all, also those that only their participants tell of. */
function rooms() {
	const all = new Map(model.rooms);
	for (const { room, port } of model.participants.values()) if (!all.has(room)) all.set(room, { name: room, ports: [port], policy: 'auto' });
	const sorted = [...all.values()].sort(byPort);
	const select = byID('room');
	const options = sorted.map((room) => Object.assign(make('option', '', room.name), { value: room.name }));
	const chosen = select.value;
	const every = Object.assign(make('option', '', 'All rooms'), { value: '' });
	setChildren(select, every, ...options);
	if (select.value !== chosen) select.value = all.has(chosen) ? chosen : '';
	byID('room-label').hidden = sorted.length < 2;
	return { all: sorted, shown: all.has(select.value) ? [all.get(select.value)] : sorted };
}

/** Says to screen readers who came and went; a crowd as a number. */
function sayWhoCame() {
	const before = here;
	here = new Map(model.participants);
	if (before === null) return;
	const came = [...here.keys()].filter((id) => !before.has(id));
	const went = [...before.keys()].filter((id) => !here.has(id));
	const words = (ids, from, verb) => (ids.length === 0 ? '' : ids.length === 1 ? `${from.get(ids[0]).name} ${verb}. ` : `${count(ids.length, 'participant')} ${verb}. `);
	const said = words(came, here, 'joined') + words(went, before, 'left');
	if (said) announce(said);
}

function show(all) {
	drawing = false;
	const fresh = (...views) => all === true || views.some((view) => news.has(view));
	if (model.status === null) return;
	byID('waiting').hidden = true;
	byID('data').hidden = false;
	if (fresh('status')) {
		showHealth(model.status);
		showJoin(model.status);
		showEngines(model.status);
	}
	if (fresh('participants', 'rooms', 'latency', 'wires')) {
		const { shown } = rooms();
		const alone = wait(model.participants);
		byID('area-participants').hidden = alone;
		if (!readersChoice) byID('how').open = alone;
		if (!alone || fresh('participants')) showCards(model, shown, byID('find').value);
		const counts = new Map();
		for (const { room } of model.participants.values()) counts.set(room, (counts.get(room) ?? 0) + 1);
		const one = shown.find((room) => counts.get(room.name) > 1) ?? shown.find((room) => counts.has(room.name)) ?? shown[0];
		if (fresh('participants', 'wires', 'rooms')) showMatrix(model, one);
		showGraph(one?.name, model.participants.size);
		sayWhoCame();
	}
	if (fresh('events', 'event')) showEvents(model.events);
	news.clear();
}

function redraw() {
	// Figures change ten times a second; nobody reads that fast.
	if (!drawing) setTimeout(requestAnimationFrame, 200, show);
	drawing = true;
}

function showLink() {
	if (link === null) return;
	const lost = link.state === 'lost';
	const was = !byID('lost').hidden;
	document.body.classList.toggle('is-lost', lost);
	byID('lost').hidden = !lost;
	byID('panic').disabled = lost;
	setText(byID('updated'), lost ? '' : link.state === 'live' ? 'Live' : `Updated ${now()}`);
	byID('updated').classList.toggle('is-live', link.state === 'live');
	if (lost) {
		setText(byID('lost-cause'), link.cause);
		setText(byID('lost-age'), `Last seen ${duration(Date.now() - link.seen)} ago.`);
		if (!was) announce(link.cause);
	} else if (was) {
		announce('The hub is back.');
	}
}

function hear(batch) {
	for (const [view, data] of batch) {
		if (view === 'link') {
			link = data;
			showLink();
		} else if (view === 'activity') {
			if (!document.hidden) blink(data);
		} else {
			take(model, view, data);
			news.add(view);
		}
	}
	if (news.size > 0) redraw();
}

byID('how').querySelector('summary').addEventListener('click', () => (readersChoice = true));
byID('find').addEventListener('input', () => show(true));
byID('room').addEventListener('change', () => show(true));
byID('panic').addEventListener('click', () => {
	const { all, shown } = rooms();
	panic(shown.length === 1 && all.length > 1 ? [shown[0].name] : all.map((room) => room.name));
});
setInterval(() => link?.state === 'lost' && showLink(), 1000);
// Sparks move on, and the graph grows old, without any news.
setInterval(() => {
	if (link?.state === 'lost' || document.hidden) return;
	news.add('latency');
	redraw();
}, 5000);
openOwnSystem();
subscribe(hear);
