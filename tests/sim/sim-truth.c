/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <errno.h>

#include "sample-csv.h"
#include "sim-truth.h"

struct SimTruth {
	char *directory;
};

SimTruth *
sim_truth_new(const char *directory)
{
	SimTruth *truth = g_new0(SimTruth, 1);

	truth->directory = g_strdup(directory);
	return truth;
}

void
sim_truth_free(SimTruth *truth)
{
	if (!truth)
		return;
	g_free(truth->directory);
	g_free(truth);
}

static gboolean
write_file(const SimTruth *truth, const SimPen *pen, const char *name, const GString *text, GError **error)
{
	g_autofree char *parent = g_build_filename(truth->directory, sim_pen_serial(pen), NULL);
	g_autofree char *path = g_build_filename(parent, name, NULL);
	g_autoptr(GError) problem = NULL;

	if (g_mkdir_with_parents(parent, 0755) != 0) {
		g_set_error(error, SIM_ERROR, SIM_ERROR_STATE, "Cannot make %s: %s.", parent,
			    g_strerror(errno));
		return FALSE;
	}
	if (g_file_set_contents(path, text->str, (gssize)text->len, &problem))
		return TRUE;
	g_set_error(error, SIM_ERROR, SIM_ERROR_STATE, "Cannot write %s: %s.", path, problem->message);
	return FALSE;
}

/* sessions.tsv as it was, or its first line. */
static GString *
sessions_so_far(const SimTruth *truth, const SimPen *pen)
{
	g_autofree char *path = g_build_filename(truth->directory, sim_pen_serial(pen), "sessions.tsv", NULL);
	g_autofree char *text = NULL;

	if (g_file_get_contents(path, &text, NULL, NULL))
		return g_string_new(text);
	return g_string_new("epoch\tfirst\tlast\tsession\tboot_id\tstart_tick_ms\tsamples\n");
}

gboolean
sim_truth_session(SimTruth *truth, const SimPen *pen, const SimSession *session, const SimSpan *span,
		  GError **error)
{
	guint32 epoch = sim_flash_epoch(sim_pen_flash(pen));
	g_autofree char *name = g_strdup_printf("%08x-%u.csv", epoch, span->first);
	g_autoptr(GString) samples = sample_csv_format(session->samples, session->count);
	g_autoptr(GString) table = sessions_so_far(truth, pen);

	g_string_append_printf(table, "%08x\t%u\t%u\t%u\t%u\t%" G_GUINT64_FORMAT "\t%" G_GSIZE_FORMAT "\n",
			       epoch, span->first, span->last, span->session_no, session->boot_id,
			       session->start_tick_ms, session->count);
	return write_file(truth, pen, name, samples, error) &&
	       write_file(truth, pen, "sessions.tsv", table, error);
}

gboolean
sim_truth_records(SimTruth *truth, const SimPen *pen, GError **error)
{
	g_autoptr(GString) table = g_string_new("epoch\tnumber\ttype\tlength\tcrc32c\tsha256\n");
	const SimFlash *flash = sim_pen_flash(pen);

	for (guint32 number = 1; number <= sim_flash_newest(flash); number++) {
		const SimRecord *record = sim_flash_get(flash, number);
		g_autofree char *hash = NULL;

		if (!record)
			continue;
		hash = g_compute_checksum_for_data(G_CHECKSUM_SHA256, record->raw->data, record->raw->len);

		g_string_append_printf(table, "%08x\t%u\t%u\t%u\t%08x\t%s\n", sim_flash_epoch(flash), number,
				       record->entry.type, record->entry.length, record->entry.crc32c, hash);
	}
	return write_file(truth, pen, "records.tsv", table, error);
}
