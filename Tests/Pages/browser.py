"""Headless Chromium for the tests of the pages, and a relay that takes the hub away from them.

The browser is spoken to in its own DevTools protocol over a pipe (JSON, each message ended by a zero byte), so that
nothing but Debian's packages chromium and python3 is needed, and the browser ends when the script does.
"""

import base64
import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

from asking import Failed, expect, wait

# The names a page shows for participants, as text; the overview's events name people too and do not count.
SHOWN = "[...document.querySelectorAll('#participants .who, #list .who')].map(" \
    "cell => cell.querySelector('bdi')?.textContent ?? '')"


def shows(*names):
    """Whether the page shows these, in this order."""
    return f"JSON.stringify({SHOWN}) === JSON.stringify({json.dumps(names)})"


class Report:
    """Counts the checks and prints a line for each."""

    def __init__(self):
        self.passed = self.failed = 0

    def fail(self, name, problem):
        self.failed += 1
        print(f"FAIL  {name}: {problem}", flush=True)

    @contextlib.contextmanager
    def check(self, name):
        """What is put into the list that it gives is printed with the check."""
        figures = []
        try:
            yield figures
        except (Failed, OSError, ValueError, KeyError) as problem:
            self.fail(name, problem or type(problem).__name__)
        else:
            self.passed += 1
            print(f"ok    {name}" + (f" ({'; '.join(figures)})" if figures else ""), flush=True)

    @contextlib.contextmanager
    def whole(self, name):
        """For what fails between checks."""
        try:
            yield
        except Failed as problem:
            self.fail(f"{name} tested to the end", problem)


