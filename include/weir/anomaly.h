/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Anomalies: traffic that correct hosts on an intact network do not produce. They are reported as
 * `anomaly` events.
 */
#ifndef WEIR_ANOMALY_H
#define WEIR_ANOMALY_H

/*
 * X(enumerator, "type", "event", "help"): type and event are fields of the object `anomaly` of an
 * event, and Suricata's names where it has one. Append only; at most 16, since each is a bit of
 * flow.anomalies.
 */
#define WEIR_ANOMALIES(X)                                                                          \
	X(CONTRADICTION, "stream", "stream.reassembly_overlap_different_data",                     \
	  "a segment repeats bytes, and they differ from those received first")                    \
	X(UNCOMPARED, "stream", "stream.reassembly_segment_before_base_seq",                       \
	  "a segment repeats bytes that are no longer kept and so cannot be compared")             \
	X(GAP, "stream", "stream.reassembly_seq_gap",                                              \
	  "bytes are missing for good: reading continued after them, or ended")                    \
	X(REFUSED, "stream", "stream.reassembly_insert_limit",                                     \
	  "a segment was not kept because a limit of the reassembly was reached")                  \
	X(OUT_OF_WINDOW, "stream", "stream.est_packet_out_of_window",                              \
	  "a segment beyond the receive window")                                                   \
	X(SYN_DATA, "stream", "stream.syn_data", "a SYN carries data (RFC 7413, or an evasion)")   \
	X(AFTER_FIN, "stream", "stream.data_after_fin", "data after the sender's own FIN")

enum weir_anomaly {
#define X(id, type, event, help) WEIR_ANOMALY_##id,
	WEIR_ANOMALIES(X)
#undef X
		WEIR_ANOMALY_COUNT,
};
_Static_assert(WEIR_ANOMALY_COUNT <= 16, "a bit each of a 16-bit word");

#endif
