// The page's end of the feed: shared with the browser's other tabs where it can be.

import { Feed } from './feed.js';

/** Calls `hear` with every batch of news. */
export function subscribe(hear) {
	let own = null;
	const alone = () => {
		if (own) return;
		own = new Feed((news) => hear([news]));
		own.run();
	};
	let port;
	try {
		const worker = new SharedWorker(new URL('worker.js', import.meta.url), { type: 'module' });
		worker.onerror = alone;
		port = worker.port;
	} catch {
		return alone();
	}
	const silence = setTimeout(alone, 3000);
	port.onmessage = ({ data }) => {
		clearTimeout(silence);
		if (!own) hear(data);
	};
	port.postMessage('hello');
	window.addEventListener('pagehide', () => port.postMessage('bye'));
	window.addEventListener('pageshow', ({ persisted }) => persisted && port.postMessage('hello'));
}
