# SPDX-License-Identifier: GPL-2.0-only
"""
A web server that sends the files of a folder in chunks of changing sizes, and keeps connections open.

    chunked.py ADDRESS PORT FOLDER
"""
import http.server
import os
import socket
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = os.path.join(sys.argv[3], os.path.basename(self.path))
        if not os.path.isfile(path):
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Content-Disposition", 'attachment; filename="told-' + os.path.basename(path) + '"')
        self.end_headers()
        size = 1
        with open(path, "rb") as file:
            while data := file.read(size):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                size = size * 7 % 50021
        self.wfile.write(b"0\r\n\r\n")

    def do_PUT(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET


if __name__ == "__main__":
    with Server((sys.argv[1], int(sys.argv[2])), Handler) as server:
        print("ready", flush=True)
        server.serve_forever()
