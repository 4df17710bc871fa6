# SPDX-License-Identifier: GPL-2.0-only
from harness.check import check, check_equal, hold_for, wait_for
from harness.scenario import scenario
from harness.segments import PORT, Sender, begin, reassembly, waiting


@scenario("with fast pass a segment out of order goes on at once, and a contradicting one is told of",
          seconds=40)
def tcp_anomaly(lab):
    net, weir = begin(lab, "inspect: { packets: 64 }\ndefault: pass\n")
    sender = Sender(net, 40002)
    sender.send(1100, b"b" * 100)
    wait_for(lambda: sender.arrived() == b"b" * 100, "the segment behind the gap arrives", 5)
    check_equal((reassembly(weir, "tcp-fast-passed"), waiting(weir)), (1, 0), "fast-passed, waiting")
    sender.send(1100, b"b" * 100)
    wait_for(lambda: reassembly(weir, "tcp-overlap") == 1, "the repetition is counted", 5)
    hold_for(lambda: not weir.events("anomaly"), "a repetition is no anomaly", 0.5, 0.1)
    sender.send(1150, b"B" * 100)
    sender.send(1150, b"?" * 100)
    wait_for(lambda: weir.events("anomaly"), "an event tells of the contradiction", 5)
    event, = weir.events("anomaly")
    check_equal((event["anomaly"]["type"], event["anomaly"]["event"]),
                ("stream", "stream.reassembly_overlap_different_data"), "what it tells")
    check_equal((event["src_ip"], event["src_port"], event["dest_port"], event["proto"]),
                (net.c1.ip4, 40002, PORT, "TCP"), "whom it names")
    wait_for(lambda: reassembly(weir, "tcp-contradiction") == 2, "both are counted", 5)
    told = [flow for flow in weir.flows() if flow["src_port"] == 40002]
    check(told and told[0]["flow_id"] == event["flow_id"], f"the flow is known by its id: {told}")
    weir.check_conservation()
    weir.stop()
