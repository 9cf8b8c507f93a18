// The latest events in words, newest first, filtered as the reader likes.

import { badge, byID, keep, make, sentence, setChildren, setText, time } from './page.js';
import { get } from './feed.js';

const severities = { __proto__: null, warning: ['fair', 'warning'], error: ['bad', 'error'] };
const people = new Set(['joined', 'left', 'lost']);
let older = [];
let known = [];
let shown = 20;

const tests = {
	'': () => true,
	people: ({ kind }) => people.has(kind),
	trouble: ({ severity }) => severity in severities,
};

const what = ({ at, atLatest, severity, text, participant }) => [
	time(at), ...(atLatest > at ? ['to ', time(atLatest), ' '] : []),
	...(severity in severities ? [badge(...severities[severity]), ' '] : []),
	...sentence(String(text), participant),
];

/** Shows the events that are known, null where the hub cannot tell; gives those that the filter lets through. */
export function showEvents(events) {
	known = events;
	const all = [...(events ?? []), ...older.filter(({ id }) => !(events?.at(-1)?.id <= id))];
	const words = byID('words').value.trim().toLowerCase();
	const fitting = all.filter((event) => tests[byID('kinds').value](event) && String(event.text).toLowerCase().includes(words));
	byID('events-note').hidden = fitting.length > 0;
	setText(byID('events-note'), events === null ? 'The hub cannot tell at the moment.' : 'Nothing like that happened lately.');
	keep(byID('events'), fitting.slice(0, shown), ({ id }) => id, () => make('li'), (item, event) => setChildren(item, ...what(event)));
	byID('older').hidden = fitting.length <= shown && !(all.at(-1)?.id > 1);
	return { all, fitting };
}

byID('older').addEventListener('click', async () => {
	shown += 20;
	const { all, fitting } = showEvents(known);
	if (fitting.length >= shown || all.length === 0) return;
	const { events } = await get(`events?limit=200&cursor=${all.at(-1).id}`).catch(() => ({ events: [] }));
	older = [...older, ...events.sort((a, b) => b.id - a.id)];
	showEvents(known);
});
for (const id of ['kinds', 'words']) byID(id).addEventListener('input', () => showEvents(known));
