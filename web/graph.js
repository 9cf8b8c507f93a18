// Latency over time in one room: one line a participant, open where it was away.

import { byID, called, make, ms, name, setChildren, setText, svg } from './page.js';
import { path } from './cards.js';
import { list } from './model.js';

const minute = 60000;
const spans = {
	hour: { length: 60 * minute, step: 15000, every: 30000, tick: 10 * minute },
	day: { length: 1440 * minute, step: 6 * minute, every: 5 * minute, tick: 240 * minute },
	month: { length: 43200 * minute, step: 180 * minute, every: 30 * minute, tick: 7200 * minute },
};
const [left, right, top, bottom, height] = [52, 8, 10, 24, 240];

let room = null;
let wanted = () => true;
let lines = null;
let until = 0;
let asked = -Infinity;
let failed = false;

// A round number of milliseconds above the highest line.
function ceiling(highest) {
	const power = 10 ** Math.floor(Math.log10(Math.max(highest, 5)));
	return [1, 2, 4, 5, 10].map((factor) => factor * power).find((value) => value >= highest);
}

function show() {
	const span = byID('span').value;
	const { length, step, tick } = spans[span];
	const shown = lines?.filter(wanted) ?? [];
	setChildren(byID('graph-title'), 'Latency', make('span', 'muted', name(room)));
	setText(byID('graph-note'), failed ? 'The hub cannot tell at the moment.' : lines === null ? 'Asking the hub…' : shown.length === 0 ? 'Nothing was measured in this time.' : '');
	setChildren(byID('lines'), ...shown.map(({ name: who, average, colour }) => make('li', `c${colour}`, make('i', 'key'), name(who), make('span', 'muted', ` ${ms(average)}`))));
	byID('graph').hidden = shown.length === 0;

	const width = Math.max(240, byID('graph').clientWidth);
	const highest = ceiling(Math.max(0, ...shown.map(({ most }) => most)));
	const x = (at) => left + ((at - until + length) / length) * (width - left - right);
	const y = (rtt) => top + (1 - rtt / highest) * (height - top - bottom);
	const parts = [0, 0.5, 1].flatMap((share) => {
		const level = y(highest * share);
		return [svg('path', { class: 'rule', d: `M${left} ${level}H${width - right}` }), svg('text', { x: left - 6, y: level + 4, 'text-anchor': 'end' }, `${highest * share}${share === 1 ? ' ms' : ''}`)];
	});
	const format = span === 'month' ? { day: 'numeric', month: 'short' } : { hour: 'numeric', minute: '2-digit' };
	const zone = new Date(until).getTimezoneOffset() * minute;
	const space = tick * Math.ceil((72 * length) / tick / (width - left - right));
	for (let at = Math.ceil((until - length - zone) / space) * space + zone; at <= until; at += space) {
		if (x(at) > left + 16 && x(at) < width - 24) parts.push(svg('text', { x: x(at), y: height - 6, 'text-anchor': 'middle' }, new Date(at).toLocaleString(undefined, format)));
	}
	for (const { points, colour } of shown) parts.push(svg('path', { class: `line c${colour}`, d: path(points, 2.5 * Math.max(minute, step), x, y) }));
	const ranges = shown.slice(0, 20).map(({ name: who, least, most }) => `${called(who)} ${ms(least)} to ${ms(most)} ms`);
	byID('graph').replaceChildren(svg('svg', { class: 'graph', viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': `Round trips in ${room}, last ${span}: ${ranges.join('; ')}` }, ...parts));
}

// Who comes back under the same name goes on with its line; twins have one each.
function gather(samples) {
	const all = [];
	for (const { participant, name: who, at, rtt } of samples.filter((one) => one.room === room).sort((a, b) => a.at - b.at)) {
		let line = all.find((one) => one.by === participant) ?? all.find((one) => one.name === who && at - one.points.at(-1)[0] > minute);
		if (!line) all.push((line = { name: who, points: [], colour: all.length % 5 }));
		line.by = participant;
		line.points.push([at, rtt]);
	}
	for (const line of all) {
		const values = line.points.map(([, rtt]) => rtt);
		line.average = values.reduce((sum, value) => sum + value) / values.length;
		[line.least, line.most] = [Math.min(...values), Math.max(...values)];
	}
	return all;
}

async function ask() {
	const span = byID('span').value;
	const { length, step } = spans[span];
	const [of, end] = [room, Date.now()];
	const query = new URLSearchParams({ from: end - length, to: end, step, room, limit: 10000 });
	asked = end;
	const samples = await list(`api/v1/latency?${query}`, 'samples').catch(() => null);
	if (of !== room || span !== byID('span').value) return;
	failed = !samples;
	if (samples) [lines, until] = [gather(samples), end];
	show();
}

function begin() {
	[lines, asked] = [null, -Infinity];
	show();
	if (!document.hidden) ask();
}

// Shows a room's graph of those `found`; asks the hub when what is known is old.
export function showGraph(of, found) {
	wanted = found;
	if (of !== room) {
		room = of;
		begin();
	} else if (Date.now() - asked >= spans[byID('span').value].every && !document.hidden) ask();
}

byID('span').addEventListener('change', begin);
new ResizeObserver(() => lines && show()).observe(byID('graph').parentElement);
