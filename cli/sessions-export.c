/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <gio/gunixfdlist.h>
#include <glib/gstdio.h>

#include "client.h"
#include "cmd.h"
#include "export-file.h"
#include "failure.h"
#include "model.h"
#include "output.h"
#include "progress.h"
#include "samples.h"
#include "session-pages.h"
#include "session-records.h"
#include "text.h"

/* sessions export: the samples of sessions, checked on this side too, as CSV or NDJSON. */

struct export_options {
	char *pen, *since, *until, *format, *output, *directory;
	gboolean all, partial;
};

static const struct option table[] = {
	{ "format", 0, OPTION_TEXT, offsetof(struct export_options, format), "csv|ndjson",
	  "What to write (csv)" },
	{ "output", 'o', OPTION_FILE, offsetof(struct export_options, output), "FILE",
	  "Write to FILE, which appears only once it is whole" },
	{ "output-dir", 0, OPTION_FILE, offsetof(struct export_options, directory), "DIR",
	  "Write each session to a file of its own, SERIAL-EPOCH-NUMBER.csv" },
	{ "pen", 'p', OPTION_TEXT, offsetof(struct export_options, pen), "PEN", "All sessions of this pen" },
	{ "all", 'a', OPTION_FLAG, offsetof(struct export_options, all), NULL, "All sessions" },
	{ "since", 0, OPTION_TEXT, offsetof(struct export_options, since), "TIME",
	  "With --pen or --all: only those that begin at this time or later" },
	{ "until", 0, OPTION_TEXT, offsetof(struct export_options, until), "TIME",
	  "With --pen or --all: only those that begin before this time" },
	{ "partial", 0, OPTION_FLAG, offsetof(struct export_options, partial), NULL,
	  "Write what there is where parts are missing or damaged" },
};

struct export {
	struct client client;
	struct cli *cli;
	const struct export_options *options;
	enum samples_format format;
	struct progress progress;
	struct samples_writer *writer;	/* of the file being written */
	const char *id;			/* of the session being written */
	GPtrArray *ids;
	guint written;
	guint64 samples, session_samples;	/* of what was written; of the session under way */
	gboolean reader_gone;
	int worst;			/* exit code so far */
};

/* ---- one session ---- */

static void
on_samples(const struct stp_sample *samples, gsize count, gpointer data)
{
	struct export *export = data;

	samples_add(export->writer, samples, count);
	export->session_samples += count;
}

static void
on_fault(const struct record_fault *fault, gpointer data)
{
	struct export *export = data;
	g_autofree char *number = fault->number ? g_strdup_printf(" (number %u in the pen's log)", fault->number) :
						  g_strdup("");

	progress_clear(&export->progress);
	export->worst = cli_fail(export->cli, EXIT_INTEGRITY, stp_status_name(fault->status),
				 stp_status_hint(fault->status), "Record %u%s of session %s: %s%s%s%s", fault->index,
				 number, export->id, stp_status_text(fault->status),
				 fault->reason ? " (" : "", fault->reason ? fault->reason : "",
				 fault->reason ? ")" : "");
}

static gboolean
on_stop(gpointer data)
{
	return samples_error(((struct export *)data)->writer) != 0;
}

static int
write_failed(struct export *export, const char *where, int error)
{
	progress_clear(&export->progress);
	return cli_fail(export->cli, EXIT_FAILED, "output",
			error == ENOSPC || error == EDQUOT ? "Make room or write elsewhere, then export it again." :
							     "Choose another place and export it again.",
			"Session %s could not be written to %s: %s.", export->id, where, g_strerror(error));
}

static int
file_failed(struct export *export, const GError *error)
{
	gboolean full = g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOSPC);

	progress_clear(&export->progress);
	return cli_fail(export->cli, EXIT_FAILED, "output",
			full ? "Make room or write elsewhere, then export it again." :
			       "Choose another place and export it again.",
			"Session %s could not be written to %s.", export->id, error->message);
}

/* Into the file; the exit code. */
static int
write_samples(struct export *export, GVariant *session, const struct session_records *records,
	      const char *where)
{
	const struct records_visitor visitor = { on_samples, on_fault, on_stop, export };
	gboolean partial = export->options->partial;
	const char *serial = "";
	struct session_identity identity = { 0 };

	g_variant_lookup(session, "id", "&s", &export->id);
	g_variant_lookup(session, "pen", "&s", &serial);
	g_variant_lookup(session, "epoch", "u", &identity.epoch);
	g_variant_lookup(session, "number", "u", &identity.number);
	identity.serial = serial;
	/* Nothing is written of a session whose damage shows before its first line. */
	if (!partial && session_records_check(records, &visitor))
		return EXIT_INTEGRITY;
	samples_begin(export->writer, export->id);

	guint faults = session_records_decode(records, &identity, partial, &visitor);
	int error = samples_flush(export->writer);
	gboolean complete = TRUE;

	if (error == EPIPE) {
		export->reader_gone = TRUE;
		return EXIT_OK;
	}
	if (error)
		return write_failed(export, where, error);
	/* What lacks a part must not pass for a whole session. */
	if (!faults && g_variant_lookup(session, "complete", "b", &complete) && !complete) {
		progress_clear(&export->progress);
		return cli_fail(export->cli, EXIT_INTEGRITY, "incomplete",
				"'stipplectl coverage' says which and why.",
				"Session %s lacks parts; what there is of it is written.", export->id);
	}
	return faults ? EXIT_INTEGRITY : EXIT_OK;
}

