// The latest events in words, newest first, filtered as the reader likes.

import { badge, byID, keep, make, setChildren, setText, time } from './page.js';
import { isolated } from './words.js';

const tones = { __proto__: null, warning: 'fair', error: 'bad' };
let known;

// Whether it is worth saying to who cannot see: who came and went, and what went wrong.
export const isNews = ({ kind, severity }) => severity in tones || isPeople({ kind });

const isPeople = ({ kind }) => ['joined', 'left', 'lost'].includes(kind);
const tests = { '': () => true, people: isPeople, trouble: ({ severity }) => severity in tones };

const what = ({ at, atLatest, severity, text, participant }) => [
	time(at), ...(atLatest > at ? ['to ', time(atLatest), ' '] : []),
	...(severity in tones ? [badge(tones[severity], severity), ' '] : []), ...isolated(text, participant),
];

// Shows the events that are known, null where the hub cannot tell.
export function showEvents(events) {
	if (events !== known) show(known = events);
}

function show(events) {
	const wanted = byID('words').value.trim().toLowerCase();
	const fitting = (events ?? []).filter((event) => tests[byID('kinds').value](event) && event.text.toLowerCase().includes(wanted));
	setText(byID('events-note'), fitting.length ? '' : events ? 'Nothing like that happened lately.' : 'The hub cannot tell at the moment.');
	keep(byID('events'), fitting, ({ id }) => id, () => make('li'), (item, event) => setChildren(item, ...what(event)));
}

for (const id of ['kinds', 'words']) byID(id).addEventListener('input', () => show(known));
