// What changes something: each needs the hub's token, which the address may bring in its fragment and which this
// tab's session keeps. Questions are asked in the page's one dialog.

import { announce, byID, make, name, setChildren, setText } from './page.js';

const given = new URLSearchParams(location.hash.slice(1)).get('token');
if (given) {
	sessionStorage.setItem('token', given);
	history.replaceState(null, '', location.pathname + location.search);
}

let hiding = 0;

/** Says how it went, to eyes and to screen readers; stays for a while. */
export function say(...words) {
	const toast = byID('toast');
	setChildren(toast, ...words);
	announce(toast.textContent);
	toast.hidden = false;
	clearTimeout(hiding);
	hiding = setTimeout(() => (toast.hidden = true), 8000);
}

/** Asks; gives the chosen value (an input's text for `true`), or null. `choices` are [value, ...label] in order. */
export function ask({ title, text = '', choices, secret = false }) {
	const dialog = byID('ask');
	const input = byID('secret');
	setChildren(byID('ask-title'), ...title);
	setText(byID('ask-text'), text);
	byID('secret-label').hidden = !secret;
	input.value = '';
	return new Promise((done) => {
		let chosen = null;
		const choose = (value) => {
			chosen = value === true ? input.value.trim() || null : value;
			dialog.close();
		};
		const buttons = [...choices, [null, 'Cancel']].map(([value, ...label]) => {
			const button = make('button', value === null ? 'quiet' : '', ...label);
			button.type = 'button';
			button.addEventListener('click', () => choose(value));
			return button;
		});
		byID('choices').replaceChildren(...buttons);
		input.onkeydown = ({ key }) => key === 'Enter' && choose(true);
		dialog.addEventListener('close', () => done(chosen), { once: true });
		dialog.showModal();
		(secret ? input : buttons[0]).focus();
	});
}

async function token(text) {
	const kept = sessionStorage.getItem('token');
	if (kept && !text) return kept;
	const typed = await ask({ title: ['The hub’s token'], text: text ?? 'Changing something needs it. It stays in this tab.', choices: [[true, 'Use it']], secret: true });
	if (typed) sessionStorage.setItem('token', typed);
	return typed;
}

/** Sends an order; gives whether it was done, having said why not. */
export async function order(method, path, query = {}) {
	const words = new URLSearchParams(Object.entries(query)).toString();
	let wrong;
	for (;;) {
		const bearer = await token(wrong);
		if (!bearer) return false;
		try {
			const headers = { Authorization: `Bearer ${bearer.replace(/[^!-~]/g, '?')}` };
			const answer = await fetch(`api/v1/${path}${words && `?${words}`}`, { method, headers, signal: AbortSignal.timeout(10000) });
			if (answer.ok) return true;
			if (answer.status === 401) {
				sessionStorage.removeItem('token');
				wrong = 'That token is not this hub’s. The hub’s machine keeps it in a file named token.';
			} else {
				const { detail } = await answer.json().catch(() => ({}));
				const wait = answer.headers.get('Retry-After');
				say(`Not done: ${detail ?? `HTTP ${answer.status}`}${wait ? ` Try again in ${wait} s.` : ''}`);
				return false;
			}
		} catch {
			say('Not done: the hub does not answer.');
			return false;
		}
	}
}

let again = null;

function calm() {
	clearTimeout(again?.timer);
	again = null;
	setText(byID('panic'), 'Panic');
	byID('panic').classList.remove('again');
}

/** The panic button: asks once, releases what sounds; pressed again within two seconds, everything. */
export async function panic(rooms) {
	if (again) {
		const { query } = again;
		calm();
		if (await order('POST', 'panic', { ...query, all: 1 })) say('Everything was released, on every channel.');
		return;
	}
	const everywhere = [{}, rooms.length > 1 ? 'All rooms' : 'Release'];
	const choices = rooms.length > 1 ? rooms.map((room) => [{ room }, name(room)]) : [];
	const query = await ask({ title: ['Release every sounding note?'], text: 'Pressed again within two seconds: all notes, pedals and bends, sounding or not.', choices: [...choices, everywhere] });
	if (!query || !(await order('POST', 'panic', query))) return;
	say('What sounded was released.');
	setText(byID('panic'), 'Again: everything');
	byID('panic').classList.add('again');
	again = { query, timer: setTimeout(calm, 2000) };
}

/** The stuck-note box of one participant. */
export async function stuck({ id, name: who }) {
	const choices = [['0-47', 'Low'], ['48-71', 'Middle'], ['72-127', 'High'], ['0-127', 'All notes']];
	const range = await ask({ title: ['A note hangs at ', name(who), '?'], text: 'It is sent a note-off for each of these notes, on every channel.', choices });
	if (!range) return;
	const [from, to] = range.split('-');
	if (await order('POST', `participants/${id}/notes-off`, { from, to })) say('Note-offs were sent to ', name(who), '.');
}
