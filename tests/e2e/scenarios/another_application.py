# SPDX-License-Identifier: GPL-2.0-only
from harness import streams, swarm
from harness.check import check, wait_for
from harness.scenario import scenario
from scenarios.reset import check_reset

PAGE = b"GET /index.html HTTP/1.1\r\nHost: tracker.example\r\n\r\n"
ANNOUNCE = (b"GET /announce?info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=bbbbbbbbbbbbbbbbbbbb&port=6881&left=0"
            b" HTTP/1.1\r\nHost: tracker.example\r\n\r\n")
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
PORT = 8080


@scenario("an established connection that becomes what is dropped is reset at both ends", seconds=40)
def another_application(lab):
    net = lab.net()
    weir = lab.weir(net, swarm.DROP).start()
    near, far = streams.pair(net.c1, net.s1, 4, PORT)
    with near, far:
        for _ in range(3):
            ask(near, far, PAGE)
        wait_for(lambda: weir.metric("weir_slowpath_events_total", event="decided") > 0,
                 "the connection was identified", 3)
        check(weir.metric("weir_slowpath_events_total", event="changed") == 0, "it is HTTP all the while")
        near.sendall(ANNOUNCE)
        check_reset(far, "the server")
        check_reset(near, "the client")
    check(weir.metric("weir_slowpath_events_total", event="changed") == 1, "it became BitTorrent")
    check(weir.metric("weir_slowpath_events_total", event="cut") == 1, "and was cut")
    check(weir.dropped("reset") > 0, "the announce did not pass")
    weir.check_conservation()
    weir.stop()


def ask(near, far, request):
    near.sendall(request)
    check(far.recv(4096) == request, "the server has the request")
    far.sendall(ANSWER)
    check(near.recv(4096) == ANSWER, "the client has the answer")
