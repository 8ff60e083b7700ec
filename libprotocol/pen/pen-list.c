/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/*
 * The entries of a LIST as bytes.  One entry is looked up ahead of the one that is sent, since only so is it
 * known which segment is the last; and a long gap between two is passed a piece at each poll.
 */

#include <string.h>

#include "pen-internal.h"

/* Of the connected collector, in the epoch of the LIST. */
static bool
is_acknowledged(const struct stp_pen *pen, uint32_t record)
{
	struct stp_range run;

	return pen->slot < STP_PEN_SLOTS &&
	       stp_pen_slot_run(&pen->slots[pen->slot], pen->stream.epoch, record, &run) && run.from <= record;
}

/* Look for the entry ahead, as long as there are lookups left. */
static enum stp_status
look_ahead(struct stp_pen *pen, unsigned *lookups)
{
	/* Next is zero behind the last number there can be. */
	while (pen->stream.next && pen->stream.next <= pen->stream.last) {
		struct stp_entry entry;
		enum stp_status status;

		if (!*lookups)
			return STP_OK;
		--*lookups;
		status = pen->config.log->entry(pen->config.user, pen->stream.next, &entry);
		if (status && status != STP_ERR_NOT_FOUND)
			return STP_ERR_IO;
		pen->stream.next++;
		if (status)
			continue;
		entry.flags &= (uint8_t)~STP_ENTRY_ACKNOWLEDGED;
		if (is_acknowledged(pen, entry.record))
			entry.flags |= STP_ENTRY_ACKNOWLEDGED;
		stp_entry_encode(&entry, pen->stream.ahead);
		pen->stream.has_ahead = true;
		return STP_OK;
	}
	pen->stream.exhausted = true;
	return STP_OK;
}

static void
take_ahead(struct stp_pen *pen)
{
	memcpy(pen->stream.entry, pen->stream.ahead, STP_ENTRY_SIZE);
	pen->stream.entry_left = STP_ENTRY_SIZE;
	pen->stream.has_ahead = false;
}

enum stp_status
stp_pen_fill_list(struct stp_pen *pen, uint8_t *payload, size_t capacity, size_t *size, bool *last)
{
	unsigned lookups = STP_PEN_LOOKUPS_MAX;
	size_t filled = 0;

	while (filled < capacity) {
		size_t piece = capacity - filled;

		if (!pen->stream.entry_left && pen->stream.has_ahead)
			take_ahead(pen);
		if (!pen->stream.has_ahead && !pen->stream.exhausted && look_ahead(pen, &lookups))
			return STP_ERR_IO;
		/* Not known yet whether another follows: what is there goes out, so it is not the last. */
		if (!pen->stream.has_ahead && !pen->stream.exhausted)
			break;
		if (!pen->stream.entry_left && !pen->stream.has_ahead)
			break;
		if (piece > pen->stream.entry_left)
			piece = pen->stream.entry_left;
		memcpy(payload + filled, pen->stream.entry + STP_ENTRY_SIZE - pen->stream.entry_left, piece);
		filled += piece;
		pen->stream.entry_left = (uint8_t)(pen->stream.entry_left - piece);
	}
	*size = filled;
	*last = pen->stream.exhausted && !pen->stream.has_ahead && !pen->stream.entry_left;
	return STP_OK;
}
