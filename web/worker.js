// One stream for all tabs of a browser. A tab says hello or bye; it gets batches of news, everything so far first.

import { Feed } from './feed.js';

const tabs = new Set();
const feed = new Feed((news) => {
	for (const tab of tabs) tab.postMessage([news]);
});

self.onconnect = ({ ports: [tab] }) => {
	tab.onmessage = ({ data }) => {
		tabs.delete(tab);
		if (data !== 'hello') return;
		tabs.add(tab);
		tab.postMessage(feed.whole());
	};
};
feed.run();
