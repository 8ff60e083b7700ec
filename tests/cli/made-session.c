/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <stipple/record.h>

#include "made-session.h"

#define RECORD_MAX (1 << 20)
#define BLOCK_MAX STP_BLOCK_SIZE_MAX(STP_BLOCK_SAMPLES_DEFAULT)

static void
put_blocks(struct stp_record_writer *writer, const struct stp_sample *samples, gsize count)
{
	g_autofree uint8_t *block = g_malloc(BLOCK_MAX);

	for (gsize at = 0; at < count; at += STP_BLOCK_SAMPLES_DEFAULT) {
		gsize size, left = MIN(count - at, STP_BLOCK_SAMPLES_DEFAULT);
		enum stp_status status = stp_block_encode(samples + at, left, 10, block, BLOCK_MAX, &size);

		g_assert_cmpint(status, ==, STP_OK);
		stp_record_put_block(writer, block, size);
	}
}

GBytes *
made_record(guint32 number, guint16 part, gboolean last, const struct stp_sample *samples, gsize count)
{
	struct stp_record_head head = { .serial = "SP-0001", .epoch = 0x2a, .number = number, .boot_id = 5,
					.start_tick_ms = 1000, .type = STP_RECORD_SESSION, .schema_rev = 1,
					.firmware = "1.2.3" };
	struct stp_session_part about = { .session_no = 7, .part = part, .last = last, .period_ms = 10,
					  .duration_ms = count ? samples[count - 1].t_ms - samples[0].t_ms + 10 : 0,
					  .sample_count = (uint32_t)count, .set_depth_min_um = 1000,
					  .set_depth_max_um = 2500, .set_rate_dhz = 1200, .needles = 12 };
	struct stp_record_writer writer;
	uint8_t *bytes = g_malloc(RECORD_MAX);
	size_t size = 0;

	stp_record_begin(&writer, bytes, RECORD_MAX, &head);
	stp_record_put_session(&writer, &about);
	put_blocks(&writer, samples, count);

	enum stp_status status = stp_record_finish(&writer, &size);

	g_assert_cmpint(status, ==, STP_OK);
	return g_bytes_new_take(bytes, size);
}

GByteArray *
made_file(GBytes *const *records, gsize count)
{
	GByteArray *file = g_byte_array_new();

	for (gsize i = 0; i < count; i++) {
		gsize size;
		const guint8 *raw = g_bytes_get_data(records[i], &size);
		guint32 length = GUINT32_TO_LE((guint32)size);

		g_byte_array_append(file, (const guint8 *)&length, sizeof(length));
		g_byte_array_append(file, raw, (guint)size);
	}
	return file;
}

int
made_memfd(const guint8 *bytes, gsize size, gboolean sealed)
{
	int fd = memfd_create("records", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(write(fd, bytes, size), ==, (gssize)size);
	if (sealed)
		g_assert_cmpint(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL), ==, 0);
	return fd;
}
