// What is known of the hub, by the feed of news, which a browser's tabs share, and by single questions.

const tenMinutes = 600000;
const mostEvents = 500;
const keys = { participants: ({ id }) => id, rooms: ({ name }) => name, wires: ({ from, to }) => `${from}-${to}`, connections: (one) => `${one.room}/${one.name}`, offers: (one) => one.name, sounding: ({ participant }) => participant };

// The JSON at `path`; throws an error with `status` where the hub refuses.
export async function get(path) {
	const answer = await fetch(new URL(path, import.meta.url), { cache: 'no-store', signal: AbortSignal.timeout(5000) });
	if (answer.ok) return answer.json();
	throw Object.assign(new Error(`The hub answers with an error (HTTP ${answer.status}).`), { status: answer.status });
}

// All items of a list, page after page; `path` has a query.
export async function list(path, items) {
	const all = [];
	for (let more = ''; more !== undefined; ) {
		const answer = await get(path + more);
		all.push(...answer[items]);
		more = answer.next && `&cursor=${encodeURIComponent(answer.next)}`;
	}
	return all;
}

// Calls `hear` with every batch of news: a list of [view, data]. The first one has everything so far.
export function subscribe(hear) {
	const url = new URL('feed.js', import.meta.url);
	const port = self.SharedWorker ? new SharedWorker(url, { type: 'module' }).port : new Worker(url, { type: 'module' });
	port.onmessage = ({ data }) => hear(data);
	port.postMessage('hello');
	addEventListener('pagehide', () => port.postMessage('bye'));
	addEventListener('pageshow', ({ persisted }) => persisted && port.postMessage('hello'));
}

export const empty = () => ({
	status: null,
	participants: new Map(),
	rooms: new Map(),
	// By `from-to`; those with a `reason` are no wires but say why there is none.
	wires: new Map(),
	// What each plays at the moment, where the hub is asked for it.
	sounding: new Map(),
	// Whom the rooms invite.
	connections: new Map(),
	// Who is announced on the local network and could be let in.
	offers: new Map(),
	// The other one of two hubs; null where there is none.
	failover: null,
	// Points [Unix ms, RTT ms] by participant.
	latency: new Map(),
	// Newest first; null where the hub cannot tell.
	events: [],
});

export const roomsOf = (model) => [...model.rooms.values()].sort((a, b) => a.ports[0] - b.ports[0]);

export const peopleOf = (model) => [...model.participants.values()].sort((a, b) => a.since - b.since || a.id - b.id);

export function apply(model, view, data) {
	if (view === 'model') Object.assign(model, data);
	else if (view === 'status' || view === 'failover') model[view] = data.all ?? null;
	else if (view in keys) {
		if (data.all) model[view] = new Map();
		for (const item of data.all ?? data.changed) model[view].set(keys[view](item), item);
		for (const id of data.removed ?? []) model[view].delete(id);
	} else if (view === 'latency') {
		if (data.all) model.latency = new Map();
		const since = Date.now() - tenMinutes;
		for (const { participant, points } of data.all ?? data.changed) {
			const before = model.latency.get(participant) ?? [];
			model.latency.set(participant, [...before, ...points].filter(([at]) => at >= since));
		}
	} else if (view === 'events') {
		model.events = data && data.toSorted((a, b) => b.id - a.id);
	} else if (view === 'event' && !(data.id <= model.events?.[0]?.id)) {
		model.events = [data, ...(model.events ?? [])].slice(0, mostEvents);
	}
}
