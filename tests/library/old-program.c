/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/*
 * A program compiled with today's headers.  check-growth.py runs it with a library whose structs
 * have since grown: nothing is written behind a struct, nothing is read from there, and all works.
 */

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <stipple/stipple.h>

#define FENCE 0xA5
#define FENCED(type) struct { struct type it; unsigned char fence[64]; }
#define CHECK(what) \
	do { \
		if (!(what)) { \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #what); \
			failures++; \
		} \
	} while (0)
/* What lies behind a struct is not zero, and stays as it is. */
#define RAISE(fenced) memset(&(fenced), FENCE, sizeof(fenced))
#define CHECK_FENCE(fenced) \
	do { \
		size_t same = 0; \
		while (same < sizeof((fenced).fence) && (fenced).fence[same] == FENCE) \
			same++; \
		CHECK(same == sizeof((fenced).fence)); \
	} while (0)

static int failures;

static void
check_features(void)
{
	struct stp_features in = { .schema_rev = 1, .max_window = 64, .sample_period_ms = 20, .collector_slots = 4 };
	FENCED(stp_features) out;
	uint8_t wire[STP_FEATURES_SIZE];

	RAISE(out);
	stp_features_encode(&in, wire);
	CHECK(stp_features_decode(wire, sizeof(wire), &out.it) == STP_OK);
	CHECK(out.it.max_window == 64 && out.it.collector_slots == 4);
	CHECK_FENCE(out);
}

static void
check_advert(void)
{
	struct stp_advert in = { .newest_record = 77, .epoch_low = 9 };
	FENCED(stp_advert) out;
	uint8_t wire[STP_ADVERT_SIZE];

	RAISE(out);
	stp_advert_encode(&in, wire);
	CHECK(stp_advert_decode(wire, sizeof(wire), &out.it) == STP_OK);
	CHECK(out.it.newest_record == 77 && out.it.epoch_low == 9);
	CHECK_FENCE(out);
}

static size_t
write_event(uint8_t *raw, size_t capacity)
{
	struct stp_record_head head = { .serial = "OLD-1", .epoch = 1, .number = 5,
		.type = STP_RECORD_EVENT, .schema_rev = STP_SCHEMA_REV };
	struct stp_event event = { .event_no = 1, .code = STP_EVENT_STALL };
	struct stp_record_writer writer;
	size_t size = 0;

	stp_record_begin(&writer, raw, capacity, &head);
	stp_record_put_event(&writer, &event);
	CHECK(stp_record_finish(&writer, &size) == STP_OK);
	return size;
}

static size_t
write_session(uint8_t *raw, size_t capacity)
{
	struct stp_record_head head = { .serial = "OLD-1", .epoch = 1, .number = 6,
		.type = STP_RECORD_SESSION, .schema_rev = STP_SCHEMA_REV };
	struct stp_session_part part = { .session_no = 1, .last = true, .period_ms = 20 };
	struct stp_record_writer writer;
	size_t size = 0;

	stp_record_begin(&writer, raw, capacity, &head);
	stp_record_put_session(&writer, &part);
	CHECK(stp_record_finish(&writer, &size) == STP_OK);
	return size;
}

static void
check_records(void)
{
	FENCED(stp_record_head) head;
	FENCED(stp_record_fault) fault;
	struct stp_record *record = NULL;
	uint8_t raw[512];
	size_t size = write_event(raw, sizeof(raw));

	RAISE(head);
	RAISE(fault);
	CHECK(stp_record_read_head(raw, size, &head.it) == STP_OK);
	CHECK(head.it.number == 5 && strcmp(head.it.serial, "OLD-1") == 0);
	CHECK_FENCE(head);
	CHECK(stp_record_validate(raw, size, &fault.it) == STP_OK);
	raw[5] ^= 1;
	CHECK(stp_record_validate(raw, size, &fault.it) == STP_ERR_CRC);
	CHECK(fault.it.status == STP_ERR_CRC && fault.it.block == -1 && fault.it.reason != NULL);
	CHECK_FENCE(fault);

	size = write_session(raw, sizeof(raw));
	CHECK(stp_record_decode(raw, size, &record) == STP_OK);
	CHECK(record != NULL && stp_record_session(record)->last && stp_record_head(record)->number == 6);
	stp_record_free(record);
}

