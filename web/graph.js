// Latency over time in one room, drawn from the hub's stored samples: one line a participant, open where it was away.

import { byID, make, ms, name, setChildren, setText } from './page.js';
import { list } from './feed.js';

const minute = 60000;
const spans = {
	hour: { length: 60 * minute, step: 15000, every: 30000, tick: 10 * minute },
	day: { length: 1440 * minute, step: 6 * minute, every: 5 * minute, tick: 240 * minute },
	month: { length: 43200 * minute, step: 180 * minute, every: 30 * minute, tick: 7200 * minute },
};
const colours = 6;
const box = { left: 52, right: 8, top: 10, bottom: 24, height: 240 };

let chosen = 'hour';
let alone = null;
let room = null;
let lines = null;
let until = 0;
let asked = -Infinity;
let failed = false;

function svg(tag, attributes, ...children) {
	const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
	for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
	element.append(...children);
	return element;
}

/** A round number of milliseconds above the highest line. */
function ceiling(highest) {
	const power = 10 ** Math.floor(Math.log10(Math.max(highest, 5)));
	return [1, 2, 4, 5, 10].map((factor) => factor * power).find((value) => value >= highest);
}

function label(at) {
	const format = chosen === 'month' ? { day: 'numeric', month: 'short' } : { hour: 'numeric', minute: '2-digit' };
	return new Intl.DateTimeFormat(undefined, format).format(at);
}

function draw() {
	const place = byID('graph');
	const width = Math.max(240, place.clientWidth);
	const { length, step, tick } = spans[chosen];
	const shown = lines.filter(({ id }) => alone === null || id === alone);
	const top = ceiling(Math.max(0, ...shown.flatMap(({ points }) => points.map(({ rtt }) => rtt))));
	const x = (at) => box.left + ((at - until + length) / length) * (width - box.left - box.right);
	const y = (rtt) => box.top + (1 - rtt / top) * (box.height - box.top - box.bottom);
	const parts = [];
	for (const part of [0, 0.5, 1]) {
		const level = y(top * part);
		parts.push(svg('path', { class: 'rule', d: `M${box.left} ${level}H${width - box.right}` }), svg('text', { x: box.left - 6, y: level + 4, 'text-anchor': 'end' }, `${top * part}${part === 1 ? ' ms' : ''}`));
	}
	const zone = new Date(until).getTimezoneOffset() * minute;
	const space = tick * Math.ceil((72 * length) / tick / (width - box.left - box.right));
	for (let at = Math.ceil((until - length - zone) / space) * space + zone; at <= until; at += space) {
		if (x(at) > box.left + 16 && x(at) < width - 24) parts.push(svg('text', { x: x(at), y: box.height - 6, 'text-anchor': 'middle' }, label(at)));
	}
	for (const { id, points, colour } of lines) {
		let last = -Infinity;
		const path = points.map(({ at, rtt }) => {
			const pen = at - last > Math.max(150000, 2.5 * step) ? 'M' : 'L';
			last = at;
			return `${pen}${x(at).toFixed(1)} ${y(rtt).toFixed(1)}${pen === 'M' ? 'h.01' : ''}`;
		});
		if (alone === null || id === alone) parts.push(svg('path', { class: `line c${colour}`, d: path.join('') }));
	}
	const said = shown.slice(0, 20).map(({ who, average, least, most }) => `${who}: average ${ms(average)}, from ${ms(least)} to ${ms(most)} ms`);
	const words = `Round trips in ${room} over the last ${chosen}. ${said.join('; ')}`;
	place.replaceChildren(svg('svg', { class: 'graph', viewBox: `0 0 ${width} ${box.height}`, role: 'img', 'aria-label': words }, ...parts));
}

function legend() {
	const buttons = lines.map(({ id, who, average, colour }) => {
		const button = make('button', `quiet c${colour}`, make('i', 'key'), name(who), make('span', 'muted', ` ${ms(average)}`));
		button.type = 'button';
		button.dataset.id = id;
		button.setAttribute('aria-pressed', String(id === alone));
		return button;
	});
	const had = document.activeElement?.dataset.id;
	setChildren(byID('lines'), ...buttons);
	[...byID('lines').children].find(({ dataset }) => dataset.id === had)?.focus();
}

function show() {
	const empty = !lines?.length;
	setChildren(byID('graph-title'), 'Latency', make('span', 'muted', name(room)));
	const note = failed ? 'The hub cannot tell at the moment.' : lines === null ? 'Asking the hub…' : empty ? 'Nothing was measured in this time.' : '';
	setText(byID('graph-note'), note);
	byID('graph-note').hidden = note === '';
	byID('graph').hidden = byID('lines').hidden = empty;
	if (empty) return;
	if (!lines.some(({ id }) => id === alone)) alone = null;
	legend();
	draw();
}

/** Lines of this room: who comes back under the same name goes on with its line; twins have one each. */
function gather(samples, since) {
	const all = [];
	for (const sample of samples.filter((one) => one.room === room && one.at >= since).sort((a, b) => a.at - b.at)) {
		const { participant, name: who, at } = sample;
		let line = all.find((one) => one.by === participant) ?? all.find((one) => one.who === who && at - one.points.at(-1).at > minute);
		if (!line) all.push((line = { id: `${who} ${participant}`, who, points: [], colour: all.length % colours }));
		line.by = participant;
		line.points.push(sample);
	}
	for (const line of all) {
		const values = line.points.map(({ rtt }) => rtt);
		line.average = values.reduce((sum, value) => sum + value, 0) / values.length;
		[line.least, line.most] = [Math.min(...values), Math.max(...values)];
	}
	return all;
}

async function ask() {
	asked = Date.now();
	const { length, step } = spans[chosen];
	const [of, end] = [room + chosen, asked];
	const answer = await list(`latency?room=${encodeURIComponent(room)}&from=${end - length}&to=${end}&step=${step}&limit=10000`).catch(() => null);
	if (of !== room + chosen) return;
	failed = answer === null;
	if (answer) [lines, until] = [gather(answer.samples, end - length), end];
	show();
}

/** Shows this room's graph, asking the hub when what is known is old and the reader can see it. */
export function showGraph(wanted, people) {
	byID('area-graph').hidden = !wanted || people === 0;
	if (!wanted) return;
	if (wanted !== room) {
		[room, lines, alone, asked] = [wanted, null, null, -Infinity];
		show();
	}
	if (Date.now() - asked >= spans[chosen].every && !document.hidden) ask();
}

byID('spans').addEventListener('click', ({ target }) => {
	if (!(target.dataset.span in spans)) return;
	chosen = target.dataset.span;
	for (const button of byID('spans').children) button.setAttribute('aria-pressed', String(button === target));
	lines = null;
	show();
	ask();
});
byID('lines').addEventListener('click', ({ target }) => {
	const button = target.closest('button');
	if (!button) return;
	alone = alone === button.dataset.id ? null : button.dataset.id;
	show();
});
new ResizeObserver(() => lines?.length && draw()).observe(byID('graph'));
