/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT
 * example-pen: a pen in 150 lines.  Its flash is memory, its radio the datagram socket on stdin.  Datagrams
 * begin with the characteristic: C Log Control Point, D Log Data, S serial number, T elapsed time.
 */
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <stipple/stipple.h>

#define SERIAL "EXAMPLE-0001"
enum { RADIO = 0, EPOCH = 1 /* a pen's is random */, SESSIONS = 3, SAMPLES = 500, PERIOD_MS = 20, MTU = 247 };

/* The flash: records as they will travel, and the line of LIST that describes each. */
struct flash {
	struct kept {
		uint8_t raw[STP_BLOCK_SIZE_MAX(SAMPLES) + 256];
		struct stp_entry entry;
	} records[SESSIONS];
	struct stp_pen_slot slots[STP_PEN_SLOTS];
};

static void
log_state(void *user, struct stp_pen_log_state *out)
{
	(void)user;
	*out = (struct stp_pen_log_state){ .epoch = EPOCH, .oldest = 1, .newest = SESSIONS, .free_percent = 99 };
}

static enum stp_status
log_entry(void *user, uint32_t record, struct stp_entry *out)
{
	if (record < 1 || record > SESSIONS)
		return STP_ERR_NOT_FOUND;
	*out = ((struct flash *)user)->records[record - 1].entry;
	return STP_OK;
}

static enum stp_status
log_read(void *user, uint32_t record, uint32_t offset, uint8_t *out, size_t size)
{
	if (record < 1 || record > SESSIONS)
		return STP_ERR_NOT_FOUND;
	memcpy(out, ((struct flash *)user)->records[record - 1].raw + offset, size);
	return STP_OK;
}

static enum stp_status
log_save_slot(void *user, unsigned index, const struct stp_pen_slot *slot)
{
	/* A pen returns STP_OK only when this survives power-off, and begins with it again: main(). */
	((struct flash *)user)->slots[index] = *slot;
	return STP_OK;
}

/* What a motor and its sensors would yield. */
static struct stp_sample
measure(uint32_t session, uint32_t i)
{
	return (struct stp_sample){ .t_ms = i * PERIOD_MS, .depth_um = (uint16_t)(500 + i % 50 * 10),
		.rate_dhz = 1200, .current_ma = (uint16_t)(150 + i % 7), .contact = i % 100 < 80,
		.pass = 1, .zone = (uint8_t)session };
}

/* Record one session.  A pen would encode each sample as it is measured. */
static enum stp_status
record_session(struct kept *kept, uint32_t session)
{
	struct stp_record_head head = { .serial = SERIAL, .firmware = "1.0", .epoch = EPOCH, .number = session,
		.boot_id = 1, .start_tick_ms = session * 60000, .type = STP_RECORD_SESSION, .schema_rev = STP_SCHEMA_REV };
	struct stp_session_part part = { .session_no = session, .last = true, .period_ms = PERIOD_MS,
		.duration_ms = SAMPLES * PERIOD_MS, .sample_count = SAMPLES, .set_depth_min_um = 500,
		.set_depth_max_um = 1000, .set_rate_dhz = 1200 };
	uint8_t block[STP_BLOCK_SIZE_MAX(SAMPLES)];
	struct stp_block_encoder encoder;
	struct stp_record_writer writer;
	enum stp_status status;
	size_t size = 0;

	stp_block_encoder_init(&encoder);
	status = stp_block_encoder_begin(&encoder, PERIOD_MS, block, sizeof(block));
	for (uint32_t i = 0; status == STP_OK && i < SAMPLES; i++) {
		struct stp_sample sample = measure(session, i);

		status = stp_block_encoder_add(&encoder, &sample);
	}
	if (status != STP_OK || (status = stp_block_encoder_finish(&encoder, &size)) != STP_OK)
		return status;
	stp_record_begin(&writer, kept->raw, sizeof(kept->raw), &head);
	stp_record_put_session(&writer, &part);
	stp_record_put_block(&writer, block, size);
	status = stp_record_finish(&writer, &size);
	kept->entry = (struct stp_entry){ .record = session, .boot_id = head.boot_id, .type = head.type,
		.start_tick_ms = head.start_tick_ms, .length = (uint32_t)size };
	return status == STP_OK ? stp_record_check(kept->raw, size, &kept->entry.crc32c) : status;
}

static void
transmit(char characteristic, const uint8_t *bytes, size_t size)
{
	uint8_t datagram[1 + STP_ATT_VALUE_MAX] = { (uint8_t)characteristic };

	memcpy(datagram + 1, bytes, size);
	(void)send(RADIO, datagram, 1 + size, MSG_NOSIGNAL);
}

/* Current Elapsed Time: the pen's tick, milliseconds since it was switched on. */
static void
tell_time(void)
{
	struct timespec now;
	struct stp_elapsed_time tick = { .is_tick = true, .unit_us = 1000, .tz_dst_quarters = -128 };
	uint8_t value[STP_ELAPSED_TIME_SIZE];

	clock_gettime(CLOCK_MONOTONIC, &now);
	tick.value = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	transmit('T', value, stp_elapsed_time_encode(&tick, value) == STP_OK ? sizeof(value) : 0);
}

int
main(void)
{
	static const struct stp_pen_log log = { log_state, log_entry, log_read, log_save_slot, NULL };
	static struct flash flash;
	static struct stp_pen pen;
	struct stp_pen_config config = { .log = &log, .user = &flash, .boot_id = 1, .slots = flash.slots };
	uint8_t datagram[1 + STP_ATT_VALUE_MAX];
	struct stp_pen_output output;
	ssize_t size;

	for (uint32_t session = 1; session <= SESSIONS; session++)
		if (record_session(&flash.records[session - 1], session) != STP_OK)
			return 1;
	if (stp_pen_init(&pen, &config) != STP_OK)
		return 1;
	stp_pen_connected(&pen, MTU);
	while ((size = recv(RADIO, datagram, sizeof(datagram), 0)) > 0) {
		if (datagram[0] == 'C')
			stp_pen_control(&pen, datagram + 1, (size_t)size - 1);
		else if (datagram[0] == 'T')
			tell_time();
		else if (datagram[0] == 'S')
			transmit('S', (const uint8_t *)SERIAL, strlen(SERIAL));
		for (stp_pen_poll(&pen, &output); output.kind != STP_PEN_IDLE; stp_pen_poll(&pen, &output))
			if (output.kind != STP_PEN_WORKING)
				transmit(output.kind == STP_PEN_INDICATE ? 'C' : 'D', output.bytes, output.size);
	}
	return 0;
}
