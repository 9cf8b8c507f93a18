// The tables of the two small pages.

import { keep, make, setChildren } from './page.js';

/**
 * One row an item in `body`. Each of `columns` gives an item's content for its column, as a list of nodes and
 * strings; the first is the row's heading. Labels for narrow screens, where the rows become cards, come from the
 * table's head; the explicit roles keep it a table for screen readers there.
 */
export function rows(body, items, keyOf, columns) {
	const table = body.closest('table');
	const heads = [...table.tHead.rows[0].cells];
	if (!table.hasAttribute('role')) {
		table.setAttribute('role', 'table');
		table.tHead.setAttribute('role', 'rowgroup');
		table.tHead.rows[0].setAttribute('role', 'row');
		for (const head of heads) head.setAttribute('role', 'columnheader');
	}
	body.setAttribute('role', 'rowgroup');
	const create = () => {
		const row = make('tr');
		row.setAttribute('role', 'row');
		columns.forEach((_, index) => {
			const cell = make(index === 0 ? 'th' : 'td', heads[index].className);
			if (index === 0) cell.scope = 'row';
			cell.setAttribute('role', index === 0 ? 'rowheader' : 'cell');
			cell.dataset.label = heads[index].textContent;
			row.append(cell);
		});
		return row;
	};
	keep(body, items, keyOf, create, (row, item) => {
		columns.forEach((column, index) => setChildren(row.cells[index], ...column(item)));
	});
}
