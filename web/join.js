// How to join: the addresses to connect to, the steps for each system with the first of them filled in, and the wait.

import { byID, make, name, setChildren, setText } from './page.js';
import { say } from './control.js';

const loopback = /^(localhost|127\..*|::1|\[::1\]|)$/;

/** `192.0.2.7:5004` or `[2001:db8::7]:5004` as host and port, or null. */
function parse(address) {
	const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(address);
	return match && { host: match[1] ?? match[2], port: Number(match[3]) };
}

const written = ({ host, port }) => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);

/**
 * The hub's own addresses; before them, unless it is one of them, the host by which this page was reached: on a
 * cloud machine that is the public one, which the hub itself cannot see.
 */
function places(status) {
	const known = (status.addresses ?? []).map(parse).filter(Boolean);
	const ports = new Set([...known.map(({ port }) => port), ...(status.engines ?? []).map(({ port }) => port)].filter(Number.isInteger));
	const here = location.hostname.replace(/^\[|\]$/g, '');
	if (loopback.test(here) || known.some(({ host }) => host === here)) return known;
	return [...[...ports].map((port) => ({ host: here, port })), ...known];
}

/** Fills the join card. */
export function showJoin(status) {
	const all = places(status);
	const codes = all.map((place) => make('li', '', make('code', '', written(place))));
	setChildren(byID('addresses'), ...codes);
	byID('addresses').hidden = all.length === 0;
	byID('no-address').hidden = all.length > 0;

	const host = all[0]?.host ?? 'the hub’s address';
	const port = all[0]?.port ?? status.engines?.[0]?.port ?? 5004;
	const place = all[0] ? written(all[0]) : `HOST:${port}`;
	// A stranger's name again: isolated, so that its direction cannot turn the steps around.
	const entry = `Name \u2068${status.name}\u2069, Host ${host}, Port ${port}.`;
	const fill = { host, port: String(port), next: String(port + 1), hub: String(status.name), place, entry };
	for (const element of document.querySelectorAll('[data-fill]')) setText(element, fill[element.dataset.fill]);
}

let waited = false;
let fading = 0;

/** While nobody is here the card waits, and says whom it then hears. */
export function wait(participants) {
	const people = [...participants.values()];
	const card = byID('join');
	const heard = byID('heard');
	if (people.length === 0) waited = true;
	card.classList.toggle('first', people.length === 0);
	const newest = waited && people.at(-1);
	if (newest && !fading) fading = setTimeout(() => ([waited, fading] = [false, 0]), 60000);
	heard.hidden = people.length > 0 && !newest;
	heard.classList.toggle('good', Boolean(newest));
	setChildren(heard, ...(newest ? ['We hear you, ', name(newest.name), '.'] : people.length ? [] : ['Waiting for you…']));
	return people.length === 0;
}

byID('copy').addEventListener('click', () => {
	const command = byID('command');
	getSelection().selectAllChildren(command);
	// The clipboard is there for pages that came encrypted or from this machine; elsewhere the command is selected.
	const copied = navigator.clipboard?.writeText(command.textContent) ?? Promise.reject();
	copied.then(() => say('Copied.'), () => say(document.execCommand('copy') ? 'Copied.' : 'Selected: copy it with your keyboard.'));
});

/** Opens the steps of the system this browser runs on. */
export function openOwnSystem() {
	const agent = navigator.userAgent;
	const touchMac = /Macintosh/.test(agent) && navigator.maxTouchPoints > 1;
	const system = /iPhone|iPad/.test(agent) || touchMac ? 'ios' : /Macintosh/.test(agent) ? 'macos' : /Windows/.test(agent) ? 'windows' : /Android/.test(agent) ? null : 'linux';
	if (system) byID(`join-${system}`).open = true;
}