static void
check_block(void)
{
	FENCED(stp_block_info) info;
	struct stp_sample sample = { .t_ms = 40, .depth_um = 500, .rate_dhz = 900, .current_ma = 100 };
	uint8_t bytes[STP_BLOCK_SIZE_MAX(1)];
	size_t size = 0;

	RAISE(info);
	CHECK(stp_block_encode(&sample, 1, 20, bytes, sizeof(bytes), &size) == STP_OK);
	CHECK(stp_block_peek(bytes, size, &info.it) == STP_OK);
	CHECK(info.it.samples == 1 && info.it.first_ms == 40);
	CHECK_FENCE(info);
}

static void
check_host(void)
{
	struct stp_host_config config = { .collector_id = "OLD", .window = 32 };
	struct stp_features features = { .schema_rev = 1, .max_window = 16, .sample_period_ms = 20 };
	struct stp_host *host = stp_host_new(&config);
	FENCED(stp_host_action) action;
	FENCED(stp_host_progress) progress;

	RAISE(action);
	RAISE(progress);
	CHECK(host != NULL);
	stp_host_start(host, 247, &features, 1000);
	stp_host_poll(host, &action.it);
	CHECK(action.it.kind == STP_HOST_WRITE && action.it.u.write.bytes[0] == STP_OP_HELLO);
	CHECK_FENCE(action);
	stp_host_get_progress(host, &progress.it);
	CHECK(progress.it.record == 0 && progress.it.records_done == 0);
	CHECK_FENCE(progress);
	stp_host_free(host);
}

static void
check_errand(void)
{
	struct stp_errand_config config = { .kind = STP_ERRAND_LIST_SLOTS, .collector_id = "OLD" };
	struct stp_errand *errand = stp_errand_new(&config);
	FENCED(stp_errand_action) action;

	RAISE(action);
	CHECK(errand != NULL);
	stp_errand_start(errand, 1000);
	stp_errand_poll(errand, &action.it);
	CHECK(action.it.kind == STP_ERRAND_WRITE && action.it.u.write.size > 0);
	CHECK_FENCE(action);
	stp_errand_free(errand);
}

static void
check_panel(void)
{
	struct stp_panel_config config = { .retries = 2 };
	struct stp_panel_request request = { .op = STP_PANEL_IDENTIFY, .u.identify.seconds = 5 };
	struct stp_panel *panel = stp_panel_new(&config);
	FENCED(stp_panel_action) action;

	RAISE(action);
	CHECK(panel != NULL);
	CHECK(stp_panel_ask(panel, &request, 1000) == STP_OK);
	stp_panel_poll(panel, &action.it);
	CHECK(action.it.kind == STP_PANEL_WRITE && action.it.u.write.bytes[0] == STP_PANEL_IDENTIFY);
	CHECK_FENCE(action);
	stp_panel_free(panel);
}

static bool
hash_nothing(void *user, const uint8_t *bytes, size_t size, uint8_t out[STP_RECORD_HASH_SIZE])
{
	(void)user;
	(void)bytes;
	memset(out, (int)size & 0xFF, STP_RECORD_HASH_SIZE);
	return true;
}

static bool
verify_nothing(void *user, const uint8_t key[STP_PUBLIC_KEY_SIZE], const uint8_t *message, size_t size,
	       const uint8_t signature[STP_SIGNATURE_SIZE])
{
	(void)user;
	return key[0] == message[0] && size == signature[0];
}

