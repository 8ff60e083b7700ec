/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gio/gio.h>

#include <stipple/segment.h>

#include "session-records.h"

/* A day at 200 Hz is about 90 MB on the bus's worst day; more is no session. */
#define FILE_MAX ((goffset)1 << 30)

static gboolean
fail(GError **error, const char *doing)
{
	int code = errno;

	g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(code), "%s: %s", doing, g_strerror(code));
	return FALSE;
}

static gboolean
read_all(struct session_records *records, int fd, gsize size, GError **error)
{
	guint8 *bytes = g_malloc(MAX(size, 1));
	gsize done = 0;

	while (done < size) {
		ssize_t got = pread(fd, bytes + done, size - done, (off_t)done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			if (got == 0)
				errno = EIO;
			g_free(bytes);
			return fail(error, "Reading the session's records");
		}
		done += (gsize)got;
	}
	records->bytes = bytes;
	records->size = size;
	return TRUE;
}

gboolean
session_records_load(struct session_records *records, int fd, GError **error)
{
	struct stat stat;

	*records = (struct session_records){ 0 };
	if (fstat(fd, &stat) < 0)
		return fail(error, "Looking at the session's records");
	if (stat.st_size > FILE_MAX) {
		errno = EFBIG;
		return fail(error, "Reading the session's records");
	}
	gsize size = (gsize)stat.st_size;
	int seals = fcntl(fd, F_GET_SEALS);
	int needed = F_SEAL_SHRINK | F_SEAL_WRITE;

	/* A file that may still shrink must not be mapped: touching what is gone is fatal. */
	if (!size || seals < 0 || (seals & needed) != needed)
		return read_all(records, fd, size, error);

	void *map = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);

	if (map == MAP_FAILED)
		return fail(error, "Mapping the session's records");
	records->bytes = map;
	records->size = size;
	records->mapped = TRUE;
	return TRUE;
}

void
session_records_clear(struct session_records *records)
{
	if (records->mapped)
		munmap((void *)records->bytes, records->size);
	else
		g_free((void *)records->bytes);
	*records = (struct session_records){ 0 };
}

/* ---- walking ---- */

struct walk {
	const struct session_records *records;
	gsize at;
	guint index;
	const guint8 *raw;
	gsize size;
};

/* STP_ERR_NOT_FOUND: there are no more; STP_ERR_TRUNCATED or STP_ERR_RANGE: the framing is broken. */
static enum stp_status
walk_next(struct walk *walk)
{
	const guint8 *at = walk->records->bytes + walk->at;
	gsize left = walk->records->size - walk->at;
	guint32 size;

	if (!left)
		return STP_ERR_NOT_FOUND;
	walk->index++;
	walk->raw = NULL;
	if (left < 4)
		return STP_ERR_TRUNCATED;
	memcpy(&size, at, 4);
	size = GUINT32_FROM_LE(size);
	if (size > STP_RECORD_SIZE_MAX)
		return STP_ERR_RANGE;
	if (size > left - 4)
		return STP_ERR_TRUNCATED;
	walk->raw = at + 4;
	walk->size = size;
	walk->at += 4 + (gsize)size;
	return STP_OK;
}

static void
tell(const struct records_visitor *visitor, const struct walk *walk, guint32 number, enum stp_status status)
{
	struct record_fault fault = { walk->index, number, status, NULL };
	struct stp_record_fault found;

	/* What exactly is wrong inside is looked for only now. */
	if (walk->raw && stp_record_validate(walk->raw, walk->size, &found) == status)
		fault.reason = found.reason;
	visitor->fault(&fault, visitor->data);
}

static gboolean
stopped(const struct records_visitor *visitor)
{
	return visitor->stop && visitor->stop(visitor->data);
}

guint
session_records_check(const struct session_records *records, const struct records_visitor *visitor)
{
	struct walk walk = { .records = records };
	guint faults = 0;

	for (;;) {
		enum stp_status status = walk_next(&walk);
		guint32 crc;

		if (status == STP_ERR_NOT_FOUND)
			return faults;
		if (status != STP_OK) {
			tell(visitor, &walk, 0, status);
			return faults + 1;
		}
		status = stp_record_check(walk.raw, walk.size, &crc);
		if (status != STP_OK) {
			tell(visitor, &walk, 0, status);
			faults++;
		}
	}
}

enum stp_status
session_records_each(const struct session_records *records, session_record_visitor visit, gpointer data)
{
	struct walk walk = { .records = records };
	enum stp_status status;

	while ((status = walk_next(&walk)) == STP_OK) {
		if (!visit(walk.index, walk.raw, walk.size, data))
			return STP_OK;
	}
	return status == STP_ERR_NOT_FOUND ? STP_OK : status;
}

/* ---- decoding ---- */

static enum stp_status
decode_blocks(const struct stp_record *record, struct stp_sample *scratch,
	      const struct records_visitor *visitor)
{
	const struct stp_session_part *part = stp_record_session(record);
	struct stp_block_decoder decoder;
	guint64 samples = 0;

	stp_block_decoder_init(&decoder);
	for (size_t i = 0; i < stp_record_block_count(record); i++) {
		size_t size, count;
		const uint8_t *block = stp_record_block(record, i, &size);
		enum stp_status status = stp_block_decoder_next(&decoder, block, size, scratch,
								STP_BLOCK_SAMPLES_MAX, &count);

		if (status != STP_OK)
			return status;
		samples += count;
		visitor->samples(scratch, count, visitor->data);
		if (stopped(visitor))
			return STP_OK;
	}
	return samples == part->sample_count ? STP_OK : STP_ERR_MALFORMED;
}

static enum stp_status
decode_record(const struct walk *walk, const struct session_identity *identity, struct stp_sample *scratch,
	      const struct records_visitor *visitor, guint32 *number)
{
	struct stp_record *record;
	enum stp_status status = stp_record_decode(walk->raw, walk->size, &record);

	*number = 0;
	if (status != STP_OK)
		return status;

	const struct stp_record_head *head = stp_record_head(record);
	const struct stp_session_part *part = stp_record_session(record);

	*number = head->number;
	if (!part)
		status = STP_ERR_UNKNOWN;
	else if (strcmp(head->serial, identity->serial) || head->epoch != identity->epoch ||
		 part->session_no != identity->number)
		status = STP_ERR_IDENTITY;
	else
		status = decode_blocks(record, scratch, visitor);
	stp_record_free(record);
	return status;
}

guint
session_records_decode(const struct session_records *records, const struct session_identity *identity,
		       gboolean skip_bad, const struct records_visitor *visitor)
{
	struct walk walk = { .records = records };
	struct stp_sample *scratch = g_new(struct stp_sample, STP_BLOCK_SAMPLES_MAX);
	guint faults = 0;

	for (;;) {
		guint32 number = 0;
		enum stp_status framing = walk_next(&walk), status = framing;

		if (framing == STP_ERR_NOT_FOUND)
			break;
		if (framing == STP_OK)
			status = decode_record(&walk, identity, scratch, visitor, &number);
		if (status != STP_OK) {
			tell(visitor, &walk, number, status);
			faults++;
		}
		if ((status != STP_OK && !skip_bad) || framing != STP_OK || stopped(visitor))
			break;
	}
	g_free(scratch);
	return faults;
}
