// The page's link to the hub: asks again and again, never twice at once, greys the page while the hub does not
// answer and comes back by itself. The page has the elements #refresh, #updated, #lost, #news, #waiting and #data.

import { announce, byID, duration, now, setText } from './page.js';

const patience = 5000;

/** The hub answered, but not well; `status` is HTTP's. */
class Refusal extends Error {
	constructor(status) {
		super(`HTTP ${status}`);
		this.status = status;
	}
}

/** The JSON at `path`, relative to the page; throws `Refusal`, or what fetch throws. */
async function get(path, signal) {
	const answer = await fetch(path, { cache: 'no-store', signal });
	if (!answer.ok) throw new Refusal(answer.status);
	return answer.json();
}

/**
 * Calls `read(get)`, hands its result to `show`, and does so again `every` milliseconds after each answer, at a press
 * of the button, and when the page comes into view again. While it is out of view nothing is asked.
 */
export function follow({ every, read, show }) {
	let timer = 0;
	let busy = false;
	let again = false;
	let pressed = false;
	let leaving = false;
	let lastSeen = Date.now();
	let trouble = null;

	function tellTrouble() {
		const cause = trouble instanceof Refusal ? `The hub answers with an error (${trouble.message}).` : 'The hub does not answer.';
		setText(byID('lost-cause'), cause);
		setText(byID('lost-age'), `Last seen ${duration(Date.now() - lastSeen)} ago.`);
		return cause;
	}

	function setTrouble(error) {
		const was = trouble;
		trouble = error;
		document.body.classList.toggle('is-lost', error !== null);
		byID('lost').hidden = error === null;
		if (error !== null) {
			const cause = tellTrouble();
			if (was === null) announce(cause);
		} else if (was !== null) {
			announce('The hub is back.');
		}
	}

	/** One round of requests; none of them outlives it. Gives null when the hub did not answer in time. */
	async function ask() {
		const giveUp = new AbortController();
		const timeout = setTimeout(() => giveUp.abort(), patience);
		try {
			const data = await read((path) => get(path, giveUp.signal));
			lastSeen = Date.now();
			setTrouble(null);
			return data;
		} catch (error) {
			if (!leaving) setTrouble(error);
			return null;
		} finally {
			clearTimeout(timeout);
			giveUp.abort();
		}
	}

	async function refresh() {
		clearTimeout(timer);
		if (busy) {
			again = true;
			return;
		}
		busy = true;
		try {
			const data = await ask();
			if (data === null) return;
			byID('waiting').hidden = true;
			byID('data').hidden = false;
			setText(byID('updated'), `Updated ${now()}`);
			if (pressed) announce(`Updated ${now()}`);
			pressed = false;
			show(data);
		} finally {
			busy = false;
			if (again) {
				again = false;
				refresh();
			} else if (!document.hidden && !leaving) {
				timer = setTimeout(refresh, every);
			}
		}
	}

	byID('refresh').addEventListener('click', () => {
		pressed = true;
		refresh();
	});
	document.addEventListener('visibilitychange', () => {
		if (!document.hidden) refresh();
	});
	window.addEventListener('pagehide', () => {
		leaving = true;
	});
	window.addEventListener('pageshow', (event) => {
		leaving = false;
		if (event.persisted) refresh();
	});
	setInterval(() => {
		if (trouble !== null) tellTrouble();
	}, 1000);
	refresh();
}
