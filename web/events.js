// The latest events in words, newest first, filtered as the reader likes.

import { badge, byID, rows, sentence, setText, time } from './page.js';
import { get } from './feed.js';

const severities = { __proto__: null, warning: ['fair', 'warning'], error: ['bad', 'error'] };
const people = new Set(['joined', 'left', 'lost', 'renamed', 'silent']);
const older = [];
let known = [];
let shown = 20;

const when = ({ at, atLatest }) => (Number.isFinite(atLatest) && atLatest > at ? [time(at), ' to ', time(atLatest)] : [time(at)]);

const what = (event) => [
  ...(event.severity in severities ? [badge(...severities[event.severity]), ' '] : []),
  ...sentence(String(event.text), event.participant),
];

function fits(event) {
  const kind = byID('kinds').value;
  if (kind === 'people' && !people.has(event.kind)) return false;
  if (kind === 'trouble' && !(event.severity in severities)) return false;
  return String(event.text).toLowerCase().includes(byID('words').value.trim().toLowerCase());
}

/** Shows the events that are known; null where the hub cannot tell. */
export function showEvents(events) {
  known = events;
  const all = [...(events ?? []), ...older.filter(({ id }) => !(events?.at(-1)?.id <= id))];
  const fitting = all.filter(fits);
  const empty = fitting.length === 0;
  byID('events').hidden = empty;
  byID('events-note').hidden = !empty;
  setText(byID('events-note'), events === null ? 'The hub cannot tell at the moment.' : all.length ? 'Nothing like that happened lately.' : 'Nothing has happened yet.');
  rows(byID('events').tBodies[0], fitting.slice(0, shown), ({ id }) => id, [when, what]);
  byID('older').hidden = fitting.length <= shown && !(all.at(-1)?.id > 1);
}

async function more() {
  shown += 20;
  const all = [...(known ?? []), ...older];
  if (all.filter(fits).length < shown && all.length) {
    const before = Math.min(...all.map(({ id }) => id));
    const { events } = await get(`events?limit=200&before=${before}`).catch(() => ({ events: [] }));
    older.push(...events.filter(({ id }) => id < before).sort((a, b) => b.id - a.id));
  }
  showEvents(known);
}

byID('older').addEventListener('click', more);
for (const id of ['kinds', 'words']) byID(id).addEventListener('input', () => showEvents(known));
