"""A webhook: webhook.py PORT MODE-FILE OUT-FILE. Appends each body to OUT-FILE, a line each, and answers as the first word
of MODE-FILE says: a status, or hang. Bodies that it refuses go there too, behind a "- "."""
import http.server
import sys
import time

port, mode_file, out_file = int(sys.argv[1]), sys.argv[2], sys.argv[3]


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        mode = open(mode_file).read().split()[0]
        good = mode == "200" and self.path == "/secret-path?key=%7B" and self.headers["Content-Type"] == "application/json"
        with open(out_file, "a") as out:
            out.write(("" if good else "- ") + body + "\n")
        if mode == "hang":
            time.sleep(60)
            return
        self.send_response(int(mode))
        self.end_headers()

    def log_message(self, *words):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", port), Hook).serve_forever()