@contextlib.contextmanager
def browsing(shots):
    """Gives the report and the browser of a script, and ends it: 0 when all passed, 1 when not, 69 when there is no browser."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        print("There is no Chromium here. Install it with: apt-get install chromium", file=sys.stderr)
        sys.exit(69)
    if shots:
        shots.mkdir(parents=True, exist_ok=True)
    # An ordinary exit, so that the browser is ended on the way out.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    report = Report()
    with Browser(program) as browser:
        yield report, browser
    print(f"{report.passed} passed, {report.failed} failed")
    sys.exit(0 if report.failed == 0 else 1)


class Browser:
    """Headless Chromium with a profile of its own, in a process group of its own; both are gone on exit."""

    def __init__(self, program):
        self.program = program

    def __enter__(self):
        self.home = tempfile.TemporaryDirectory(prefix="test-pages-", ignore_cleanup_errors=True)
        commands, self.commands = os.pipe()
        self.answers, answers = os.pipe()
        # Chromium wants the pipe at descriptors 3 and 4, which may be taken here: a shell moves them.
        # Without its sandbox, because that does not start for root or in most containers; it visits only the hub.
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", f'exec "$@" 3</dev/fd/{commands} 4>/dev/fd/{answers}', "sh", self.program,
             "--headless", "--no-sandbox", "--remote-debugging-pipe", f"--user-data-dir={self.home.name}/profile",
             "--no-proxy-server", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
             "--disable-component-update", "--disable-extensions", "--disable-breakpad", "--no-first-run", "about:blank"],
            env={**os.environ, "HOME": self.home.name, "XDG_CONFIG_HOME": self.home.name, "XDG_CACHE_HOME": self.home.name},
            pass_fds=(commands, answers), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True)
        os.close(commands)
        os.close(answers)
        self.buffer, self.last, self.replies, self.listeners = b"", 0, {}, {}
        return self

    def __exit__(self, *_):
        # The group is ours: its leader is not waited for until the end, so its number cannot have been reused.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self.commands)
        os.close(self.answers)
        self.home.cleanup()

    def send(self, method, session=None, **parameters):
        """Sends a command without waiting; gives its number."""
        self.last += 1
        message = {"id": self.last, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        try:
            os.write(self.commands, json.dumps(message).encode() + b"\0")
        except BrokenPipeError:
            raise Failed("the browser has ended") from None
        return self.last

    def call(self, method, session=None, timeout=20, **parameters):
        """Sends a command and waits for its result."""
        number = self.send(method, session, **parameters)
        self.replies[number] = None
        wait(lambda: self.replies[number], timeout, f"the browser did not answer {method}", lambda: self.listen(0.05))
        reply = self.replies.pop(number)
        expect("error" not in reply, f"{method}: {reply.get('error', {}).get('message')}")
        return reply["result"]

    def listen(self, seconds):
        """Hears what the browser says within this time, or until it has said something."""
        if not select.select([self.answers], [], [], seconds)[0]:
            return
        piece = os.read(self.answers, 1 << 20)
        expect(piece, "the browser has ended")
        *messages, self.buffer = (self.buffer + piece).split(b"\0")
        for message in map(json.loads, messages):
            if "id" in message:
                if message["id"] in self.replies:
                    self.replies[message["id"]] = message
            elif message.get("sessionId") in self.listeners:
                self.listeners[message["sessionId"]](message["method"], message["params"])


class Tab:
    """A page in the browser, with everything it asked for and complained about.

    `instead` gives answers in the hub's place, by path; requests for a path in `held` wait until `release`.
    """

    def __init__(self, browser, width=1440, height=900):
        self.browser = browser
        self.requests, self.complaints, self.held, self.waiting = [], [], set(), []
        self.instead, self.policy = {}, ""
        self.target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]
        browser.listeners[self.session] = self.hear
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Fetch.enable", patterns=[{"urlPattern": "*"}])
        self.size(width, height)

    def close(self):
        self.browser.listeners.pop(self.session, None)
        self.browser.call("Target.closeTarget", targetId=self.target)

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, **parameters)

    def send(self, method, **parameters):
        self.browser.send(method, self.session, **parameters)

    def hear(self, method, event):
        if method == "Fetch.requestPaused":
            path = urllib.parse.urlsplit(event["request"]["url"]).path
            self.requests.append((time.monotonic(), event["request"]["url"], event["resourceType"]))
            if path in self.held:
                self.waiting.append((path, event["requestId"]))
            else:
                self.answer(path, event["requestId"])
        elif method == "Page.javascriptDialogOpening":
            self.complaints.append(f"a dialog opened: {event['message']}")
            self.send("Page.handleJavaScriptDialog", accept=False)
        elif method == "Runtime.exceptionThrown":
            details = event["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Runtime.consoleAPICalled" and event["type"] in ("error", "warning", "assert"):
            self.complaints.append(" ".join(str(value.get("value", "")) for value in event["args"]))
        elif method == "Log.entryAdded" and event["entry"]["level"] in ("error", "warning"):
            self.complaints.append(f"{event['entry']['text']} {event['entry'].get('url', '')}")
        elif method == "Network.responseReceived" and event["type"] == "Document":
            headers = {key.lower(): value for key, value in event["response"]["headers"].items()}
            self.policy = headers.get("content-security-policy", "")

    def answer(self, path, request):
        if path in self.instead:
            body = base64.b64encode(json.dumps(self.instead[path]).encode()).decode()
            self.send("Fetch.fulfillRequest", requestId=request, responseCode=200, body=body,
                      responseHeaders=[{"name": "Content-Type", "value": "application/json; charset=utf-8"}])
        else:
            self.send("Fetch.continueRequest", requestId=request)

    def release(self):
        self.held.clear()
        for path, request in self.waiting:
            self.answer(path, request)
        self.waiting.clear()

    def size(self, width, height=900):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)

    def scheme(self, name):
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def open(self, url):
        answer = self.call("Page.navigate", url=url)
        expect("errorText" not in answer, f"{url}: {answer.get('errorText')}")
        self.until("document.getElementById('data')?.hidden === false", 15, "the page never showed any data")

    def value(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        expect("exceptionDetails" not in result, f"{expression}: {result.get('exceptionDetails', {}).get('text')}")
        return result["result"].get("value")

    def until(self, expression, seconds, sentence):
        """Waits until the expression holds in the page."""
        self.wait(lambda: self.value(expression), seconds, sentence)

    def wait(self, holds, seconds, sentence):
        wait(holds, seconds, sentence, lambda: self.browser.listen(0.05))

    def press(self, key):
        code = {"Tab": 9, "Enter": 13}[key]
        text = {"text": "\r"} if key == "Enter" else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, code=key, windowsVirtualKeyCode=code, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, code=key, windowsVirtualKeyCode=code)

    def center(self, selector):
        """Where the middle of an element is on the screen, once it is there."""
        return self.value(f"(() => {{ const element = document.querySelector('{selector}');"
                          "element.scrollIntoView({ block: 'center' }); const box = element.getBoundingClientRect();"
                          "return [box.x + box.width / 2, box.y + box.height / 2]; })()")

    def click(self, selector):
        x, y = self.center(selector)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def tap(self, selector):
        x, y = self.center(selector)
        self.call("Emulation.setTouchEmulationEnabled", enabled=True)
        self.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        self.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        self.call("Emulation.setTouchEmulationEnabled", enabled=False)

    def choose(self, word):
        """Presses a button of the dialog, once that is open."""
        self.until("document.querySelector('dialog').open", 10, "nothing is asked")
        self.value("[...document.querySelectorAll('dialog button')]"
                   f".find(button => button.textContent === {json.dumps(word)}).click()")

    def give(self, token):
        self.until("document.querySelector('dialog').open && !document.querySelector('dialog label').hidden", 10, "no token is asked for")
        self.value(f"document.querySelector('dialog input').value = {json.dumps(token)}")
        self.choose("Use it")

    def enter(self, field, value, event="input"):
        self.value(f"(() => {{ const field = document.getElementById({json.dumps(field)}); field.value = {json.dumps(value)};"
                   f"field.dispatchEvent(new Event('{event}')); }})()")

    def fits(self, width):
        self.size(width)
        wide = self.value("document.documentElement.scrollWidth")
        expect(wide <= width, f"{wide} px wide on a screen of {width}")
        cut = self.value("[...document.querySelectorAll('#data *')].filter(element => element.getClientRects().length &&"
                         f"!element.closest('.unseen, thead, .scroll > *') && element.getBoundingClientRect().right > {width} + 1).length")
        expect(cut == 0, f"{cut} elements reach beyond the right edge of {width} px")

    def asked(self, path):
        return sum(urllib.parse.urlsplit(url).path == path for _, url, _ in self.requests)

    def pictures(self, directory, name):
        """Of a phone and of a screen, in both schemes."""
        for width in (360, 1440) if directory else ():
            for scheme in ("light", "dark"):
                self.size(width)
                self.scheme(scheme)
                self.picture(directory, f"{name}-{width}-{scheme}")
        self.size(1440)

    def picture(self, directory, name):
        if directory:
            data = self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]
            (directory / f"{name}.png").write_bytes(base64.b64decode(data))


class Relay:
    """A loopback TCP relay to the hub that can be taken away, or made to accept and say nothing."""

    def __init__(self, host, port):
        self.to, self.port, self.listener = (host, port), 0, None
        self.mute, self.open = False, set()

    def start(self):
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def stop(self):
        for end in [self.listener, *self.open]:
            # A shutdown wakes the threads that wait in accept and recv; closing alone would not.
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self.open.clear()

    def accept(self, listener):
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(self.to)
                self.open |= {near, far}
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=self.carry, args=pair, daemon=True).start()

    def carry(self, source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if not self.mute:
                    sink.sendall(data)
            sink.shutdown(socket.SHUT_RDWR)
