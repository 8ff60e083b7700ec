/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <stipple/host.h>

const char *
stp_note_name(enum stp_note note)
{
	switch (note) {
	case STP_NOTE_ANSWER_OUT_OF_TURN:
		return "answer-out-of-turn";
	case STP_NOTE_ANSWER_MALFORMED:
		return "answer-malformed";
	case STP_NOTE_SEGMENT_STALE:
		return "segment-stale";
	case STP_NOTE_SEGMENT_MALFORMED:
		return "segment-malformed";
	case STP_NOTE_SEGMENT_BEYOND:
		return "segment-beyond";
	case STP_NOTE_SEGMENT_CONFLICT:
		return "segment-conflict";
	case STP_NOTE_HOLE:
		return "hole";
	case STP_NOTE_RANGE_CRC:
		return "range-crc";
	case STP_NOTE_ENTRY_MALFORMED:
		return "entry-malformed";
	case STP_NOTE_ACK_REFUSED:
		return "ack-refused";
	case STP_NOTE_SLOTS_FULL:
		return "slots-full";
	case STP_NOTE_PARTIAL_DIFFERS:
		return "partial-differs";
	case STP_NOTE_SLOT_AHEAD:
		return "slot-ahead";
	case STP_NOTE_LOG_WENT_BACK:
		return "log-went-back";
	}
	return "note-unknown";
}
