// What the hub tells: its stream of news, or, from a hub that has none at the moment, its answers again and again.
// Runs in the page or, for all tabs at once, in worker.js. `post` gets [view, data] for each piece of news and
// ['link', { state, cause, seen }] with the state live, asking or lost.

import { empty, take, whole } from './model.js';

const base = new URL('api/v1/', import.meta.url);
const patience = 5000;
const beat = 15000;

/** The JSON at `path` beneath /api/v1/; throws an error with `status` where the hub refuses. */
export async function get(path, signal = AbortSignal.timeout(patience)) {
	const answer = await fetch(new URL(path, base), { cache: 'no-store', signal });
	if (!answer.ok) throw refusal(answer);
	return answer.json();
}

/** A whole list, page after page. */
export async function list(path) {
	const whole = {};
	let cursor = '';
	do {
		const { next, ...parts } = await get(path + cursor);
		for (const [name, items] of Object.entries(parts)) whole[name] = [...(whole[name] ?? []), ...items];
		cursor = next && `${path.includes('?') ? '&' : '?'}cursor=${next}`;
	} while (cursor);
	return whole;
}

const refusal = ({ status }) => Object.assign(new Error(`The hub answers with an error (HTTP ${status}).`), { status });
const pause = (time) => new Promise((done) => setTimeout(done, time));

export class Feed {
	model = empty();
	link = { state: 'asking', cause: '', seen: Date.now() };

	constructor(post) {
		this.post = post;
	}

	/** Everything so far, for one who comes later. */
	whole() {
		return [...whole(this.model), ['link', this.link]];
	}

	tell(view, data) {
		take(this.model, view, data);
		this.post([view, data]);
	}

	say(state, cause = '') {
		this.link = { state, cause, seen: state === 'lost' ? this.link.seen : Date.now() };
		this.post(['link', this.link]);
	}

	async run() {
		for (;;) {
			try {
				await this.catchUp();
				if (!(await this.listen())) await this.ask();
			} catch (error) {
				this.say('lost', error.status ? error.message : 'The hub does not answer.');
				await pause(1000);
			}
		}
	}

	/** The latest events; where the store is down there are none, which is no reason to be lost. */
	async catchUp() {
		const { newest } = this.model;
		try {
			const { events } = await (newest ? list(`events?after=${newest}&limit=1000`) : get('events?limit=100'));
			if (newest) for (const event of events.sort((a, b) => a.id - b.id)) this.tell('event', event);
			else this.tell('events', events);
		} catch (error) {
			if (error.status !== 503) throw error;
			if (!newest) this.tell('events', null);
		}
	}

	/** Reads the stream until it ends; false where the hub gives none. Throws when the hub is gone. */
	async listen() {
		const end = new AbortController();
		let heard = Date.now();
		let probing = false;
		let dead = null;
		const stop = (error) => {
			dead ??= error;
			end.abort();
		};
		// A connection may die, and a hub hang, without a word. Beats come every 15 s: who is quiet is asked before that.
		const watch = setInterval(async () => {
			const quiet = Date.now() - heard;
			if (quiet > 2.5 * beat) stop(new Error('quiet'));
			if (quiet < patience || probing || this.link.state !== 'live') return;
			probing = true;
			try {
				await fetch(new URL('../../healthz', base), { cache: 'no-store', signal: AbortSignal.timeout(patience) });
				this.link.seen = Date.now();
			} catch (error) {
				stop(error);
			}
			probing = false;
		}, 2000);
		const first = setTimeout(stop, patience, new Error('no answer'));
		try {
			const headers = this.model.newest === null ? {} : { 'Last-Event-ID': String(this.model.newest) };
			const answer = await fetch(new URL('stream', base), { cache: 'no-store', headers, signal: end.signal });
			clearTimeout(first);
			if ([404, 405, 429, 503].includes(answer.status)) return false;
			if (!answer.ok) throw refusal(answer);
			this.say('live');
			const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
			let text = '';
			for (;;) {
				const { done, value } = await reader.read();
				if (done) return true;
				heard = this.link.seen = Date.now();
				const lines = (text + value).split(/\r\n|\n|\r(?!$)/);
				text = lines.pop();
				for (const line of lines) await this.line(line);
			}
		} catch (error) {
			throw dead ?? error;
		} finally {
			clearTimeout(first);
			clearInterval(watch);
			end.abort();
		}
	}

	/** One line of text/event-stream. */
	async line(line) {
		if (line !== '') {
			const [, field, value] = /^([^:]*)(?:: ?(.*))?$/s.exec(line);
			if (field === 'event') this.view = value;
			if (field === 'data') this.data = this.data === undefined ? value : `${this.data}\n${value}`;
			return;
		}
		const { view, data } = this;
		this.view = this.data = undefined;
		if (view === 'reset') {
			this.model.newest = null;
			await this.catchUp();
		} else if (view && data !== undefined) {
			this.tell(view, JSON.parse(data));
		}
	}

	/** Asks every two seconds, for half a minute; then the stream is tried again. */
	async ask() {
		for (let round = 0; round < 15; round += 1) {
			const lists = ['participants', 'rooms', 'wires'];
			const [status, ...answers] = await Promise.all([get('status'), ...lists.map((path) => list(path))]);
			this.tell('status', { all: status });
			lists.forEach((view, index) => this.tell(view, { all: answers[index][view], cells: answers[index].cells }));
			if (round > 0) await this.catchUp();
			if (round % 5 === 0) await this.askLatency();
			this.say('asking');
			await pause(2000);
		}
	}

	async askLatency() {
		const { samples } = await list(`latency?from=${Date.now() - 600000}`).catch(() => ({ samples: [] }));
		const all = new Map();
		for (const { participant, at, rtt } of samples) {
			if (!all.has(participant)) all.set(participant, { participant, points: [] });
			all.get(participant).points.push([at, rtt]);
		}
		this.tell('latency', { all: [...all.values()] });
	}
}
