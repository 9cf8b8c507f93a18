// The feed of news, in a worker: one stream for all tabs. A tab says hello or bye; it gets
// batches of [view, data]: the model so far, then what comes, and ['link', { state, cause, seen }], live or lost.

import { empty, get, apply } from './model.js';

const timeout = 5000;
// The hub tells of round trips more often: a stream that is silent for so long may be dead.
const longest = 40000;
const views = ['status', 'participants', 'rooms', 'wires', 'latency', 'activity', 'sounding', 'connections', 'offers', 'failover', 'event'];
const model = empty();
const tabs = new Set();
let link = { state: 'asking', cause: '', seen: Date.now() };
let stream = null;
let heard = 0;

function tell(view, data) {
	apply(model, view, data);
	for (const tab of tabs) tab.postMessage([[view, data]]);
}

function say(state, cause = '') {
	link = { state, cause, seen: state === 'live' ? Date.now() : link.seen };
	tell('link', link);
}

const reach = () => fetch(new URL('healthz', import.meta.url), { cache: 'no-store', signal: AbortSignal.timeout(timeout) });

function connect() {
	heard = Date.now();
	stream?.close();
	stream = new EventSource(new URL(`api/v1/stream?views=${views}`, import.meta.url));
	stream.onopen = catchUp;
	stream.onerror = () => reach().then(() => lose('The hub gives no news at the moment.'), () => lose());
	stream.addEventListener('reset', catchUp);
	for (const view of views) {
		stream.addEventListener(view, ({ data }) => {
			heard = link.seen = Date.now();
			tell(view, JSON.parse(data));
		});
	}
}

// The latest events: of the stream come only those from now on. Where the store is down there are none.
async function catchUp() {
	say('live');
	try {
		tell('events', (await get('api/v1/events?limit=100')).events);
	} catch (error) {
		if (error.status === 503) tell('events', null);
		else lose(error.status && error.message);
	}
}

function lose(cause = 'The hub does not answer.') {
	if (stream === null) return;
	stream.close();
	stream = null;
	say('lost', cause);
	setTimeout(connect, 1000);
}

// A connection may break, or a hub hang, without notice: a hub that has been silent for long is asked.
setInterval(async () => {
	const quiet = Date.now() - heard;
	if (stream === null || quiet < timeout) return;
	if (quiet > longest) return connect();
	const asked = stream;
	try {
		await reach();
		if (link.state === 'live') link.seen = Date.now();
	} catch {
		if (asked === stream) lose();
	}
}, timeout / 2);

function serve(tab) {
	tab.onmessage = ({ data }) => {
		tabs.delete(tab);
		if (data === 'bye') return;
		tabs.add(tab);
		tab.postMessage([['model', model], ['link', link]]);
	};
}

if ('onconnect' in self) self.onconnect = ({ ports: [tab] }) => serve(tab);
else serve(self);
connect();
