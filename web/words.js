// The hub's states as people say them.

import { make } from './page.js';

const states = {
	__proto__: null,
	present: ['good', 'here'],
	silent: ['fair', 'silent'],
	ghost: ['idle', 'gone'],
	duplicate: ['idle', 'duplicate'],
	up: ['good', 'up'],
	starting: ['fair', 'starting'],
	stopping: ['fair', 'stopping'],
	down: ['idle', 'down'],
	failed: ['bad', 'failed'],
};

const policies = {
	__proto__: null,
	auto: 'everyone hears everyone, In and Out by name',
	all: 'everyone hears everyone',
	named: 'senders to receivers, by name',
	pair: 'first port in, second port out',
};

/** A state of a participant or an engine as tone and word, for `badge`. */
export const stateOf = (state) => (state in states ? states[state] : ['idle', String(state)]);

/** A room's policy in words. */
export const policyOf = (policy) => (policy in policies ? policies[policy] : String(policy));

/** What is to be said beneath a participant's name: its direction if it has only one, and the hub's remark. */
export function remarks({ sends, receives, remark }) {
	const direction = sends === true && receives === false ? 'only sends' : sends === false && receives === true ? 'only receives' : '';
	return [direction, remark].filter(Boolean).map((text) => make('span', 'remark', text));
}

/** A participant's jitter in ms and loss as a fraction, each undefined where the engine does not know it. */
export function quality({ rtt, jitter = rtt?.jitter, loss = rtt?.loss }) {
	return { jitter: Number.isFinite(jitter) ? jitter : undefined, loss: Number.isFinite(loss) ? loss : undefined };
}

/** Upper limits of a verdict: round trip and jitter in ms, loss as a fraction. */
const limits = [['good', 'good', 30, 5, 0.001], ['fair', 'playable', 60, 15, 0.01]];

export const thresholds = 'good: round trip up to 30 ms, jitter up to 5 ms, loss up to 0.1 %; playable: up to 60 ms, 15 ms, 1 %; hard: beyond';

/** How it is to play with somebody at this round trip, as tone and word. */
export function verdict(trip, { jitter = 0, loss = 0 }) {
	if (!Number.isFinite(trip)) return ['idle', 'not measured'];
	const fitting = limits.find(([, , most, wander, lost]) => trip <= most && jitter <= wander && loss <= lost);
	return fitting ? fitting.slice(0, 2) : ['bad', 'hard'];
}
