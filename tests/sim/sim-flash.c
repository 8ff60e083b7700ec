/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <string.h>

#include <stipple/gatt.h>

#include "sim-flash.h"

G_DEFINE_QUARK(sim - error - quark, sim_error)

/* What a record holds beside its blocks, and what each block takes beside its own bytes. */
#define RECORD_OVERHEAD 512u
#define BLOCK_OVERHEAD  8u

struct SimFlash {
	char *serial, *firmware;
	guint32 epoch, sessions;
	guint64 bytes, seals;
	GPtrArray *records; /* by number - 1; NULL: gone */
	guint32 oldest;
	gboolean sealing;
	struct sealing_key key;
	/* Of the last record as it was written, whatever happened to it since. */
	guint8 last_hash[STP_RECORD_HASH_SIZE];
};

static void
record_free(gpointer data)
{
	SimRecord *record = data;

	if (!record)
		return;
	g_byte_array_unref(record->raw);
	g_free(record);
}

SimFlash *
sim_flash_new(const char *serial, const char *firmware, guint32 epoch)
{
	SimFlash *flash = g_new0(SimFlash, 1);

	flash->serial = g_strdup(serial);
	flash->firmware = g_strdup(firmware);
	flash->epoch = epoch;
	flash->oldest = 1;
	flash->records = g_ptr_array_new_with_free_func(record_free);
	return flash;
}

void
sim_flash_free(SimFlash *flash)
{
	if (!flash)
		return;
	g_ptr_array_unref(flash->records);
	g_free(flash->serial);
	g_free(flash->firmware);
	g_free(flash);
}

void
sim_flash_set_sealing(SimFlash *flash, const struct sealing_key *key, guint64 counter)
{
	flash->sealing = TRUE;
	flash->key = *key;
	flash->seals = counter;
}

guint64
sim_flash_seals(const SimFlash *flash)
{
	return flash->seals;
}

guint32
sim_flash_epoch(const SimFlash *flash)
{
	return flash->epoch;
}

guint32
sim_flash_newest(const SimFlash *flash)
{
	return flash->records->len;
}

guint32
sim_flash_oldest(const SimFlash *flash)
{
	return flash->oldest;
}

const guint8 *
sim_flash_last_hash(const SimFlash *flash)
{
	return flash->last_hash;
}

guint32
sim_flash_sessions(const SimFlash *flash)
{
	return flash->sessions;
}

guint64
sim_flash_bytes(const SimFlash *flash)
{
	return flash->bytes;
}

SimRecord *
sim_flash_get(const SimFlash *flash, guint32 number)
{
	if (number < 1 || number > flash->records->len)
		return NULL;
	return g_ptr_array_index(flash->records, number - 1);
}

static void
find_oldest(SimFlash *flash)
{
	while (flash->oldest <= flash->records->len && !sim_flash_get(flash, flash->oldest))
		flash->oldest++;
}

void
sim_flash_drop(SimFlash *flash, guint32 number)
{
	SimRecord *record = sim_flash_get(flash, number);

	if (!record)
		return;
	flash->bytes -= record->raw->len;
	record_free(record);
	flash->records->pdata[number - 1] = NULL;
	find_oldest(flash);
}

void
sim_flash_restore_newest(SimFlash *flash, guint32 newest, const guint8 hash[STP_RECORD_HASH_SIZE])
{
	while (flash->records->len < newest)
		g_ptr_array_add(flash->records, NULL);
	memcpy(flash->last_hash, hash, sizeof flash->last_hash);
	find_oldest(flash);
}

void
sim_flash_restore_sessions(SimFlash *flash, guint32 sessions)
{
	flash->sessions = sessions;
}

gboolean
sim_flash_restore(SimFlash *flash, const struct stp_entry *entry, GByteArray *raw, GError **error)
{
	struct stp_record_head head;
	SimRecord *record;

	if (entry->record <= flash->records->len || entry->length != raw->len || raw->len == 0) {
		g_set_error(error, SIM_ERROR, SIM_ERROR_STATE,
			    "Record %u does not follow record %u, or is not as long as noted.", entry->record,
			    flash->records->len);
		g_byte_array_unref(raw);
		return FALSE;
	}
	record = g_new(SimRecord, 1);
	*record = (SimRecord){ *entry, raw };
	if (stp_record_read_head(raw->data, raw->len, &head) == STP_OK && head.has_prev_hash)
		record->entry.flags |= STP_ENTRY_CHAINED;
	sealing_sha256(raw->data, raw->len, flash->last_hash);
	while (flash->records->len + 1 < entry->record)
		g_ptr_array_add(flash->records, NULL);
	g_ptr_array_add(flash->records, record);
	flash->bytes += raw->len;
	find_oldest(flash);
	return TRUE;
}

