// Who is there: names by port from /participants, with what /api/v1/participants knows of each, when it answers.

import { announce, badge, byID, count, keep, make, ms, name, setChildren, setText, time } from './page.js';
import { rows } from './tables.js';
import { follow } from './link.js';
import { remarks, stateOf } from './words.js';

let detailed = true;
let total = null;

async function read(get) {
  const details = detailed
    ? get('api/v1/participants').catch((error) => {
        if (error.status === 404) detailed = false;
        return null;
      })
    : null;
  return { names: await get('participants'), details: (await details)?.participants ?? [] };
}

/** The ports with their people: each name takes one of the details that match it, twins in order. */
function group({ names, details }) {
  const left = [...details];
  return Object.entries(names).map(([port, people]) => {
    const entries = people.map((person) => {
      const at = left.findIndex((detail) => String(detail.port) === port && detail.name === person);
      return { name: person, ...(at < 0 ? null : left.splice(at, 1)[0]) };
    });
    return { port, entries, room: entries.find((entry) => entry.room)?.room ?? port };
  });
}

const columns = [
  (entry) => [name(entry.name), ...remarks(entry)],
  (entry) => (entry.state ? [badge(...stateOf(entry.state))] : ['–']),
  (entry) => [ms(entry.rtt?.average)],
  (entry) => [ms(entry.rtt?.last)],
  (entry) => [time(entry.since)],
];

const createRoom = () => byID('room').content.firstElementChild.cloneNode(true);

function showRoom(card, { port, room, entries }) {
  const table = card.firstElementChild;
  const title = room === port ? [`Port ${port}`] : ['Room ', name(room), `, port ${port}`];
  setChildren(table.caption, ...title, make('span', 'muted', entries.length === 0 ? 'nobody yet' : count(entries.length, 'participant')));
  table.tHead.hidden = entries.length === 0;
  rows(table.tBodies[0], entries, (entry) => entry.id ?? entry.name, columns);
}

function show(data) {
  const rooms = group(data);
  const people = rooms.reduce((sum, { entries }) => sum + entries.length, 0);
  const summary = people === 0 ? 'Nobody is here yet.' : `Here now: ${count(people, 'participant')}.`;
  setText(byID('summary'), summary);
  if (total !== null && total !== people) announce(summary);
  total = people;
  keep(byID('rooms'), rooms, ({ port }) => port, createRoom, showRoom);
}

follow({ every: 3000, read, show });
