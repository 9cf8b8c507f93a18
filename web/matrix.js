// Who hears whom in one room: rows send, columns receive. A tap blocks a wire or lifts the block.

import { byID, keep, make, name, setChildren, setText } from './page.js';
import { order, say } from './control.js';

/** So many rows and columns at once; a larger room is leafed through. */
const most = 20;
const start = { row: 0, column: 0 };
let redraw = () => {};

const blocked = (wire) => /block/i.test(wire?.reason ?? '');

/** What a cell shows, says, and does when pressed. */
function meaning(from, to, wire) {
	if (from.id === to.id) return ['self', '', 'nobody hears itself'];
	if (wire && !wire.reason) return ['wire', '●', 'hears', 'POST'];
	if (blocked(wire)) return ['blocked', '✕', wire.reason, 'DELETE'];
	if (wire) return ['none', '·', wire.reason];
	if (from.sends === false) return ['none', '·', 'the sender receives only'];
	if (to.receives === false) return ['none', '·', 'the receiver sends only'];
	return ['none', '·', 'no wire'];
}

async function press(cell) {
	const { from, to, method } = cell;
	if (!method) return;
	const path = `rooms/${encodeURIComponent(from.room)}/blocks`;
	if (!(await order(method, path, { from: from.name, to: to.name }))) return;
	const words = method === 'POST' ? ' no longer hears ' : ' may hear ';
	say(name(to.name), words, name(from.name), method === 'POST' ? ', until you lift the block.' : ' again.');
}

function explain({ from, to, words }) {
	setChildren(byID('matrix-note'), name(from.name), ' → ', name(to.name), `: ${words}`);
}

function createCell() {
	const button = make('button');
	button.type = 'button';
	button.addEventListener('click', () => {
		explain(button.cell);
		press(button.cell);
	});
	button.addEventListener('focus', () => explain(button.cell));
	return make('td', '', button);
}

/** Arrows move among the cells; Tab enters and leaves the table. */
function steer(event) {
	const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
	const cell = event.target.closest('td');
	if (!step || !cell) return;
	event.preventDefault();
	const rows = byID('matrix').tBodies[0].rows;
	rows[cell.parentElement.sectionRowIndex + step[0]]?.cells[cell.cellIndex + step[1]]?.querySelector('button')?.focus();
}

function settle({ target }) {
	if (target.tagName !== 'BUTTON') return;
	for (const button of byID('matrix').querySelectorAll('button[tabindex="0"]')) button.tabIndex = -1;
	target.tabIndex = 0;
}

function pager(word, side, total) {
	const turn = (by, sign) => {
		const button = make('button', 'quiet', sign);
		button.type = 'button';
		button.disabled = by < 0 ? start[side] === 0 : start[side] + most >= total;
		button.ariaLabel = `${by < 0 ? 'Previous' : 'Next'} ${word}`;
		button.onclick = () => {
			start[side] += by;
			redraw();
		};
		return button;
	};
	return make('span', '', turn(-most, '‹'), ` ${word} ${start[side] + 1}–${Math.min(total, start[side] + most)} of ${total} `, turn(most, '›'));
}

/** Shows the room's matrix. */
export function showMatrix(model, room) {
	redraw = () => showMatrix(model, room);
	const people = [...model.participants.values()].filter((person) => person.room === room?.name).sort((a, b) => a.since - b.since || a.id - b.id);
	byID('area-matrix').hidden = people.length < 2;
	if (people.length < 2) return;
	for (const side of ['row', 'column']) if (start[side] >= people.length) start[side] = 0;
	const senders = people.slice(start.row, start.row + most);
	const receivers = people.slice(start.column, start.column + most);
	const pages = byID('pages');
	const sign = `${room.name} ${people.length} ${start.row} ${start.column}`;
	if (pages.dataset.sign !== sign) {
		pages.dataset.sign = sign;
		pages.hidden = people.length <= most;
		pages.replaceChildren(pager('senders', 'row', people.length), pager('receivers', 'column', people.length));
		setText(byID('matrix-note'), 'Rows send, columns receive. ● a wire, ✕ blocked. Tap a cell to block or unblock it.');
	}
	setChildren(byID('matrix-title'), 'Who hears whom', make('span', 'muted', name(room.name)));

	const table = byID('matrix');
	const [head] = table.tHead.rows;
	const columns = [null, ...receivers];
	while (head.cells.length > columns.length) head.lastElementChild.remove();
	columns.forEach((person, index) => {
		if (!person) return;
		const cell = head.cells[index] ?? head.appendChild(Object.assign(make('th'), { scope: 'col' }));
		setChildren(cell, make('span', '', name(person.name)));
		cell.title = person.name;
	});
	keep(table.tBodies[0], senders, ({ id }) => id, () => make('tr', '', Object.assign(make('th'), { scope: 'row' })), (row, from) => {
		setChildren(row.cells[0], name(from.name));
		row.cells[0].title = from.name;
		while (row.cells.length > receivers.length + 1) row.lastElementChild.remove();
		receivers.forEach((to, index) => {
			const cell = row.cells[index + 1] ?? row.appendChild(createCell());
			const [kind, mark, words, method] = meaning(from, to, model.wires.get(`${from.id} ${to.id}`));
			const button = cell.firstElementChild;
			button.cell = { from, to, words, method };
			const label = `${to.name} ← ${from.name}: ${words}`;
			if (button.title === label && button.className === kind) return;
			button.className = kind;
			setText(button, mark);
			button.title = label;
			button.ariaLabel = label + (method === 'POST' ? '; block' : method ? '; unblock' : '');
			button.ariaDisabled = String(!method);
			if (button === document.activeElement) explain(button.cell);
		});
	});
	const buttons = table.querySelectorAll('button');
	for (const button of buttons) if (!button.hasAttribute('tabindex')) button.tabIndex = -1;
	if (!table.querySelector('button[tabindex="0"]') && buttons[0]) buttons[0].tabIndex = 0;
}

byID('matrix').addEventListener('keydown', steer);
byID('matrix').addEventListener('focusin', settle);