static struct stp_record_head
make_head(const SimFlash *flash, guint8 type, guint32 boot_id, guint64 tick_ms)
{
	struct stp_record_head head = {
		.epoch = flash->epoch,
		.number = flash->records->len + 1,
		.boot_id = boot_id,
		.start_tick_ms = tick_ms,
		.type = type,
		.schema_rev = STP_SCHEMA_REV,
	};

	g_strlcpy(head.serial, flash->serial, sizeof head.serial);
	g_strlcpy(head.firmware, flash->firmware, sizeof head.firmware);
	head.has_prev_hash = flash->sealing && flash->records->len > 0;
	if (head.has_prev_hash)
		memcpy(head.prev_hash, flash->last_hash, sizeof head.prev_hash);
	return head;
}

/* Close the writer and file what it wrote; bytes are the writer's buffer. */
static gboolean
file_record(SimFlash *flash, struct stp_record_writer *writer, const struct stp_record_head *head,
	    GError **error)
{
	struct stp_entry entry = {
		.record = head->number,
		.boot_id = head->boot_id,
		.start_tick_ms = head->start_tick_ms,
		.type = head->type,
	};
	enum stp_status status;
	GByteArray *raw;
	size_t size;

	status = stp_record_finish(writer, &size);
	if (status == STP_OK)
		status = stp_record_check(writer->bytes, size, &entry.crc32c);
	if (status != STP_OK) {
		g_set_error(error, SIM_ERROR, SIM_ERROR_RECORD, "Record %u could not be written: %s",
			    head->number, stp_status_text(status));
		return FALSE;
	}
	raw = g_byte_array_sized_new((guint)size);
	g_byte_array_append(raw, writer->bytes, (guint)size);
	entry.length = (guint32)size;
	return sim_flash_restore(flash, &entry, raw, error);
}

gboolean
sim_flash_add_event(SimFlash *flash, guint32 boot_id, guint64 tick_ms, struct stp_event *event,
		    GError **error)
{
	struct stp_record_head head = make_head(flash, STP_RECORD_EVENT, boot_id, tick_ms);
	guint8 bytes[RECORD_OVERHEAD];
	struct stp_record_writer writer;

	event->event_no = head.number;
	stp_record_begin(&writer, bytes, sizeof bytes, &head);
	stp_record_put_event(&writer, event);
	return file_record(flash, &writer, &head, error);
}

/* The seal behind a session. */
static gboolean
seal_session(SimFlash *flash, const SimSession *session, const SimSpan *span, GError **error)
{
	guint64 tick_ms = session->start_tick_ms;
	struct stp_seal seal = { .statement_size = 0 };
	guint8 bytes[RECORD_OVERHEAD];
	struct stp_record_writer writer;
	struct stp_seal_statement statement;
	struct stp_record_head head;

	if (session->count > 0)
		tick_ms += session->samples[session->count - 1].t_ms + session->period_ms;
	head = make_head(flash, STP_RECORD_SEAL, session->boot_id, tick_ms);
	statement = (struct stp_seal_statement){
		.epoch = head.epoch,
		.number = head.number,
		.session_no = span->session_no,
		.first = span->first,
		.last = span->last,
		.records = span->last - span->first + 1,
		.written = flash->records->len,
		.counter = ++flash->seals,
	};
	g_strlcpy(statement.serial, flash->serial, sizeof statement.serial);
	memcpy(statement.prev_hash, head.prev_hash, sizeof statement.prev_hash);
	if (stp_seal_statement_encode(&statement, &seal) != STP_OK) {
		g_set_error(error, SIM_ERROR, SIM_ERROR_RECORD, "Session %u could not be sealed.",
			    span->session_no);
		return FALSE;
	}
	sealing_sign(&flash->key, &seal);
	stp_record_begin(&writer, bytes, sizeof bytes, &head);
	stp_record_put_seal(&writer, &seal);
	return file_record(flash, &writer, &head, error);
}

/* The samples of one part, encoded. */
struct part {
	GPtrArray *blocks;  /* (element-type GByteArray) */
	gsize first, count; /* samples */
	gsize bytes;
};

static enum stp_status
encode_block(struct stp_block_encoder *encoder, const SimSession *session, gsize from, gsize count,
	     gboolean chained, GByteArray *out)
{
	enum stp_status status;
	size_t size;

	g_byte_array_set_size(out, (guint)STP_BLOCK_SIZE_MAX(count));
	if (chained)
		status = stp_block_encoder_begin_chained(encoder, out->data, out->len);
	else
		status = stp_block_encoder_begin(encoder, session->period_ms, out->data, out->len);
	for (gsize i = 0; i < count && status == STP_OK; i++)
		status = stp_block_encoder_add(encoder, &session->samples[from + i]);
	if (status == STP_OK)
		status = stp_block_encoder_finish(encoder, &size);
	if (status == STP_OK)
		g_byte_array_set_size(out, (guint)size);
	return status;
}

