// The other one of two hubs: how it is, who stands on one only, and orders, which need a press of a second.

import { badge, byID, button, called, isLost, keep, make, ms, name, setChildren, setText, terms, time } from './page.js';
import { order, say } from './control.js';
import { get } from './model.js';

const press = 1000;
const acts = byID('pair-acts');
let pair = null;

// Does it when it was held down for a second, by a finger, a mouse or the keyboard; says so when it was not.
function held(word, act) {
	const control = button('hold live-only', null, word);
	let timer = 0;
	const end = () => {
		if (timer) say('Press and hold for a second.');
		clearTimeout(timer);
		timer = 0;
		control.classList.remove('held');
	};
	const begin = () => {
		if (timer || isLost()) return;
		control.classList.add('held');
		timer = setTimeout(() => {
			timer = 0;
			end();
			act();
		}, press);
	};
	control.addEventListener('pointerdown', ({ pointerId }) => {
		// The page may move beneath the finger while it is down.
		control.setPointerCapture(pointerId);
		begin();
	});
	for (const kind of ['pointerup', 'pointercancel', 'blur', 'keyup']) control.addEventListener(kind, end);
	control.addEventListener('keydown', (event) => {
		if (event.key !== ' ' && event.key !== 'Enter') return;
		event.preventDefault();
		if (!event.repeat) begin();
	});
	control.addEventListener('contextmenu', (event) => event.preventDefault());
	return control;
}

async function give(word, query) {
	let done = await order('POST', `failover/${word}`, query);
	// Whoever has held the button down for a second has confirmed it.
	if (done?.armedUntil) done = await order('POST', `failover/${word}`, query);
	if (done) say(done.text);
}

// Who heard what in the last drill is asked for: the stream has only what came of it.
let asked = 0;
async function showHearers(last) {
	if (asked === last?.id) return;
	asked = last?.id;
	const all = last && (await get('api/v1/failover').catch(() => null));
	const rows = all?.drills.find(({ id }) => id === asked)?.hearers ?? [];
	const cell = (value) => make('td', '', value ?? '–');
	setChildren(byID('drill-hearers'), ...rows.map((one) => make('tr', '', Object.assign(make('th', '', name(one.name)), { scope: 'row' }), cell(one.events), cell(one.lost), cell(one.doubled), cell(one.late === undefined ? undefined : one.late < .1 ? '<0.1 ms' : `${one.late} ms`), cell(one.held), cell(one.remark ?? ''))));
	byID('drill-table').hidden = rows.length === 0;
}

// How long ago, in the largest unit that fits.
function age(at) {
	const minutes = Math.max(0, Math.round((Date.now() - at) / 60_000));
	return minutes < 1 ? 'just now' : minutes < 120 ? `${minutes} min ago` : minutes < 2880 ? `${Math.round(minutes / 60)} h ago` : `${Math.round(minutes / 1440)} days ago`;
}

const switching = held('Switch', () => give('switch'));
const muting = button('quiet live-only', () => give(pair.muted ? 'unmute' : 'mute'), 'Mute this hub');
const learning = button('quiet live-only', () => {
	say('Play the note now.');
	give('learn');
}, 'Learn a note');
learning.title = 'The next note that is played is to be an order to switch';
const drills = [
	['hand over and back', {}],
	...['here', 'partner'].map((mute) => [`${mute === 'here' ? 'this' : 'the other'} hub says nothing for 5 s`, { mute, seconds: 5 }]),
	...['here', 'partner'].map((kill) => [`the engine of ${kill === 'here' ? 'this' : 'the other'} hub is killed`, { kill }]),
];
const what = make('select');
what.append(...drills.map(([text], index) => new Option(text, index)));
what.ariaLabel = 'What is done in the drill';
const drilling = held('Drill', () => give('drill', drills[what.value][1]));
acts.append(switching, drilling, what, muting, learning);

function does(speaks, phase, away) {
	if (away) return badge('bad', 'away');
	if (speaks === undefined) return badge('fair', phase ?? 'not known');
	return speaks ? badge('good', 'speaks') : badge('idle', 'stands by');
}

const hub = (title, state, list) => make('div', 'hub', make('h3', '', title, ' ', state), make('dl', '', ...terms(list)));

export function showPair(told) {
	byID('area-pair').hidden = !told;
	pair = told;
	if (!told) return;
	const { partner } = told;
	setText(byID('pair-sentence'), told.sentence);
	byID('pair-sentence').className = partner.linked && !told.muted && !partner.muted && partner.configuration === 'same' ? 'good' : 'fair';
	const silence = partner.silence === undefined ? '–' : `${ms(partner.silence)} of ${ms(told.limit)} ms`;
	setChildren(
		byID('pair-hubs'),
		hub(`This hub (${told.role})`, does(told.speaks, told.phase), [['since', time(told.since)], ['because', told.reason ?? '–'], ['muted', told.muted ? 'yes' : 'no']]),
		hub(partner.name ? `The other hub, ${partner.name}` : 'The other hub', does(partner.speaks, partner.phase, !partner.connected), [['there since', time(partner.since)], ['silent for', silence], ['round trip', partner.roundTrip === undefined ? '–' : `${ms(partner.roundTrip)} ms`], ['configuration', partner.configuration ?? 'not known']]),
	);
	setText(byID('pair-trouble'), [told.trouble && `Trouble: ${told.trouble}.`, told.obstacles.length > 0 && `A switch would be refused: ${told.obstacles.join('; ')}.`].filter(Boolean).join(' '));
	const single = told.participants.filter(({ on }) => on !== 'both');
	setText(byID('pair-singles'), single.length ? 'On one hub only, and gone with it:' : '');
	keep(byID('pair-single'), single, (one) => `${one.on}/${one.id}`, () => make('li'), (item, one) => {
		setChildren(item, name(one.name), make('span', 'remark', `${one.on === 'this' ? 'here' : 'at the other hub'} only, room ${called(one.room)}: ${one.ambiguous ? `it may be any of several there, pair it by hand (number ${one.id})` : 'it has to connect to the other one, too'}`));
	});
	setChildren(byID('pair-means'), ...told.settings.consequences.map((text) => make('li', '', text)));
	setText(byID('pair-preset'), told.settings.preset ? `What the settings mean (${told.settings.preset})` : 'What the settings mean');
	setText(byID('pair-warnings'), told.settings.warnings.join(' '));
	setChildren(byID('pair-presets'), ...told.settings.presets.flatMap(({ preset, summary, consequences }) => [make('dt', '', `${preset}: ${summary}`), ...consequences.map((text) => make('dd', '', text))]));
	const [last] = told.drills;
	setText(byID('drill-last'), told.drilling ? 'A drill is on.' : last ? `Last drill, ${age(last.ended)}: ${last.text}` : 'No drill yet: with Drill the hub that speaks hands over and back, and it is measured what that costs.');
	byID('drill-last').className = told.drilling || !last ? 'muted' : last.passed ? 'good' : 'bad';
	showHearers(last);
	setText(muting, told.muted ? 'Unmute this hub' : 'Mute this hub');
	switching.title = drilling.title = told.ready ? '' : told.obstacles.join('; ');
}
