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
