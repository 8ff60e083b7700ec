/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef PEN_BENCH_H
#define PEN_BENCH_H

/* A pen engine over a flash model, asked step by step; for cmocka tests. */

#include "flash-model.h"

#define BENCH_EPOCH 77

struct pen_bench {
	struct flash_model flash;
	struct stp_pen_config config;	/* of the next pen_bench_restart() */
	struct stp_pen pen;
	uint32_t now_ms;
	struct stp_answer answer;	/* the last one */
	uint8_t bytes[STP_RECORD_SIZE_MAX];	/* payload of the last LIST or READ */
	uint32_t size;
	unsigned segments;
	unsigned pieces;		/* of work without a value, since the last request */
	uint8_t last_token;
	char collector;			/* who said HELLO last */
};

/* Records 1..count of the given length, connected with the MTU. */
void pen_bench_init(struct pen_bench *bench, unsigned count, uint32_t length, uint16_t att_mtu);
void pen_bench_clear(struct pen_bench *bench);
/* Restart the pen with what it kept; connected. */
void pen_bench_restart(struct pen_bench *bench);

void pen_bench_send(struct pen_bench *bench, const struct stp_request *request);
/* Send, let the pen finish with credits as it needs them, and take the answer: its status. */
uint8_t pen_bench_ask(struct pen_bench *bench, const struct stp_request *request);
/* Take segments until the pen pauses or answers; true: it answered. */
bool pen_bench_drain(struct pen_bench *bench);
void pen_bench_expect_idle(struct pen_bench *bench);

/* Let time pass, in steps of at most a second. */
void pen_bench_wait(struct pen_bench *bench, uint32_t ms);
/* A person presses the button: for that, and nothing else. */
void pen_bench_press(struct pen_bench *bench, enum stp_pen_wish wish);
void pen_bench_set_motor(struct pen_bench *bench, bool on);

/* On the same connection when the same collector said it before. */
uint8_t pen_bench_hello(struct pen_bench *bench, char id);
uint8_t pen_bench_ack(struct pen_bench *bench, uint8_t slot, uint32_t from, uint32_t to);
struct stp_request list_request(uint32_t from, uint32_t to);
struct stp_request read_request(uint32_t record, uint32_t offset, uint32_t length);

#endif