static int
export_records(struct export *export, GVariant *session, const struct session_records *records,
	       const char *path)
{
	g_autoptr(GError) error = NULL;
	struct export_file file;

	if (!export_file_open(&file, path, &error)) {
		export_file_abandon(&file);
		return file_failed(export, error);
	}
	export->writer = samples_writer_new(export->format, file.fd);
	export->session_samples = 0;

	int code = write_samples(export, session, records, file.path ? file.path : "standard output");

	/* With --partial a damaged session is still worth its file. */
	if (code == EXIT_OK || (code == EXIT_INTEGRITY && export->options->partial)) {
		if (export_file_commit(&file, &error)) {
			export->written++;
			export->samples += export->session_samples;
		} else {
			code = file_failed(export, error);
		}
	}
	export_file_abandon(&file);
	g_clear_pointer(&export->writer, samples_writer_free);
	return code;
}

/* A name no serial number can lead astray: what is not plain becomes _ and two digits. */
static char *
file_name(GVariant *session, enum samples_format format)
{
	GString *name = g_string_new(NULL);
	const char *serial = "";
	guint32 epoch = 0, number = 0;

	g_variant_lookup(session, "pen", "&s", &serial);
	g_variant_lookup(session, "epoch", "u", &epoch);
	g_variant_lookup(session, "number", "u", &number);
	for (; *serial; serial++) {
		if (g_ascii_isalnum(*serial) || *serial == '-' || (*serial == '.' && name->len))
			g_string_append_c(name, *serial);
		else
			g_string_append_printf(name, "_%02x", (guint8)*serial);
	}
	g_string_append_printf(name, "-%08x-%u.%s", epoch, number, format == SAMPLES_CSV ? "csv" : "ndjson");
	return g_string_free(name, FALSE);
}

static int
open_session(struct export *export, const char *id, GVariant **session, int *fd)
{
	g_autoptr(GUnixFDList) fds = NULL;
	g_autoptr(GVariant) handle = NULL;
	g_autoptr(GError) error = NULL;
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE_VARDICT);
	if (export->options->partial)
		g_variant_builder_add(&builder, "{sv}", "partial", g_variant_new_boolean(TRUE));
	if (!stp_dbus_manager1_call_open_session_sync(export->client.manager, id, g_variant_builder_end(&builder),
						      NULL, session, &handle, &fds, NULL, &error)) {
		progress_clear(&export->progress);
		return cli_fail_error(export->cli, error);
	}
	*fd = fds ? g_unix_fd_list_get(fds, g_variant_get_handle(handle), &error) : -1;
	if (*fd >= 0)
		return EXIT_OK;
	g_clear_pointer(session, g_variant_unref);
	return cli_fail(export->cli, EXIT_FAILED, "failed", "'journalctl -u stippled' may say more.",
			"The daemon gave no records of session %s.", id);
}

static int
export_session(struct export *export, const char *id)
{
	g_autoptr(GVariant) session = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *path = g_strdup(export->options->output);
	struct session_records records;
	int fd = -1, code = open_session(export, id, &session, &fd);

	if (code != EXIT_OK)
		return code;
	export->id = id;
	if (export->options->directory) {
		g_autofree char *name = file_name(session, export->format);

		path = g_build_filename(export->options->directory, name, NULL);
	}
	if (session_records_load(&records, fd, &error)) {
		code = export_records(export, session, &records, path);
		session_records_clear(&records);
	} else {
		code = cli_fail(export->cli, EXIT_FAILED, "failed", "Try again; 'journalctl -u stippled' may say more.",
				"Session %s could not be read: %s.", id, error->message);
	}
	close(fd);
	return code;
}

/* ---- all of them ---- */

static gboolean
on_session(GVariant *session, gpointer data)
{
	const char *id;

	if (g_variant_lookup(session, "id", "&s", &id))
		g_ptr_array_add(data, g_strdup(id));
	return TRUE;
}

static int
choose(struct export *export, char **args)
{
	const struct export_options *options = export->options;
	struct session_choice choice = { options->pen, options->since, options->until };
	GVariant *filter;

	for (; *args; args++)
		g_ptr_array_add(export->ids, g_strdup(*args));
	if (export->ids->len)
		return EXIT_OK;
	int code = session_filter(&export->client, &choice, &filter);

	if (code == EXIT_OK)
		code = sessions_each(&export->client, filter, 0, on_session, export->ids, NULL);
	if (code == EXIT_OK && !export->ids->len)
		return cli_fail(export->cli, EXIT_NOTHING, "nothing", "'stipplectl sessions list --all' shows all there is.",
				"No session like that is in the store.");
	return code;
}

