// What every page needs. Strangers' names and sentences reach the page as text nodes only, names inside <bdi>.

import { subscribe, apply } from './model.js';

const kept = new WeakMap();

export const byID = (id) => document.getElementById(id);

// A new element; `children` are nodes or strings, and strings become text.
export function make(tag, className = '', ...children) {
	const element = document.createElement(tag);
	if (className) element.className = className;
	element.append(...children);
	return element;
}

export function button(className, press, ...children) {
	const element = make('button', className, ...children);
	if (press) element.addEventListener('click', press);
	return element;
}

export function svg(tag, attributes, ...children) {
	const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
	for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
	element.append(...children);
	return element;
}

export const terms = (list) => list.map(([term, value]) => make('div', '', make('dt', '', term), make('dd', '', value)));

// Sets text, or children, where they differ, so that a selection stays.
export function setText(element, text) {
	if (element.textContent !== text) element.textContent = text;
}

export function setChildren(element, ...children) {
	const wanted = make('div', '', ...children).childNodes;
	const had = element.childNodes;
	if (wanted.length !== had.length || [...wanted].some((node, index) => !node.isEqualNode(had[index]))) element.replaceChildren(...wanted);
}

// Shows options in a <select>; the chosen one stays chosen.
export function offer(select, options) {
	const had = select.value;
	setChildren(select, ...options);
	if (options.some(({ value }) => value === had)) select.value = had;
}

// Text of characters that have neither width nor shape.
const blank = /^[\p{DI}\p{Cc}\p{Cf}\p{Z}\u2800]*$/u;

// A stranger's name, where there is nothing but text.
export const called = (text = '') => (blank.test(text) ? '(no name)' : text);

// The same, isolated from the direction of its surroundings.
export function name(text) {
	const shown = called(text ?? '');
	return shown === text ? make('bdi', '', text) : make('span', 'muted', shown);
}

// A state as a word with a coloured dot; `tone` is one of good, fair, bad, idle.
export const badge = (tone, word) => make('span', `badge ${tone}`, word);

// `3 wires`, `1 wire`.
export const count = (number, noun) => `${number} ${noun}${number === 1 ? '' : 's'}`;

// Milliseconds with one decimal, or a dash where there is no number.
export const ms = (value) => (Number.isFinite(value) ? value.toFixed(1) : '–');

// Unix milliseconds as the reader's local time, with the date unless it is today.
export function time(at) {
	const date = new Date(at);
	if (!(at > 0) || Number.isNaN(date.getTime())) return make('span', 'muted', '–');
	const isToday = date.toDateString() === new Date().toDateString();
	const element = make('time', '', isToday ? date.toLocaleTimeString() : date.toLocaleString(undefined, { day: 'numeric', month: 'short', hour: 'numeric', minute: '2-digit' }));
	element.dateTime = date.toISOString();
	return element;
}

// Milliseconds as `12 s`, `3 min`, `2 h`.
function duration(milliseconds) {
	const seconds = Math.round(milliseconds / 1000);
	if (seconds < 120) return `${seconds} s`;
	return seconds < 7200 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3600)} h`;
}

// Brings the children of `parent` in line with `items`: one a key, made once, then updated and moved in place.
export function keep(parent, items, keyOf, create, update) {
	const before = kept.get(parent) ?? new Map();
	const after = new Map();
	let next = parent.firstElementChild;
	for (const item of items) {
		let key = String(keyOf(item));
		while (after.has(key)) key += '\0';
		const element = before.get(key) ?? create(item);
		after.set(key, element);
		if (element === next) next = next.nextElementSibling;
		else parent.insertBefore(element, next);
		update(element, item);
	}
	for (const [key, element] of before) if (!after.has(key)) element.remove();
	kept.set(parent, after);
}

// Around every page: links, the word that the hub is lost, a live region.

const pages = { './': 'Live', test: 'Test', 'participants.html': 'Participants', 'midihub.html': 'Latency' };
const news = make('p', 'unseen');
const lost = make('p', 'lost');
export const updated = make('span', 'updated muted');
news.role = 'status';
lost.hidden = true;
lost.id = 'lost';

const here = location.pathname.split('/').at(-1) || './';
const anchor = (className, href, word) => Object.assign(make('a', className, word), { href, ariaCurrent: word !== 'MIDI Hub' && href === here ? 'page' : null });
const nav = make('nav', '', ...Object.entries(pages).map((page) => anchor('', ...page)));
nav.ariaLabel = 'Pages';
document.body.prepend(anchor('skip', '#main', 'Skip to the content'), make('header', 'top', anchor('brand', './', 'MIDI Hub'), nav, updated), lost, news);

export const announce = (text) => setText(news, text);

let link = { state: 'asking', cause: '', seen: Date.now() };

// While the link to the hub is lost the page is grey, and says for how long.
export function showLink(state) {
	const was = isLost();
	link = state;
	const gone = isLost();
	document.body.classList.toggle('is-lost', gone);
	for (const control of document.querySelectorAll('.live-only')) control.disabled = gone;
	lost.hidden = !gone;
	updated.hidden = gone;
	if (gone) setText(lost, `${link.cause} Last seen ${duration(Date.now() - link.seen)} ago. This page comes back by itself.`);
	if (gone !== was) announce(gone ? link.cause : 'The hub is back.');
}

// Keeps `model` as the hub tells it; `changed` hears of each piece, as view and data.
export function follow(model, changed) {
	subscribe((batch) => {
		for (const [view, data] of batch) {
			if (view === 'link') {
				showLink(data);
				setText(updated, data.state === 'live' ? 'Live' : '');
			} else {
				apply(model, view, data);
				changed(view, data);
			}
		}
	});
}

export const isLost = () => link.state === 'lost';

setInterval(() => isLost() && showLink(link), 1000);

export function reveal() {
	byID('waiting').hidden = true;
	byID('data').hidden = false;
}
