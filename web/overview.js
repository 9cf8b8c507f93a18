// The overview: health in words, what is missing and the fix, how to join, who is there, rooms, engines, events.

import { badge, byID, count, keep, make, ms, name, rows, sentence, setChildren, setText, time } from './page.js';
import { announce, follow } from './link.js';
import { openOwnSystem, showJoin } from './join.js';
import { policyOf, remarks, stateOf } from './words.js';

let problemsSaid = null;
let readersChoice = false;

/** The status, which must come, and the lists, each of which may be missing (null) while the rest is shown. */
async function read(get) {
  const list = (what, path) => get(`api/v1/${path}`).then((answer) => answer[what], () => null);
  const lists = [list('participants', 'participants'), list('rooms', 'rooms'), list('events', 'events?limit=20')];
  const status = await get('api/v1/status');
  const [participants, rooms, events] = await Promise.all(lists);
  return { status, participants, rooms, events };
}

function showHealth({ name: hub, health }) {
  document.title = hub;
  setText(byID('hub'), hub);
  byID('health').className = `card health ${health.ok ? 'good' : 'fair'}`;
  setText(byID('sentence'), health.sentence);
  const problems = health.problems ?? [];
  byID('problems').hidden = problems.length === 0;
  keep(byID('problems'), problems, ({ what }) => what, () => make('li'), (item, { what, fix }) => {
    setChildren(item, make('strong', '', what), make('span', 'fix', fix ?? ''));
  });
  const said = problems.map(({ what }) => what).join(' ');
  if (problemsSaid !== null && problemsSaid !== said) announce(said === '' ? health.sentence : said);
  problemsSaid = said;
}

/** Fills the table `id`, or shows its `empty` sentence; `items` is null when the hub could not tell. */
function showTable(id, items, empty, keyOf, columns) {
  const table = byID(id);
  const note = byID(`${id}-note`);
  const full = items !== null && items.length > 0;
  table.hidden = !full;
  note.hidden = full;
  setText(note, items === null ? 'The hub cannot tell at the moment.' : empty);
  rows(table.tBodies[0], items ?? [], keyOf, columns);
}

const participantColumns = [
  (person) => [name(person.name), ...remarks(person)],
  (person) => [name(person.room)],
  (person) => [badge(...stateOf(person.state))],
  (person) => [ms(person.rtt?.average)],
  (person) => [ms(person.rtt?.last)],
  (person) => [time(person.since)],
];

const roomColumns = [
  (room) => [name(room.name), make('span', 'remark', policyOf(room.policy))],
  (room) => [(room.ports ?? []).join(', ')],
  (room) => [String(room.participants)],
  (room) => [String(room.wires)],
];

function aboutEngine(engine) {
  const parts = [`${engine.kind} ${engine.version ?? ''}`.trim()];
  if (engine.port) parts.push(`port ${engine.port}`);
  if (engine.pid) parts.push(`pid ${engine.pid}`);
  if (engine.adopted) parts.push('adopted');
  if (engine.restarts > 0) parts.push(count(engine.restarts, 'restart'));
  return parts.join(', ');
}

const engineColumns = [
  (engine) => [name(engine.name), make('span', 'remark', aboutEngine(engine))],
  (engine) => [badge(...stateOf(engine.state)), ...(engine.reason ? [make('span', 'remark', engine.reason)] : [])],
  (engine) => [time(engine.since)],
];

const severities = { __proto__: null, warning: ['fair', 'warning'], error: ['bad', 'error'] };

function eventTime({ at, atLatest }) {
  return Number.isFinite(atLatest) && atLatest > at ? [time(at), ' to ', time(atLatest)] : [time(at)];
}

const eventColumns = [
  eventTime,
  (event) => [
    ...(event.severity in severities ? [badge(...severities[event.severity]), ' '] : []),
    ...sentence(String(event.text), event.participant),
  ],
];

function showAbout({ version, startedAt, store }) {
  const recording = store?.state === 'recording' ? 'Recording.' : `Not recording${store?.reason ? `: ${store.reason}` : ''}.`;
  setChildren(byID('about'), `MIDI Hub ${version}, running since `, time(startedAt), '. ', recording);
}

function show({ status, participants, rooms, events }) {
  showHealth(status);
  showJoin(status);
  const people = status.counts?.participants ?? participants?.length ?? 0;
  if (!readersChoice) byID('how').open = people === 0;
  const byRoom = participants && [...participants].sort((a, b) => a.port - b.port || a.since - b.since);
  showTable('participants', byRoom, 'Nobody is here yet.', ({ id }) => id, participantColumns);
  showTable('rooms', rooms, 'There is no room.', (room) => room.name, roomColumns);
  showTable('engines', status.engines ?? [], 'No engine is running.', (engine) => engine.name, engineColumns);
  const latest = events && [...events].sort((a, b) => b.id - a.id);
  showTable('events', latest, 'Nothing has happened yet.', ({ id }) => id, eventColumns);
  showAbout(status);
}

byID('how').querySelector('summary').addEventListener('click', () => {
  readersChoice = true;
});
openOwnSystem();
follow({ every: 2000, read, show });
