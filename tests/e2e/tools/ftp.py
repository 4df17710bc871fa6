# SPDX-License-Identifier: GPL-2.0-only
"""
An FTP server (RFC 959, 2428) for anyone: RETR of the files in a folder, passive and active. What
comes by STOR is thrown away.

    ftp.py ADDRESS FOLDER [--tell ADDRESS]

--tell: the address that PASV tells instead of its own, as behind address translation.
"""
import argparse
import os
import socket
import sys
import threading


class Session:
    def __init__(self, control, options):
        self.control, self.options = control, options
        self.listener = None
        self.active = None

    def say(self, text):
        self.control.sendall(text.encode() + b"\r\n")

    def listen(self):
        self.listener = socket.create_server((self.options.address, 0),
                                             family=self.control.family)
        self.listener.settimeout(10)
        return self.listener.getsockname()[1]

    def connect(self):
        if self.active:
            return socket.create_connection(self.active, 10)
        connection, _ = self.listener.accept()
        self.listener.close()
        return connection

    def retrieve(self, name):
        self.say("150 here it comes")
        try:
            with self.connect() as data, open(os.path.join(self.options.folder,
                                                           os.path.basename(name)), "rb") as file:
                data.sendfile(file)
        except OSError as error:
            self.say(f"425 {error}")
            return
        self.say("226 done")

    def store(self):
        self.say("150 go on")
        with self.connect() as data:
            while data.recv(65536):
                pass
        self.say("226 done")

    def list(self):
        self.say("150 here it comes")
        with self.connect() as data:
            data.sendall(b"\r\n".join(name.encode() for name in os.listdir(self.options.folder)))
        self.say("226 done")

    def command(self, verb, rest):
        if verb == "PASV":
            port = self.listen()
            numbers = (self.options.tell or self.options.address).split(".")
            self.say(f"227 Passive ({','.join(numbers)},{port >> 8},{port & 255})")
        elif verb == "EPSV":
            self.say(f"229 Passive (|||{self.listen()}|)")
        elif verb == "PORT":
            numbers = rest.split(",")
            self.active = (".".join(numbers[:4]), int(numbers[4]) * 256 + int(numbers[5]))
            self.say("200 ok")
        elif verb == "EPRT":
            _, _, address, port, _ = rest.split(rest[0])
            self.active = (address, int(port))
            self.say("200 ok")
        elif verb == "RETR":
            self.retrieve(rest)
        elif verb == "STOR":
            self.store()
        elif verb in ("LIST", "NLST"):
            self.list()
        else:
            self.say({"USER": "331 any", "PASS": "230 in", "PWD": '257 "/"', "TYPE": "200 ok",
                      "CWD": "250 ok", "QUIT": "221 bye"}.get(verb, "502 no"))

    def run(self):
        self.say("220 FTP ready")
        with self.control, self.control.makefile("rb") as lines:
            for line in lines:
                verb, _, rest = line.decode("latin-1").strip().partition(" ")
                self.command(verb.upper(), rest)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("folder")
    parser.add_argument("--tell")
    options = parser.parse_args()
    family = socket.AF_INET6 if ":" in options.address else socket.AF_INET
    with socket.create_server((options.address, 21), family=family) as server:
        print("ready", flush=True)
        while True:
            control, _ = server.accept()
            threading.Thread(target=Session(control, options).run, daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
