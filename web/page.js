// What every page needs to put data on the screen. Names and sentences come from strangers: they reach the page
// as text nodes only, names inside <bdi> so that their direction cannot turn the text around them.

const kept = new WeakMap();

/** The element with this id. */
export const byID = (id) => document.getElementById(id);

/** A new element; `children` are nodes or strings, and strings become text. */
export function make(tag, className = '', ...children) {
	const element = document.createElement(tag);
	if (className) element.className = className;
	element.append(...children);
	return element;
}

/** Sets text only where it differs, so that a selection and a reader's place stay where they are. */
export function setText(element, text) {
	if (element.textContent !== text) element.textContent = text;
}

/** Says something once to screen readers. */
export const announce = (text) => setText(byID('news'), text);

/** Gives `element` these children, unless it shows the same already. */
export function setChildren(element, ...children) {
	const wanted = make('div', '', ...children).childNodes;
	const same = wanted.length === element.childNodes.length && [...wanted].every((node, index) => node.isEqualNode(element.childNodes[index]));
	if (!same) element.replaceChildren(...wanted);
}

/** A stranger's name, isolated from the direction of its surroundings. */
export function name(text) {
	const shown = String(text ?? '');
	return shown.trim() === '' ? make('span', 'muted', '(no name)') : make('bdi', '', shown);
}

/** English text in which `who`, where it occurs, is isolated as a name. */
export function sentence(text, who) {
	const at = who ? text.indexOf(who) : -1;
	return at < 0 ? [text] : [text.slice(0, at), name(who), text.slice(at + who.length)];
}

/** A state as a word with a coloured dot; `tone` is one of good, fair, bad, idle. */
export const badge = (tone, word) => make('span', `badge ${tone}`, word);

/** `3 wires`, `1 wire`. */
export const count = (number, noun) => `${number} ${noun}${number === 1 ? '' : 's'}`;

/** Milliseconds with one decimal, or a dash where there is no number. */
export const ms = (value) => (Number.isFinite(value) ? value.toFixed(1) : '–');

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const calendar = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', hour: 'numeric', minute: '2-digit' });

/** Unix milliseconds as the reader's local time, with the date unless it is today. */
export function time(at) {
	const date = new Date(at);
	if (!Number.isFinite(at) || at <= 0 || Number.isNaN(date.getTime())) return make('span', 'muted', '–');
	const today = date.toDateString() === new Date().toDateString();
	const element = make('time', '', (today ? clock : calendar).format(date));
	element.dateTime = date.toISOString();
	return element;
}

/** The time of day now, with seconds. */
export const now = () => clock.format(new Date());

/** Milliseconds as `12 s`, `3 min`, `2 h`, `4 days`. */
export function duration(milliseconds) {
	const seconds = Math.max(0, Math.round(milliseconds / 1000));
	if (seconds < 120) return `${seconds} s`;
	if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
	return seconds < 172800 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86400)} days`;
}

/**
 * Brings the children of `parent` in line with `items`: one child a key, made once, then updated and moved in place.
 * Equal keys are told apart by their order.
 */
export function keep(parent, items, keyOf, create, update) {
	const before = kept.get(parent) ?? new Map();
	const after = new Map();
	for (const item of items) {
		let key = String(keyOf(item));
		while (after.has(key)) key += '\0';
		after.set(key, { item, element: before.get(key) ?? create(item) });
		before.delete(key);
	}
	for (const element of before.values()) element.remove();
	let place = parent.firstElementChild;
	for (const { item, element } of after.values()) {
		if (element === place) place = place.nextElementSibling;
		else parent.insertBefore(element, place);
		update(element, item);
	}
	kept.set(parent, new Map([...after].map(([key, { element }]) => [key, element])));
}
