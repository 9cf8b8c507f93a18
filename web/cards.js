// A card a participant, grouped by room and steadily sorted: who came first stays first.

import { badge, byID, count, keep, make, ms, name, setChildren, setText, time } from './page.js';
import { policyOf, quality, remarks, stateOf, thresholds, verdict } from './words.js';
import { stuck } from './control.js';

const span = 600000;
const recent = 60000;
const dots = new Map();
const still = matchMedia('(prefers-reduced-motion: reduce)');

const middle = (values, part) => values.sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))];

/** The last ten minutes as a path in a box of 100 by 24; a break where nothing was measured for long. */
function spark(points, end) {
	const top = Math.max(10, ...points.map(([, rtt]) => rtt)) * 1.1;
	let last = -Infinity;
	return points.map(([at, rtt]) => {
		const pen = at - last > 150000 ? 'M' : 'L';
		last = at;
		const [x, y] = [100 - ((end - at) / span) * 100, 23 - (rtt / top) * 22].map((value) => value.toFixed(1));
		return `${pen}${x} ${y}${pen === 'M' ? 'h.01' : ''}`;
	}).join('');
}

function figures({ rtt }, points, { jitter, loss }) {
	const p95 = rtt?.p95 ?? (points.length > 4 ? middle(points.map(([, value]) => value), 0.95) : undefined);
	const list = [['average', ms(rtt?.average)], ['min', ms(rtt?.min)], ['max', ms(rtt?.max)], ['p95', ms(p95)]];
	if (jitter !== undefined) list.push(['jitter', ms(jitter)]);
	if (loss !== undefined) list.push(['loss', `${(loss * 100).toFixed(loss > 0 && loss < 0.01 ? 2 : 1)} %`]);
	return list.map(([term, value]) => make('div', '', make('dt', '', term), make('dd', '', value)));
}

function create(person) {
	const card = byID('card').content.firstElementChild.cloneNode(true);
	card.querySelector('button').addEventListener('click', () => stuck(person));
	card.querySelector('button').append(make('span', 'unseen', ` of ${person.name}`));
	dots.set(person.id, card.querySelector('.dot'));
	return card;
}

function show(card, person, points) {
	const known = quality(person);
	const now = Date.now();
	const lately = points.filter(([at]) => at > now - recent).map(([, rtt]) => rtt);
	const judged = person.state === 'present' ? verdict(lately.length ? middle(lately, 0.5) : person.rtt?.last, known) : stateOf(person.state);
	const [who, word, trip, since] = ['.who', '.verdict', '.rtt', '.since'].map((part) => card.querySelector(part));
	setChildren(who, name(person.name), ...remarks(person));
	setChildren(word, badge(...judged));
	word.title = thresholds;
	setChildren(trip, ms(person.rtt?.last), make('small', '', ' ms'));
	const line = card.querySelector('path');
	const path = spark(points, now);
	if (line.getAttribute('d') !== path) line.setAttribute('d', path);
	setChildren(card.querySelector('.figures'), ...figures(person, points, known));
	setChildren(since, 'since ', time(person.since));
}

function createGroup() {
	const group = make('section', 'group', make('h3'), make('p', 'muted'), make('ul', 'cards'));
	return group;
}

/** Shows these participants of these rooms; `wanted` is what was typed to find somebody. */
export function showCards({ participants, latency }, rooms, wanted) {
	const people = [...participants.values()].sort((a, b) => a.since - b.since || a.id - b.id);
	for (const id of dots.keys()) if (!participants.has(id)) dots.delete(id);
	byID('find-label').hidden = people.length < 13;
	const sought = people.length < 13 ? '' : wanted.trim().toLowerCase();
	keep(byID('participants'), rooms, (room) => room.name, createGroup, (group, room) => {
		const [title, note, list] = group.children;
		const here = people.filter((person) => person.room === room.name);
		const found = sought ? here.filter((person) => String(person.name).toLowerCase().includes(sought)) : here;
		setChildren(title, name(room.name), make('span', 'muted', `port ${(room.ports ?? []).join(', ')}; ${policyOf(room.policy)}`));
		setText(note, here.length === 0 ? 'Nobody is here yet.' : found.length === 0 ? 'Nobody of that name.' : '');
		note.hidden = found.length > 0;
		list.setAttribute('aria-label', count(here.length, 'participant'));
		keep(list, found, ({ id }) => id, create, (card, person) => show(card, person, latency.get(person.id) ?? []));
	});
	setText(byID('legend'), `Round trip: milliseconds from the hub to the participant and back; between two players, half of each. By the last minute, ${thresholds}.`);
}

/** Blinks for the notes that were played since the last time. */
export function blink({ changed = [] }) {
	for (const { participant, notes } of changed) {
		const dot = dots.get(participant);
		if (!dot || !(notes > 0)) continue;
		dot.dataset.notes = Number(dot.dataset.notes ?? 0) + notes;
		dot.title = count(Number(dot.dataset.notes), 'note');
		const bright = { opacity: 1, transform: still.matches ? 'none' : 'scale(1.5)' };
		dot.animate([bright, { opacity: 0.25, transform: 'none' }], 450);
	}
}