static void
tell_log(void *user, struct stp_pen_log_state *out)
{
	(void)user;
	*out = (struct stp_pen_log_state){ .epoch = 7, .oldest = 1, .newest = 0 };
}

static enum stp_status
no_entry(void *user, uint32_t record, struct stp_entry *out)
{
	(void)user;
	(void)out;
	return record == 0 ? STP_ERR_IO : STP_ERR_NOT_FOUND;
}

static enum stp_status
no_bytes(void *user, uint32_t record, uint32_t offset, uint8_t *out, size_t size)
{
	(void)user;
	(void)out;
	return record + offset + size == 0 ? STP_ERR_IO : STP_ERR_NOT_FOUND;
}

static enum stp_status
keep_nothing(void *user, unsigned index, const struct stp_pen_slot *slot)
{
	(void)user;
	return index < STP_PEN_SLOTS && slot->used ? STP_OK : STP_ERR_IO;
}

static void
check_pen(void)
{
	struct stp_pen_log log = { .state = tell_log, .entry = no_entry, .read = no_bytes, .save_slot = keep_nothing };
	struct stp_pen_panel panel = { .reboot = NULL };
	struct stp_pen_config config = { .log = &log, .panel = &panel, .boot_id = 1 };
	FENCED(stp_pen) pen;
	FENCED(stp_pen_output) output;

	RAISE(pen);
	RAISE(output);
	CHECK(stp_pen_init(&pen.it, &config) == STP_OK);
	stp_pen_connected(&pen.it, 23);
	stp_pen_control(&pen.it, (const uint8_t[]){ STP_OP_GET_STATE, 1 }, 2);
	stp_pen_poll(&pen.it, &output.it);
	CHECK(output.it.kind == STP_PEN_INDICATE && output.it.size > 6 && output.it.bytes[3] == 7);
	CHECK_FENCE(output);
	CHECK_FENCE(pen);
}

static void
check_chain(void)
{
	struct stp_chain_config config = { .crypto = { hash_nothing, verify_nothing, NULL } };
	FENCED(stp_chain) chain;
	FENCED(stp_chain_report) report;
	FENCED(stp_chain_summary) summary;
	uint8_t raw[512];
	size_t size = write_event(raw, sizeof(raw));

	RAISE(chain);
	RAISE(report);
	RAISE(summary);
	CHECK(stp_chain_init(&chain.it, &config) == STP_OK);
	CHECK(stp_chain_add(&chain.it, raw, size, &report.it) == STP_OK);
	CHECK(report.it.number == 5);
	stp_chain_summary(&chain.it, &summary.it);
	CHECK(summary.it.records == 1);
	CHECK_FENCE(chain);
	CHECK_FENCE(report);
	CHECK_FENCE(summary);
}

/* A program newer than the library is told so when it asks for what the library does not know. */
static void
check_refusal(void)
{
	struct { struct stp_event event; uint64_t later[32]; } newer = { .later = { 0 } };
	struct stp_record_head head = { .serial = "NEW-1", .epoch = 1, .number = 1,
		.type = STP_RECORD_EVENT, .schema_rev = STP_SCHEMA_REV };
	struct stp_record_writer writer;
	uint8_t raw[512];
	size_t size = 0;

	newer.event.code = STP_EVENT_STALL;
	stp_record_begin(&writer, raw, sizeof(raw), &head);
	stp_record_put_event_sized(&writer, &newer.event, sizeof(newer));
	CHECK(stp_record_finish(&writer, &size) == STP_OK);
	newer.later[31] = 1;
	stp_record_begin(&writer, raw, sizeof(raw), &head);
	stp_record_put_event_sized(&writer, &newer.event, sizeof(newer));
	CHECK(stp_record_finish(&writer, &size) == STP_ERR_ARGUMENT);
}

int
main(void)
{
	check_features();
	check_advert();
	check_records();
	check_block();
	check_host();
	check_errand();
	check_panel();
	check_pen();
	check_chain();
	check_refusal();
	return failures > 0;
}
