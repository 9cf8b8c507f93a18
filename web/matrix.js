// Who hears whom in one room: rows send, columns receive. A tap blocks a wire or lifts the block.

import { button, byID, called, keep, make, name, setChildren, setText } from './page.js';
import { order, say } from './control.js';

// So many rows and columns at once; of a larger room those that were looked for.
const most = 24;

function meaning(from, to, wire) {
	if (from.id === to.id) return ['self', '', 'nobody hears itself'];
	if (wire && !wire.reason) return ['wire', '●', 'hears', 'POST'];
	if (wire?.reason === 'blocked') return ['blocked', '✕', wire.reason, 'DELETE'];
	if (wire?.reason?.startsWith('muted')) return ['fair', '✕', wire.reason];
	return ['none', '·', wire?.reason ?? 'no wire'];
}

async function press({ from, to, method }) {
	if (!method) return;
	const path = `rooms/${encodeURIComponent(from.room)}/blocks`;
	if (!(await order(method, path, { from: from.name, to: to.name }))) return;
	say(name(to.name), method === 'POST' ? ' no longer hears ' : ' may hear ', name(from.name), method === 'POST' ? ', until you lift the block.' : ' again.');
}

let explained;

function explain(cell) {
	explained = cell;
	const { from, to, words } = cell.means;
	setChildren(byID('matrix-why'), name(from.name), ' → ', name(to.name), `: ${words}`);
}

function createCell() {
	const cell = button('', () => {
		explain(cell);
		press(cell.means);
	});
	cell.tabIndex = -1;
	cell.addEventListener('focus', () => {
		for (const other of byID('matrix').querySelectorAll('[tabindex="0"]')) other.tabIndex = -1;
		cell.tabIndex = 0;
		explain(cell);
	});
	return make('td', '', cell);
}

function heading(scope, person) {
	const cell = make('th', '', make('span', '', name(person.name)));
	cell.scope = scope;
	cell.title = called(person.name);
	return cell;
}

// Shows the matrix of a room, of whose people these were looked for; `total` are there.
export function showMatrix(room, people, total, wires) {
	byID('area-matrix').hidden = total < 2;
	if (total < 2) return;
	const shown = people.slice(0, most);
	setChildren(byID('matrix-title'), 'Who hears whom', make('span', 'muted', name(room.name), shown.length < total ? ` ${shown.length} of ${total}: name others under Find, with commas between` : ''));
	const table = byID('matrix');
	const [head] = table.tHead.rows;
	setChildren(head, head.cells[0].cloneNode(true), ...shown.map((person) => heading('col', person)));
	keep(table.tBodies[0], shown, ({ id }) => id, (from) => make('tr', '', heading('row', from)), (row, from) => {
		while (row.cells.length > shown.length + 1) row.lastElementChild.remove();
		shown.forEach((to, index) => {
			const [cell] = (row.cells[index + 1] ?? row.appendChild(createCell())).children;
			const [kind, mark, words, method] = meaning(from, to, wires.get(`${from.id}-${to.id}`));
			cell.means = { from, to, words, method };
			const label = `${called(to.name)} ← ${called(from.name)}: ${words}`;
			if (cell.title === label && cell.className === kind) return;
			cell.className = kind;
			setText(cell, mark);
			cell.title = label;
			cell.ariaLabel = label + (method === 'POST' ? '; block' : method ? '; unblock' : '');
			cell.ariaDisabled = String(!method);
			if (cell === explained) explain(cell);
		});
	});
	if (!table.querySelector('[tabindex="0"]')) table.querySelector('button')?.setAttribute('tabindex', 0);
}

// Arrows move among the cells; Tab enters and leaves the table.
byID('matrix').addEventListener('keydown', (event) => {
	const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
	const cell = event.target.closest('td');
	if (!step || !cell) return;
	event.preventDefault();
	const { rows } = byID('matrix').tBodies[0];
	rows[cell.parentElement.sectionRowIndex + step[0]]?.cells[cell.cellIndex + step[1]]?.querySelector('button')?.focus();
});
