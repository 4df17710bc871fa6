# SPDX-License-Identifier: GPL-2.0-only
"""
An XMPP client (RFC 6120, 6121) on python3-slixmpp: xmpp.py SERVER USER PEER plain|tls

Greets PEER every half second and prints what PEER says.
"""
import asyncio
import ssl
import sys

import slixmpp


class Client(slixmpp.ClientXMPP):
    def __init__(self, user, peer):
        super().__init__(f"{user}@example.org/here", "pw")
        self.peer = f"{peer}@example.org"
        self.add_event_handler("session_start", self.greet)
        self.add_event_handler("message", self.heard)
        self["feature_mechanisms"].unencrypted_plain = True
        self["feature_mechanisms"].unencrypted_scram = True
        self.ssl_context.check_hostname = False
        self.ssl_context.verify_mode = ssl.CERT_NONE

    async def greet(self, _):
        print("connected", flush=True)
        self.send_presence()
        while True:
            self.send_message(mto=self.peer, mbody="hello", mtype="chat")
            await asyncio.sleep(0.5)

    def heard(self, message):
        print(f"heard {message['body']}", flush=True)


def main():
    server, user, peer, security = sys.argv[1:]
    client = Client(user, peer)
    plain = security == "plain"
    client.connect((server, 5222), force_starttls=not plain, disable_starttls=plain)
    client.process(forever=True)


main()
