/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <string.h>

#include <stipple/crc32c.h>

#include "sim-faults.h"

static const struct {
	const char *name;
	SimRecordFault fault;
} record_faults[] = {
	{ "flip", SIM_FAULT_FLIP },
	{ "truncate", SIM_FAULT_TRUNCATE },
	{ "bad-depth", SIM_FAULT_BAD_DEPTH },
	{ "unknown-type", SIM_FAULT_UNKNOWN_TYPE },
};

static const char *
record_fault_name(SimRecordFault fault)
{
	for (guint i = 0; i < G_N_ELEMENTS(record_faults); i++) {
		if (record_faults[i].fault == fault)
			return record_faults[i].name;
	}
	return "unknown";
}

SimFaults *
sim_faults_new(void)
{
	SimFaults *faults = g_new0(SimFaults, 1);

	faults->records = g_array_new(FALSE, FALSE, sizeof(SimRecordOrder));
	faults->links = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	return faults;
}

void
sim_faults_free(SimFaults *faults)
{
	if (!faults)
		return;
	g_array_unref(faults->records);
	g_hash_table_unref(faults->links);
	g_free(faults);
}

SimLinkFaults *
sim_faults_link(SimFaults *faults, guint pen)
{
	SimLinkFaults *link = g_hash_table_lookup(faults->links, GUINT_TO_POINTER(pen));

	if (!link) {
		link = g_new0(SimLinkFaults, 1);
		g_hash_table_insert(faults->links, GUINT_TO_POINTER(pen), link);
	}
	link->answer_delay_ms = faults->answer_delay_ms;
	return link;
}

static gboolean
misused(GError **error, const char *name, const char *value, const char *expected)
{
	g_set_error(error, SIM_ERROR, SIM_ERROR_USAGE, "--%s %s: expected %s.", name, value, expected);
	return FALSE;
}

/* "PEN:NUMBER" or "PEN:NUMBER:always". */
static gboolean
parse_pair(const char *value, guint *pen, guint64 *number, gboolean *always)
{
	g_auto(GStrv) part = g_strsplit(value, ":", -1);
	guint parts = g_strv_length(part);
	guint64 first;

	*always = parts == 3 && strcmp(part[2], "always") == 0;
	if (parts != (*always ? 3u : 2u))
		return FALSE;
	if (!g_ascii_string_to_unsigned(part[0], 10, 1, 1000, &first, NULL) ||
	    !g_ascii_string_to_unsigned(part[1], 10, 1, G_MAXUINT32, number, NULL))
		return FALSE;
	*pen = (guint)first;
	return TRUE;
}

static gboolean
parse_threshold(SimFaults *faults, const char *name, const char *value, GError **error)
{
	SimThreshold threshold = { 0 };
	guint pen;

	if (!parse_pair(value, &pen, &threshold.bytes, &threshold.always))
		return misused(error, name, value, "PEN:BYTES or PEN:BYTES:always, both from 1");
	if (name[0] == 'd')
		sim_faults_link(faults, pen)->drop = threshold;
	else if (name[0] == 'a')
		sim_faults_link(faults, pen)->announce = threshold;
	else
		sim_faults_link(faults, pen)->stall = threshold;
	return TRUE;
}

/* Every Nth value of Log Data, or every Nth live frame. */
static gboolean
parse_lose(SimFaults *faults, const char *name, const char *value, GError **error)
{
	guint64 every;
	gboolean always;
	guint pen;

	if (!parse_pair(value, &pen, &every, &always) || always || every < 2)
		return misused(error, name, value, "PEN:N, the pen from 1, N from 2");
	if (strcmp(name, "lose-live") == 0)
		sim_faults_link(faults, pen)->lose_live = (guint)every;
	else
		sim_faults_link(faults, pen)->lose_every = (guint)every;
	return TRUE;
}

static gboolean
parse_stray(SimFaults *faults, const char *name, const char *value, GError **error)
{
	guint64 pen;

	if (!g_ascii_string_to_unsigned(value, 10, 1, 1000, &pen, NULL))
		return misused(error, name, value, "a pen, from 1");
	sim_faults_link(faults, (guint)pen)->stray_answer = TRUE;
	return TRUE;
}

