// The latency table: one row a participant and port over the last 24 hours, from /latency. Its values are strings,
// milliseconds with one decimal, and are shown as they are.

import { byID, count, name, setText, time } from './page.js';
import { rows } from './tables.js';
import { follow } from './link.js';

const columns = [
  (row) => [name(row.clientName)],
  (row) => [String(row.clientPort)],
  (row) => [String(row.averageLatency)],
  (row) => [String(row.lastLatency)],
  (row) => [String(row.minLatency)],
  (row) => [String(row.maxLatency)],
  (row) => [time(Number(row.timestamp) * 1000)],
];

const order = new Intl.Collator(undefined, { numeric: true });

function show(list) {
  const sorted = [...list].sort(
    (a, b) => Number(a.clientPort) - Number(b.clientPort) || order.compare(a.clientName, b.clientName),
  );
  const measured = list.length === 0 ? 'Nobody was measured' : `${count(list.length, 'participant')} measured`;
  setText(byID('summary'), `${measured} in the last 24 hours.`);
  byID('card').hidden = list.length === 0;
  rows(byID('latency').tBodies[0], sorted, (row) => `${row.clientPort} ${row.clientName}`, columns);
}

follow({ every: 5000, read: (get) => get('latency'), show });