static int
check_count(struct export *export)
{
	guint count = export->ids->len;

	if (count < 2 || export->options->directory)
		return EXIT_OK;
	if (export->format == SAMPLES_NDJSON && !export->options->output)
		return EXIT_OK;
	return cli_fail(export->cli, EXIT_USAGE, "usage", "Use --output-dir=DIR to write a file for each.",
			"These are %u sessions, and one file holds only one.", count);
}

static int
make_directory(struct export *export)
{
	const char *directory = export->options->directory;

	if (!directory || !g_mkdir_with_parents(directory, 0777))
		return EXIT_OK;
	return cli_fail(export->cli, EXIT_FAILED, "output", "Choose another directory.",
			"The directory %s cannot be made: %s.", directory, g_strerror(errno));
}

static void
print_summary(const struct export *export)
{
	if (export->cli->data_on_stdout)
		return;
	if (export->cli->json != JSON_OFF) {
		JsonObject *document = output_new_document();

		json_object_set_int_member(document, "sessions", export->written);
		json_object_set_int_member(document, "samples", (gint64)export->samples);
		json_object_set_int_member(document, "failed", export->ids->len - export->written);
		json_object_set_array_member(document, "errors", g_steal_pointer(&export->cli->errors));
		output_json(export->cli, document);
	} else if (export->written) {
		g_autofree char *sessions = text_count(export->written, "session");
		g_autofree char *samples = text_count(export->samples, "sample");

		fprintf(stderr, "Exported %s, %s.\n", sessions, samples);
	}
}

static int
export_all(struct export *export, char **args)
{
	int code = choose(export, args);

	if (code == EXIT_OK)
		code = check_count(export);
	if (code == EXIT_OK)
		code = make_directory(export);
	if (code != EXIT_OK)
		return code;
	/* One document tells of all sessions, what went wrong included. */
	export->cli->errors = json_array_new();
	for (guint i = 0; i < export->ids->len && !export->reader_gone; i++) {
		const char *id = export->ids->pdata[i];

		if (export->ids->len > 1)
			progress_update(&export->progress, "Exporting %u of %u: %s", i + 1, export->ids->len, id);
		guint told = json_array_get_length(export->cli->errors);

		code = export_session(export, id);
		if (code != EXIT_OK)
			export->worst = code;
		for (; told < json_array_get_length(export->cli->errors); told++)
			json_object_set_string_member(json_array_get_object_element(export->cli->errors, told),
						      "session", id);
		/* Without a bus, room or permission the others would fail alike. */
		if (code == EXIT_UNREACHABLE || code == EXIT_DENIED || code == EXIT_FAILED)
			break;
	}
	progress_clear(&export->progress);
	print_summary(export);
	g_clear_pointer(&export->cli->errors, json_array_unref);
	return export->worst;
}

static int
check_options(struct cli *cli, const struct export_options *options, char **args)
{
	const char *wrong = NULL;
	gboolean chosen = options->all || options->pen;

	if (options->format && strcmp(options->format, "csv") && strcmp(options->format, "ndjson"))
		wrong = "--format takes csv or ndjson.";
	else if (!args[0] && !chosen)
		wrong = "Say which sessions: their IDs, --pen=PEN or --all.";
	else if (args[0] && (chosen || options->since || options->until))
		wrong = "Give either IDs or --pen, --all, --since and --until.";
	else if (options->output && options->directory)
		wrong = "Give either --output or --output-dir.";
	if (!wrong)
		return EXIT_OK;
	return cli_fail(cli, EXIT_USAGE, "usage", "'stipplectl sessions export --help' shows what it takes.", "%s",
			wrong);
}

static int
run(struct cli *cli, const void *data, char **args)
{
	struct export export = { .cli = cli, .options = data };

	/* Samples on standard output are not to be mixed with anything. */
	cli->data_on_stdout = !export.options->directory &&
			      (!export.options->output || !strcmp(export.options->output, "-"));

	int code = check_options(cli, data, args);

	if (code != EXIT_OK)
		return code;
	code = client_open(&export.client, cli);
	if (code != EXIT_OK)
		return code;
	if (!g_strcmp0(export.options->format, "ndjson"))
		export.format = SAMPLES_NDJSON;
	export.ids = g_ptr_array_new_with_free_func(g_free);
	progress_init(&export.progress, cli);
	code = export_all(&export, args);
	g_ptr_array_unref(export.ids);
	client_close(&export.client);
	return code;
}

const struct command cmd_sessions_export = {
	.name = "export",
	.path = "sessions export",
	.arguments = "[ID...]",
	.summary = "Write the samples of sessions as CSV or NDJSON",
	.details = "Every record is checked before it is written; one that is damaged makes the exit code 6.",
	.options = table,
	.option_count = G_N_ELEMENTS(table),
	.options_size = sizeof(struct export_options),
	.args_max = -1,
	.run = run,
};
