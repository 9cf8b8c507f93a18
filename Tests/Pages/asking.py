"""What the tests of the pages ask a hub, and how they wait."""

import json
import time
import urllib.request

# The hub is asked directly, whatever proxy the environment names.
direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def ask(url, method="GET", token=None):
    """The JSON that a hub answers."""
    request = urllib.request.Request(url, method=method, headers={"Authorization": "Bearer " + token} if token else {})
    with direct.open(request, timeout=10) as answer:
        return json.load(answer)


class Failed(Exception):
    """A check's answer is no; the message says what was seen."""


def expect(holds, sentence):
    if not holds:
        raise Failed(sentence)


# Tests ask whether, not how soon: a machine that does much else at a time takes several times as long.
PATIENCE = 4


def wait(holds, seconds, sentence, between=lambda: time.sleep(0.01)):
    deadline = time.monotonic() + seconds * PATIENCE
    while not holds():
        expect(time.monotonic() < deadline, f"{sentence} (waited {seconds * PATIENCE} s)")
        between()
