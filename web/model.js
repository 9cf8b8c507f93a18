// What is known of the hub: each view's newest items by id, ten minutes of latency, the latest events.

const tenMinutes = 600000;
const mostEvents = 500;
const keys = { participants: ({ id }) => id, rooms: ({ name }) => name, wires: ({ from, to }) => `${from} ${to}` };

export const empty = () => ({
	status: null,
	participants: new Map(),
	rooms: new Map(),
	/** By `from to`; those with a `reason` are no wires but say why there is none. */
	wires: new Map(),
	/** Points [Unix ms, RTT ms] by participant. */
	latency: new Map(),
	/** Newest first; null where the hub cannot tell. */
	events: [],
	/** The newest event's id; null before any are known. */
	newest: null,
});

/** The id of what is gone; a wire's is its two ends, however they are written. */
const gone = (view, id) => (view !== 'wires' ? id : id instanceof Object ? keys.wires(id) : String(id).match(/\d+/g)?.join(' '));

/** Takes in one piece of news. */
export function take(model, view, data) {
	if (view === 'status') model.status = data.all;
	else if (view in keys) {
		if (data.all) model[view] = new Map();
		for (const item of [...(data.all ?? []), ...(data.changed ?? []), ...(data.cells ?? [])]) model[view].set(keys[view](item), item);
		for (const id of data.removed ?? []) model[view].delete(gone(view, id));
	} else if (view === 'latency') {
		if (data.all) model.latency = new Map();
		const since = Date.now() - tenMinutes;
		for (const { participant, points } of data.all ?? data.changed) {
			const before = model.latency.get(participant) ?? [];
			model.latency.set(participant, [...before, ...points].filter(([at]) => at >= since));
		}
	} else if (view === 'events') {
		model.events = data && [...data].sort((a, b) => b.id - a.id);
		model.newest = data && (model.events[0]?.id ?? 0);
	} else if (view === 'event') {
		model.events ??= [];
		if (data.id <= model.newest) return;
		model.events = [data, ...model.events].slice(0, mostEvents);
		model.newest = data.id;
	}
}

/** The model as news that make it. */
export function whole(model) {
	const states = Object.keys(keys).map((view) => [view, { all: [...model[view].values()] }]);
	const latency = [...model.latency].map(([participant, points]) => ({ participant, points }));
	const known = model.status ? [['status', { all: model.status }], ...states, ['latency', { all: latency }]] : [];
	return [...known, ['events', model.events]];
}
