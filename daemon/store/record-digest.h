/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include <stipple/record.h>

#include "session-summary.h"

/*
 * What can be told from the bytes of one record.  Pure: no database, no clock.
 */

/* Raised when a newer parser may make more of the same bytes. */
#define STP_PARSER_VERSION 1

typedef struct {
	enum stp_status verdict;	/* STP_ERR_CRC: these are not the bytes that once came */
	char *reason;			/* why not, a few words; NULL when the verdict is STP_OK */
	struct stp_record_head head;
	gboolean is_session;		/* the next two are valid */
	struct stp_session_part part;
	StpSummary *summary;
	gboolean is_event;		/* the next one is valid */
	struct stp_event event;
} StpRecordDigest;

/* The bytes' checksum has been seen to hold. */
StpRecordDigest *stp_record_digest_new(const guint8 *raw, gsize size);
void stp_record_digest_free(StpRecordDigest *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StpRecordDigest, stp_record_digest_free)

/* SHA-256 of a record's bytes. */
#define STP_HASH_SIZE 32
void stp_record_hash(const guint8 *raw, gsize size, guint8 hash[STP_HASH_SIZE]);

/* Of bytes whose checksum does not hold: whether they look like the beginning of a whole record. */
gboolean stp_record_looks_cut(const guint8 *raw, gsize size);
