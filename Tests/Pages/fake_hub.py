"""A fake hub before the real one, for the tests of the live page: it answers the API and the stream with what a test
says, takes orders down, and passes everything else (the pages, with their headers) on to the real hub."""

import contextlib
import json
import queue
import socketserver
import threading
import time
import urllib.error
import urllib.parse
from http.server import BaseHTTPRequestHandler

from asking import direct


class FakeHub(socketserver.ThreadingTCPServer):
    """`answers` by path; `views` are the stream's first messages; `tell` sends more to everyone who listens."""

    daemon_threads = allow_reuse_address = True
    token = "atokenofthefakehub"

    def __init__(self, hub, answers):
        super().__init__(("127.0.0.1", 0), Handler)
        self.hub, self.answers = hub.rstrip("/"), answers
        self.lock, self.listeners, self.orders, self.refuse = threading.Lock(), [], [], None
        self.url = f"http://127.0.0.1:{self.server_address[1]}/"
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def handle_error(self, *_):
        pass

    def close(self):
        self.cut()
        self.shutdown()
        self.server_close()

    def state(self, view):
        whole = self.answers["/api/v1/" + view]
        if view == "latency":
            people = {}
            for sample in whole["samples"]:
                people.setdefault(sample["participant"], []).append([sample["at"], sample["rtt"]])
            return {"all": [{"participant": who, "points": points} for who, points in people.items()]}
        # The stream tells of wires and of those that are not in one.
        return {"all": whole if view == "status" else whole[view] + whole.get("cells", [])}

    def tell(self, view, data, number=None):
        text = f"event: {view}\n" + (f"id: {number}\n" if number else "") + f"data: {json.dumps(data)}\n\n"
        with self.lock:
            for listener in self.listeners:
                listener.put(text)

    def cut(self):
        with self.lock:
            for listener in self.listeners:
                listener.put(None)


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def give(self, status, body, kind="application/json", headers=()):
        self.send_response(status)
        for name, value in [("Content-Type", kind), ("Content-Length", str(len(body))), *headers]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        path = urllib.parse.urlsplit(self.path).path
        if path == "/api/v1/stream":
            return self.stream()
        if path in self.server.answers:
            return self.give(200, json.dumps(self.server.answers[path]).encode())
        try:
            with direct.open(self.server.hub + self.path, timeout=10) as answer:
                headers = [(name, value) for name, value in answer.headers.items() if name == "Content-Security-Policy"]
                self.give(answer.status, answer.read(), answer.headers["Content-Type"], headers)
        except urllib.error.HTTPError as error:
            self.give(error.code, error.read())

    def stream(self):
        server, news = self.server, queue.Queue()
        with server.lock:
            for view in ("status", "participants", "rooms", "wires", "latency"):
                news.put(f"event: {view}\r\ndata: {json.dumps(server.state(view))}\r\n\r\n")
            server.listeners.append(news)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        with contextlib.suppress(OSError):
            while True:
                try:
                    text = news.get(timeout=5)
                except queue.Empty:
                    text = ": beat\n\n"
                if text is None:
                    break
                data = text.encode()
                # In two pieces, wherever that falls: within a line, within a character.
                self.wfile.write(data[:len(data) // 2])
                self.wfile.write(data[len(data) // 2:])
        with server.lock:
            server.listeners.remove(news)

    def order(self):
        if self.headers["Authorization"] != "Bearer " + self.server.token:
            return self.give(401, b"{}")
        self.server.orders.append((time.monotonic(), f"{self.command} {self.path}"))
        if self.server.refuse:
            return self.give(409, json.dumps({"detail": self.server.refuse}).encode(), "application/problem+json")
        self.give(200, b'{"done": true, "text": "Done."}')

    do_POST = do_DELETE = order
