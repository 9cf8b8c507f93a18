// How to join: the addresses, the steps with the first of them filled in, and the wait.

import { byID, make, name, setChildren, setText } from './page.js';
import { say } from './control.js';

const loopback = /^(localhost|127\..*|\[::1\]|)$/;

// The host of this page, which a hub behind NAT cannot know, then the hub's own addresses.
function addressesOf({ addresses, engines }) {
	const here = location.hostname;
	if (loopback.test(here) || addresses.some((address) => address.startsWith(`${here}:`))) return addresses;
	return [...new Set(engines.map(({ port }) => `${here}:${port}`)), ...addresses];
}

export function showJoin(status) {
	const all = addressesOf(status);
	setChildren(byID('addresses'), ...all.map((address) => make('li', '', make('code', '', address))));
	const first = all[0] ?? `HOST:${status.engines[0]?.port ?? 5004}`;
	const [, host, port] = /^\[?(.*?)\]?:(\d+)$/.exec(first);
	// A stranger's name again: isolated, so that its direction cannot turn the steps around.
	const entry = `Name \u2068${status.name}\u2069, Host ${host}, Port ${port}.`;
	const fill = { host, port, next: String(Number(port) + 1), place: first, entry };
	for (const element of document.querySelectorAll('[data-fill]')) setText(element, fill[element.dataset.fill]);
}

let waited = false;
let readersChoice = false;

// The card waits for the first, and says whom it hears.
export function wait(people) {
	const isAlone = people.length === 0;
	waited ||= isAlone;
	const newest = waited && Date.now() - people.at(-1)?.since < 60000 && people.at(-1);
	byID('join').classList.toggle('first', isAlone);
	byID('heard').hidden = !isAlone && !newest;
	byID('heard').classList.toggle('good', Boolean(newest));
	setChildren(byID('heard'), ...(newest ? ['We hear you, ', name(newest.name), '.'] : ['Waiting for you…']));
	if (!readersChoice) byID('how').open = isAlone;
}

byID('how').querySelector('summary').addEventListener('click', () => (readersChoice = true));
byID('copy').addEventListener('click', () => {
	getSelection().selectAllChildren(byID('command'));
	// navigator.clipboard is for pages that came encrypted only.
	say(document.execCommand('copy') ? 'Copied.' : 'Selected: copy it with your keyboard.');
});

// The steps of the system that this browser runs on are open.
const systems = { ios: /iPhone|iPad/, desktop: /Macintosh|Windows/, linux: /Linux(?!; Android)/ };
const system = Object.keys(systems).find((key) => systems[key].test(navigator.userAgent));
if (system) byID(`join-${system}`).open = true;
