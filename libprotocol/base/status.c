/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <stipple/status.h>

struct status_words {
	const char *name, *text, *hint;
};

static const struct status_words words[STP_STATUS_COUNT] = {
	[STP_OK] = { "ok", "No error.", "Nothing to do." },
	[STP_ERR_ARGUMENT] = { "argument", "The call was made with arguments it does not take.",
		"This is a defect of the calling program: report it." },
	[STP_ERR_SPACE] = { "space", "The buffer is too small for the result.",
		"Give the call a larger buffer." },
	[STP_ERR_TRUNCATED] = { "truncated", "The data end too early.",
		"Fetch the data again; if they stay short, the pen wrote them so." },
	[STP_ERR_MALFORMED] = { "malformed", "The data contradict the format.",
		"Keep the raw bytes and report them together with the pen's firmware revision." },
	[STP_ERR_RANGE] = { "range", "A value lies outside what the format allows.",
		"Keep the raw bytes and have the pen's sensors checked." },
	[STP_ERR_CRC] = { "crc", "A checksum does not hold.",
		"Fetch the data again; if it fails again, the pen's flash may be damaged." },
	[STP_ERR_UNKNOWN] = { "unknown", "The data are of a kind this version does not know.",
		"Keep the raw bytes; a newer version can decode them." },
	[STP_ERR_TURN] = { "out-of-turn", "A message came that nobody asked for.",
		"Nothing, unless it happens often: then report the pen's firmware revision." },
	[STP_ERR_IDENTITY] = { "identity", "The record says it is another one than was asked for.",
		"Keep the raw bytes and check the pen's serial number and log epoch." },
	[STP_ERR_MEMORY] = { "memory", "There is not enough memory.",
		"Free memory and try again; nothing was lost." },
	[STP_ERR_NOT_FOUND] = { "not-found", "There is no such thing.",
		"List what there is and choose from that." },
	[STP_ERR_TIMEOUT] = { "timeout", "The other side did not answer in time.",
		"Bring the pen closer, check its battery, and try again." },
	[STP_ERR_REFUSED] = { "refused", "The other side refused.",
		"See the status it gave; a pen in use refuses until its motor stops." },
	[STP_ERR_IO] = { "io", "Reading or writing the storage failed.",
		"Check the storage; what was acknowledged is safe." },
	[STP_ERR_ORPHAN] = { "orphan", "The data continue others that are missing or damaged.",
		"Read what comes before them first, in order." },
};

static const struct status_words *
look_up(enum stp_status status)
{
	static const struct status_words stranger = { "status-unknown",
		"An error this version does not know.", "Update the software." };

	return (unsigned)status < STP_STATUS_COUNT ? &words[status] : &stranger;
}

const char *
stp_status_name(enum stp_status status)
{
	return look_up(status)->name;
}

const char *
stp_status_text(enum stp_status status)
{
	return look_up(status)->text;
}

const char *
stp_status_hint(enum stp_status status)
{
	return look_up(status)->hint;
}
