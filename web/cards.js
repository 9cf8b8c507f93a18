// A card a participant, grouped by room; and the dot on it, which blinks for its notes.

import { badge, button, byID, called, count, keep, make, ms, name, setChildren, setText, svg, terms, time } from './page.js';
import { remarks, stateOf, thresholds, verdict } from './words.js';
import { focus, kick, stuck, unmute } from './control.js';

const minute = 60000;
const dots = new Map();
// As they were told last.
const latest = new Map();
const still = matchMedia('(prefers-reduced-motion: reduce)');

const part = (values, share) => values.sort((a, b) => a - b)[Math.floor(values.length * share)];

// Points [Unix ms, ms] as a path, open where nothing was measured for longer than `gap`.
export function path(points, gap, x, y) {
	let last = -Infinity;
	return points.map(([at, rtt]) => {
		const begins = at - last > gap;
		last = at;
		return `${begins ? 'M' : 'L'}${x(at).toFixed(1)} ${y(rtt).toFixed(1)}${begins ? 'h.01' : ''}`;
	}).join('');
}

// The last ten minutes in a box of 100 by 24.
function spark(points) {
	const top = Math.max(10, ...points.map(([, rtt]) => rtt)) * 1.1;
	return path(points, 2.5 * minute, (at) => 100 - (Date.now() - at) / minute * 10, (rtt) => 23 - (rtt / top) * 22);
}

function figures({ rtt, jitter, loss }, points) {
	const p95 = rtt?.p95 ?? part(points.map(([, value]) => value), 0.95);
	const list = Object.entries({ average: rtt?.average, min: rtt?.min, max: rtt?.max, p95 }).map(([term, value]) => [term, ms(value)]);
	if (jitter !== undefined) list.push(['jitter', ms(jitter)]);
	if (loss !== undefined) list.push(['loss', `${(loss * 100).toFixed(1)} %`]);
	return terms(list);
}

function create(person) {
	const dot = make('i', 'dot');
	const word = make('span', 'verdict');
	const now = make('div', 'now', make('b', 'rtt'), svg('svg', { class: 'spark', viewBox: '0 0 100 24', preserveAspectRatio: 'none', 'aria-hidden': true }, svg('path', {})));
	const foot = make('div', 'foot', make('span', 'muted'));
	dots.set(person.id, dot);
	now.hidden = person.echo;
	const act = (word, press) => button('quiet', () => press(latest.get(person.id)), word, make('span', 'unseen', ` ${called(person.name)}`));
	if (!person.echo) foot.append(make('span', '', act('Stuck note…', stuck), ' ', act('Unmute', unmute), ' ', act('Focus', focus), ' ', act('Kick…', kick)));
	return make('li', 'card person', make('div', 'head', dot, make('h4', 'who'), word), now, make('dl', 'figures'), foot);
}

function show(card, person, points, limits, controls) {
	latest.set(person.id, person);
	const [head, now, list, foot] = card.children;
	const [, who, word] = head.children;
	const lately = points.filter(([at]) => at > Date.now() - minute).map(([, rtt]) => rtt);
	const state = person.muted ? 'muted' : person.state;
	const judged = state === 'present' ? verdict(limits, lately.length ? part(lately, 0.5) : person.rtt?.last, person) : stateOf(state);
	word.title = thresholds(limits);
	setChildren(who, name(person.name), ...remarks(person));
	setChildren(word, badge(...(person.echo ? ['fair', 'on'] : judged)));
	setChildren(foot.firstElementChild, 'since ', time(person.since), ...(person.until ? [', until ', time(person.until)] : []));
	if (person.echo) return;
	const [, unmuting, focusing] = foot.lastElementChild.children;
	unmuting.hidden = !person.muted;
	focusing.hidden = !controls || Boolean(person.controller);
	setText(focusing.firstChild, person.focus ? 'Free the focus' : 'Give focus');
	setChildren(now.firstElementChild, ms(person.rtt?.last), make('small', '', ' ms'));
	now.querySelector('path').setAttribute('d', spark(points));
	setChildren(list, ...figures(person, points));
}

const createGroup = () => make('section', '', make('h3'), make('p'), make('ul', 'cards'));

// Shows the cards of these rooms; `found` are the people to show, `all` all there are; the model has the rest.
export function showCards(rooms, found, all, { latency, status }) {
	const limits = status?.quality;
	keep(byID('participants'), rooms, (room) => room.name, createGroup, (group, room) => {
		const [title, note, list] = group.children;
		const shown = found.filter((person) => person.room === room.name);
		const here = all.filter((person) => person.room === room.name);
		setChildren(title, name(room.name), make('span', 'muted', `port ${room.ports.join(', ')}`));
		setText(note, here.length === 0 ? 'Nobody is here yet.' : '');
		list.ariaLabel = count(here.length, 'participant');
		keep(list, shown, ({ id }) => id, create, (card, person) => show(card, person, latency.get(person.id) ?? [], limits, room.focus));
	});
	setText(byID('legend'), `Round trip: milliseconds from the hub to the participant and back; between two players, half of each. By the last minute, ${thresholds(limits)}.`);
}

export function blink({ changed }) {
	for (const { participant, notes } of changed) {
		const dot = dots.get(participant);
		if (!dot || document.hidden) continue;
		dot.dataset.notes = Number(dot.dataset.notes ?? 0) + notes;
		dot.animate([{ opacity: 1, scale: still.matches ? 1 : 1.5 }, { opacity: 0.25, scale: 1 }], 450);
	}
}
