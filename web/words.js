// States and judgements as words for people.

import { make, name } from './page.js';

const tones = { __proto__: null, present: 'good', up: 'good', silent: 'fair', muted: 'fair', starting: 'fair', stopping: 'fair', failed: 'bad', connected: 'good', inviting: 'fair', refused: 'bad', unreachable: 'bad' };

// A state of a participant or an engine as tone and word, for `badge`.
export const stateOf = (state) => [tones[state] ?? 'idle', state];

// What is to be said beneath a participant's name: what it is, its direction if it has only one, and the hub's remark.
export function remarks({ sends, receives, remark, device, controller, focus, invited }) {
	const direction = sends && !receives ? 'only sends' : receives && !sends ? 'only receives' : '';
	const kind = device ? `${device}, plugged into the hub’s machine` : invited && 'invited by the hub';
	return [kind, controller && 'a controller', focus && 'has the focus', direction, remark].filter(Boolean).map((text) => make('span', 'remark', text));
}

// A sentence of the hub's, in which the name is isolated.
export function isolated(text, who) {
	const at = who?.trim() ? text.indexOf(who) : -1;
	return at < 0 ? [text] : [text.slice(0, at), name(who), text.slice(at + who.length)];
}

const tone = { good: 'good', playable: 'fair', hard: 'bad' };

// The hub's limits of quality, as a sentence.
export const thresholds = (limits = []) => [...limits.map(({ quality, rtt, jitter, loss }) => `${quality}: round trip up to ${rtt} ms, jitter up to ${jitter} ms, loss up to ${loss * 100} %`), 'hard: beyond'].join('; ');

// How it is to play with somebody at this round trip (ms), as tone and word. Where unknown, jitter and loss do not count.
export function verdict(limits, trip, { jitter = 0, loss = 0 }) {
	if (!limits || !Number.isFinite(trip)) return ['idle', 'not measured'];
	const word = limits.find((limit) => trip <= limit.rtt && jitter <= limit.jitter && loss <= limit.loss)?.quality ?? 'hard';
	return [tone[word], word];
}
