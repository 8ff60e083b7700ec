/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef HOST_BENCH_H
#define HOST_BENCH_H

/* A host engine whose pen is the test itself, line by line; for cmocka tests. */

#include <stipple/host.h>
#include <stipple/segment.h>

#define BENCH_EPOCH 77
#define BENCH_PAYLOAD 16

struct host_bench {
	struct stp_host *host;
	uint64_t now;
	struct stp_request request;	/* the last one but CREDIT */
	struct stp_host_action action;	/* the last one */
	struct stp_entry begun;		/* as the last BEGIN said */
};

/* Window 8, all else as by default; started.  The pen has these features, beside a window of 128. */
void host_bench_init(struct host_bench *bench, uint32_t features);
void host_bench_clear(struct host_bench *bench);

/* Poll, and fail unless that is what comes. */
void expect(struct host_bench *bench, enum stp_host_action_kind kind);
void expect_note(struct host_bench *bench, enum stp_note note);
/* A request is written; the BEGIN before it, if there is one, is taken on the way. */
void expect_request(struct host_bench *bench, enum stp_op op);
void expect_given_up(struct host_bench *bench, uint32_t record, enum stp_status reason, uint8_t wire_status);
void expect_failed(struct host_bench *bench, enum stp_status reason, enum stp_op op, uint8_t wire_status);
void expect_done(struct host_bench *bench);

/* The pen answers the last request; u comes from answer. */
void answer(struct host_bench *bench, uint8_t status, struct stp_answer answer);
void answer_bare(struct host_bench *bench, uint8_t status);
/* LIST and READ: what was sent are these bytes. */
void answer_sent(struct host_bench *bench, uint8_t status, const uint8_t *bytes, uint32_t size);
/* One segment of an answer made of these bytes, with the token of the last request. */
void segment(struct host_bench *bench, const uint8_t *bytes, uint32_t size, uint32_t index);
/* Segments from..to-1, or as many as there are. */
void segments(struct host_bench *bench, const uint8_t *bytes, uint32_t size, uint32_t from, uint32_t to);
uint32_t segment_count(uint32_t size);

/* Let the deadline come: exactly after_ms from now. */
void expire(struct host_bench *bench, uint64_t after_ms);

/* HELLO, GET_STATE and the time; then the caller wants these records. */
void open_dialogue(struct host_bench *bench, uint32_t oldest, uint32_t newest, const struct stp_range *wanted,
		   size_t count);
/* The LIST of exactly from..to comes; answer it with these records, each of length bytes. */
void serve_list(struct host_bench *bench, uint32_t from, uint32_t to, const uint32_t *numbers, size_t count,
		uint32_t length);
/* A record's bytes as serve_list() promises them. */
const uint8_t *record_bytes(uint32_t number, uint32_t length);
/* The READ of the whole record comes; serve it, take RECORD, store it, answer the ACK. */
void serve_record(struct host_bench *bench, uint32_t number, uint32_t length);
/* RECORD comes, sound or not. */
void expect_record(struct host_bench *bench, uint32_t number, uint32_t length, enum stp_status integrity);

#endif