/* Encode until the part, or the session, is full; all blocks but the record's first are chained. */
static enum stp_status
encode_part(struct stp_block_encoder *encoder, const SimSession *session, gsize part_samples,
	    struct part *part)
{
	while (part->count < part_samples && part->first + part->count < session->count) {
		gsize count = MIN(STP_BLOCK_SAMPLES_DEFAULT, part_samples - part->count);
		struct stp_block_encoder before = *encoder;
		g_autoptr(GByteArray) block = g_byte_array_new();
		enum stp_status status;

		count = MIN(count, session->count - part->first - part->count);
		status = encode_block(encoder, session, part->first + part->count, count, part->count > 0,
				      block);
		if (status != STP_OK)
			return status;
		if (part->bytes + block->len + BLOCK_OVERHEAD > STP_RECORD_SIZE_MAX - RECORD_OVERHEAD) {
			*encoder = before;
			return STP_OK;
		}
		part->bytes += block->len + BLOCK_OVERHEAD;
		part->count += count;
		g_ptr_array_add(part->blocks, g_steal_pointer(&block));
	}
	return STP_OK;
}

/* How long the sample at index lasted. */
static guint32
sample_ms(const SimSession *session, gsize index)
{
	if (index + 1 == session->count)
		return session->period_ms;
	return session->samples[index + 1].t_ms - session->samples[index].t_ms;
}

static struct stp_session_part
describe_part(const SimSession *session, const struct part *part)
{
	struct stp_session_part about = {
		.last = part->first + part->count == session->count,
		.period_ms = session->period_ms,
		.sample_count = (guint32)part->count,
		.set_depth_min_um = session->set_depth_min_um,
		.set_depth_max_um = session->set_depth_max_um,
		.set_rate_dhz = session->set_rate_dhz,
		.needles = session->needles,
		.cartridge_uid_size = session->cartridge_uid_size,
	};
	double strokes = 0;

	memcpy(about.cartridge_uid, session->cartridge_uid, sizeof about.cartridge_uid);
	memcpy(about.session_tag, session->tag, sizeof about.session_tag);
	for (guint i = 0; i < sizeof session->tag; i++)
		about.has_session_tag |= session->tag[i] != 0;
	for (gsize i = part->first; i < part->first + part->count; i++) {
		const struct stp_sample *sample = &session->samples[i];
		guint32 ms = sample_ms(session, i);

		about.duration_ms += ms;
		if (sample->rate_dhz == 0 || sample->rate_dhz == STP_ABSENT)
			continue;
		about.motor_on_ms += ms;
		strokes += sample->rate_dhz / 10.0 * ms / 1000.0;
	}
	about.strokes = (guint32)strokes;
	return about;
}

static gboolean
file_part(SimFlash *flash, const SimSession *session, guint ordinal, const struct part *part, guint8 *buffer,
	  GError **error)
{
	guint64 tick_ms = session->start_tick_ms;
	struct stp_session_part about = describe_part(session, part);
	struct stp_record_writer writer;
	struct stp_record_head head;

	if (ordinal > 0)
		tick_ms += session->samples[part->first].t_ms;
	head = make_head(flash, STP_RECORD_SESSION, session->boot_id, tick_ms);
	about.session_no = flash->sessions;
	about.part = (guint16)ordinal;
	stp_record_begin(&writer, buffer, STP_RECORD_SIZE_MAX, &head);
	stp_record_put_session(&writer, &about);
	for (guint i = 0; i < part->blocks->len; i++) {
		const GByteArray *block = g_ptr_array_index(part->blocks, i);

		stp_record_put_block(&writer, block->data, block->len);
	}
	return file_record(flash, &writer, &head, error);
}

gboolean
sim_flash_add_session(SimFlash *flash, const SimSession *session, gsize part_samples, SimSpan *span,
		      GError **error)
{
	g_autofree guint8 *buffer = g_malloc(STP_RECORD_SIZE_MAX);
	struct stp_block_encoder encoder;
	gsize done = 0;

	stp_block_encoder_init(&encoder);
	flash->sessions++;
	*span = (SimSpan){ flash->sessions, flash->records->len + 1, 0 };
	for (guint ordinal = 0; ordinal == 0 || done < session->count; ordinal++) {
		g_autoptr(GPtrArray) blocks =
			g_ptr_array_new_with_free_func((GDestroyNotify)g_byte_array_unref);
		struct part part = { .blocks = blocks, .first = done };
		enum stp_status status = encode_part(&encoder, session, part_samples, &part);

		if (status != STP_OK) {
			g_set_error(error, SIM_ERROR, SIM_ERROR_RECORD,
				    "The samples from %" G_GSIZE_FORMAT " on could not be encoded: %s", done,
				    stp_status_text(status));
			return FALSE;
		}
		if (!file_part(flash, session, ordinal, &part, buffer, error))
			return FALSE;
		done += part.count;
	}
	span->last = flash->records->len;
	return !flash->sealing || seal_session(flash, session, span, error);
}
