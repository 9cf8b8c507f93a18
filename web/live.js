// The live page: what the hub tells, put on the screen as it comes.

import { announce, badge, byID, follow, isLost, keep, make, name, offer, reveal, setChildren, setText, time } from './page.js';
import { blink, showCards } from './cards.js';
import { showJoin, wait } from './join.js';
import { dock, setLock, setPanicRooms, toggleLock } from './control.js';
import { isNews, showEvents } from './events.js';
import { showGraph } from './graph.js';
import { showMatrix } from './matrix.js';
import { showOutside } from './outside.js';
import { showPair } from './pair.js';
import { stateOf } from './words.js';
import { empty, peopleOf, roomsOf } from './model.js';

const model = empty();
let drawing = false;

const room = make('select');
room.id = 'room';
dock.prepend(make('label', '', 'Room ', room));

function showHealth({ name: hub, health }) {
	document.title = hub;
	setText(byID('hub'), hub);
	byID('health').className = `card wide ${health.ok ? 'good' : 'fair'}`;
	setText(byID('sentence'), health.sentence);
	const words = [...health.problems, ...(health.notices ?? []).map((what) => ({ what }))];
	keep(byID('problems'), words, ({ what }) => what, () => make('li'), (item, { what, fix }) => {
		setChildren(item, make('strong', '', what), make('span', 'fix', fix ?? ''));
	});
}

function showLock({ lock }) {
	setLock(lock);
	setChildren(byID('locked'), ...(lock ? [badge('fair', 'Locked'), ' since ', time(lock.since), ' by ', name(lock.by), ...lock.putOff.map((what) => make('span', 'remark', `When it is unlocked, ${what}.`))] : []));
	setText(byID('lock'), lock ? 'Unlock' : 'Lock for a show');
}

function showEngines({ engines, version, startedAt, store }) {
	keep(byID('engines'), engines, (engine) => `${engine.name} ${engine.port}`, () => make('li'), (item, engine) => {
		const about = `${engine.reason ?? ''} ${engine.kind} ${engine.version ?? ''}, port ${engine.port}, pid ${engine.pid ?? '–'}, restarts: ${engine.restarts}`;
		setChildren(item, name(engine.name), ' ', badge(...stateOf(engine.state)), ' since ', time(engine.since), make('span', 'remark', about));
	});
	const recording = store.state === 'recording' ? 'Recording.' : `Not recording: ${store.reason ?? 'the store is down'}.`;
	setChildren(byID('about'), `MIDI Hub ${version}, running since `, time(startedAt), `. ${recording}`);
}

function rooms() {
	const all = roomsOf(model);
	offer(room, [new Option('All rooms', ''), ...all.map((one) => new Option(one.name))]);
	room.parentElement.hidden = all.length < 2;
	return room.value ? all.filter((one) => one.name === room.value) : all;
}

function show() {
	drawing = false;
	if (model.status === null) return;
	reveal();
	showHealth(model.status);
	showLock(model.status);
	showJoin(model.status);
	showEngines(model.status);
	showPair(model.failover);
	showEvents(model.events);
	const shown = rooms();
	showOutside(shown, [...model.connections.values()], [...model.offers.values()]);
	const everybody = peopleOf(model);
	wait(everybody);
	const few = everybody.length < 7;
	byID('area-participants').hidden = everybody.length === 0;
	byID('find-label').hidden = few;
	const wanted = few ? [''] : byID('find').value.toLowerCase().split(',').map((word) => word.trim());
	const isWanted = (one) => wanted.some((word) => one.name.toLowerCase().includes(word));
	const found = everybody.filter(isWanted);
	showCards(shown, found, everybody, model);
	const inRoom = (one, list = everybody) => list.filter((person) => person.room === one.name);
	const one = shown.find((each) => inRoom(each).length > 1) ?? shown.find((each) => inRoom(each).length) ?? shown[0];
	byID('area-graph').hidden = !one || everybody.length === 0;
	if (!one) return;
	showMatrix(one, inRoom(one, found), inRoom(one).length, model.wires);
	showGraph(one.name, isWanted);
}

function redraw() {
	// The page is drawn at most five times a second.
	if (!drawing) setTimeout(requestAnimationFrame, 200, show);
	drawing = true;
}

byID('find').addEventListener('input', show);
room.addEventListener('change', show);
byID('lock').addEventListener('click', toggleLock);
setPanicRooms(() => rooms().map(({ name: one }) => one));
// Sparklines and the graph move with time even where no event comes.
setInterval(() => isLost() || redraw(), 5000);
follow(model, (view, data) => {
	if (view === 'activity') return blink(data);
	if (view === 'event' && isNews(data)) announce(data.text);
	redraw();
});