static gboolean
parse_record_fault(SimFaults *faults, const char *name, const char *value, GError **error)
{
	for (guint i = 0; i < G_N_ELEMENTS(record_faults); i++) {
		SimRecordOrder order = { .fault = record_faults[i].fault };
		gboolean always;
		guint64 record;

		if (strcmp(name, record_faults[i].name) != 0)
			continue;
		if (!parse_pair(value, &order.pen, &record, &always) || always)
			return misused(error, name, value, "PEN:RECORD, both from 1");
		order.record = (guint32)record;
		g_array_append_val(faults->records, order);
		return TRUE;
	}
	g_set_error(error, SIM_ERROR, SIM_ERROR_USAGE, "There is no fault called \"%s\".", name);
	return FALSE;
}

gboolean
sim_faults_parse(SimFaults *faults, const char *name, const char *value, GError **error)
{
	if (strcmp(name, "announce-after") == 0 || strcmp(name, "drop-after") == 0 ||
	    strcmp(name, "stall-after") == 0)
		return parse_threshold(faults, name, value, error);
	if (strcmp(name, "lose-segment") == 0 || strcmp(name, "lose-live") == 0)
		return parse_lose(faults, name, value, error);
	if (strcmp(name, "stray-answer") == 0)
		return parse_stray(faults, name, value, error);
	return parse_record_fault(faults, name, value, error);
}

guint
sim_faults_highest_pen(const SimFaults *faults)
{
	GHashTableIter iter;
	guint highest = 0;
	gpointer pen;

	g_hash_table_iter_init(&iter, faults->links);
	while (g_hash_table_iter_next(&iter, &pen, NULL))
		highest = MAX(highest, GPOINTER_TO_UINT(pen));
	for (guint i = 0; i < faults->records->len; i++)
		highest = MAX(highest, g_array_index(faults->records, SimRecordOrder, i).pen);
	return highest;
}

gboolean
sim_faults_waiting(const SimFaults *faults, guint pen)
{
	for (guint i = 0; i < faults->records->len; i++) {
		const SimRecordOrder *order = &g_array_index(faults->records, SimRecordOrder, i);

		if (order->pen == pen && !order->done)
			return TRUE;
	}
	return FALSE;
}

gboolean
sim_faults_strike(SimFaults *faults, guint pen, SimPen *target, GError **error)
{
	for (guint i = 0; i < faults->records->len; i++) {
		SimRecordOrder *order = &g_array_index(faults->records, SimRecordOrder, i);
		SimRecord *record = sim_flash_get(sim_pen_flash(target), order->record);
		const SimEvent event = {
			.kind = SIM_EVENT_FAULT,
			.fault = record_fault_name(order->fault),
			.record = order->record,
		};

		if (order->pen != pen || order->done || !record)
			continue;
		if (!sim_fault_commit(order->fault, record, error))
			return FALSE;
		order->done = TRUE;
		sim_pen_emit(target, &event);
	}
	return TRUE;
}

static gboolean
fail(GError **error, const SimRecord *record, const char *what)
{
	g_set_error(error, SIM_ERROR, SIM_ERROR_RECORD, "Record %u %s.", record->entry.record, what);
	return FALSE;
}

/*
 * A block that is sound but for one value out of range.  The encoder refuses to make one, so a
 * good block of nothing but the deepest depth is changed bit by bit, its checksum mended each
 * time, until the decoder says that a value is out of range: depth is the only value in it.
 */
static GByteArray *
make_bad_block(guint16 period_ms, guint32 t_ms)
{
	g_autoptr(GByteArray) block = g_byte_array_new();
	struct stp_sample samples[8], decoded[8];
	size_t size, count;

	for (guint i = 0; i < G_N_ELEMENTS(samples); i++)
		samples[i] = (struct stp_sample){
			t_ms + i * period_ms, STP_DEPTH_MAX_UM, STP_ABSENT, STP_ABSENT, 1, 1, 1
		};
	g_byte_array_set_size(block, (guint)STP_BLOCK_SIZE_MAX(G_N_ELEMENTS(samples)));
	if (stp_block_encode(samples, G_N_ELEMENTS(samples), period_ms, block->data, block->len, &size))
		return NULL;
	g_byte_array_set_size(block, (guint)size);
	for (gsize bit = 8 * STP_BLOCK_HEADER_SIZE; bit < 8 * (size - STP_BLOCK_TRAILER_SIZE); bit++) {
		guint32 crc;

		block->data[bit / 8] ^= (guint8)(1u << bit % 8);
		crc = GUINT32_TO_LE(stp_crc32c(0, block->data, size - STP_BLOCK_TRAILER_SIZE));
		memcpy(block->data + size - STP_BLOCK_TRAILER_SIZE, &crc, sizeof crc);
		if (stp_block_decode(block->data, size, decoded, G_N_ELEMENTS(decoded), &count) ==
		    STP_ERR_RANGE)
			return g_steal_pointer(&block);
		block->data[bit / 8] ^= (guint8)(1u << bit % 8);
	}
	return NULL;
}

