/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include <stipple/record.h>

/*
 * The raw records of a session as the daemon hands them out: a memory file with, for each part
 * in order, a length (32 bits, little endian) and the record as the pen sent it.  Nothing in
 * it is believed before it was checked.
 */

struct session_records {
	const guint8 *bytes;
	gsize size;
	gboolean mapped;
};

/* What is wrong with one of them. */
struct record_fault {
	guint index;		/* in the file, from 1 */
	guint32 number;		/* the record's own number; 0: it could not be read */
	enum stp_status status;
	const char *reason;	/* a few words more, static; NULL: none */
};

/* Whose records they must be. */
struct session_identity {
	const char *serial;
	guint32 epoch, number;
};

struct records_visitor {
	void (*samples)(const struct stp_sample *samples, gsize count, gpointer data);
	void (*fault)(const struct record_fault *fault, gpointer data);
	/* TRUE: go no further */
	gboolean (*stop)(gpointer data);
	gpointer data;
};

/* Map the file, or read it when it could still change under us.  The descriptor stays the caller's. */
gboolean session_records_load(struct session_records *records, int fd, GError **error);
void session_records_clear(struct session_records *records);

/* The framing and every record's checksum, without decoding.  The number of faults visited. */
guint session_records_check(const struct session_records *records, const struct records_visitor *visitor);

/* A record as it is, counted from 1; FALSE: go no further. */
typedef gboolean (*session_record_visitor)(guint index, const guint8 *raw, gsize size, gpointer data);

/* Each of them, whatever is in it.  Not STP_OK: the framing is broken. */
enum stp_status session_records_each(const struct session_records *records, session_record_visitor visit,
				     gpointer data);

/*
 * Decode: samples in order; a record that fails is visited as a fault and, with skip_bad, the
 * next one goes on, else it ends there.  The number of faults.
 */
guint session_records_decode(const struct session_records *records, const struct session_identity *identity,
			     gboolean skip_bad, const struct records_visitor *visitor);