/* The time after the last sample of the record. */
static guint32
end_of_samples(const struct stp_record *record, guint16 period_ms)
{
	size_t blocks = stp_record_block_count(record), size, count;
	g_autofree struct stp_sample *samples = g_new(struct stp_sample, STP_BLOCK_SAMPLES_MAX);
	struct stp_block_decoder decoder;
	guint32 end_ms = 0;
	const guint8 *block;

	stp_block_decoder_init(&decoder);
	for (size_t i = 0; i < blocks; i++) {
		block = stp_record_block(record, i, &size);
		if (stp_block_decoder_next(&decoder, block, size, samples, STP_BLOCK_SAMPLES_MAX, &count) !=
		    STP_OK)
			return 0;
		if (count > 0)
			end_ms = samples[count - 1].t_ms + period_ms;
	}
	return end_ms;
}

/* Write the record anew, of another type or with one more block, and file it in the old one's place. */
static gboolean
write_anew(SimRecord *record, const struct stp_record *old, guint8 type, const GByteArray *bad_block,
	   GError **error)
{
	struct stp_record_head head = *stp_record_head(old);
	g_autofree guint8 *buffer = g_malloc(STP_RECORD_SIZE_MAX);
	const struct stp_session_part *session = stp_record_session(old);
	const struct stp_event *event = stp_record_event(old);
	const struct stp_seal *seal = stp_record_seal(old);
	struct stp_record_writer writer;
	guint32 crc32c;
	size_t size;

	head.type = type;
	stp_record_begin(&writer, buffer, STP_RECORD_SIZE_MAX, &head);
	if (session) {
		struct stp_session_part about = *session;

		about.sample_count += bad_block ? 8 : 0;
		stp_record_put_session(&writer, &about);
	}
	if (event)
		stp_record_put_event(&writer, event);
	if (seal)
		stp_record_put_seal(&writer, seal);
	for (size_t i = 0; i < stp_record_block_count(old); i++) {
		const guint8 *block = stp_record_block(old, i, &size);

		stp_record_put_block(&writer, block, size);
	}
	if (bad_block)
		stp_record_put_block(&writer, bad_block->data, bad_block->len);
	if (stp_record_finish(&writer, &size) != STP_OK || stp_record_check(buffer, size, &crc32c) != STP_OK)
		return fail(error, record, "could not be written anew");
	g_byte_array_set_size(record->raw, 0);
	g_byte_array_append(record->raw, buffer, (guint)size);
	record->entry.type = type;
	record->entry.length = (guint32)size;
	record->entry.crc32c = crc32c;
	return TRUE;
}

static gboolean
change_content(SimRecordFault fault, SimRecord *record, GError **error)
{
	const struct stp_session_part *session;
	g_autoptr(GByteArray) block = NULL;
	struct stp_record *old;
	gboolean done;

	if (stp_record_decode(record->raw->data, record->raw->len, &old) != STP_OK)
		return fail(error, record, "is damaged already");
	session = stp_record_session(old);
	if (fault == SIM_FAULT_UNKNOWN_TYPE) {
		done = write_anew(record, old, SIM_UNKNOWN_TYPE, NULL, error);
	} else if (!session) {
		done = fail(error, record, "is no session and holds no depth");
	} else {
		block = make_bad_block(session->period_ms, end_of_samples(old, session->period_ms));
		done = block ? write_anew(record, old, record->entry.type, block, error)
			     : fail(error, record, "could not be given a bad depth");
	}
	stp_record_free(old);
	return done;
}

gboolean
sim_fault_commit(SimRecordFault fault, SimRecord *record, GError **error)
{
	switch (fault) {
	case SIM_FAULT_FLIP:
		record->raw->data[record->raw->len / 2] ^= 0x10;
		return TRUE;
	case SIM_FAULT_TRUNCATE:
		g_byte_array_set_size(record->raw, MAX(record->raw->len / 2, 1));
		record->entry.length = record->raw->len;
		return TRUE;
	case SIM_FAULT_BAD_DEPTH:
	case SIM_FAULT_UNKNOWN_TYPE:
		return change_content(fault, record, error);
	}
	return fail(error, record, "cannot have a fault nobody knows");
}
