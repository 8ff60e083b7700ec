/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <gio/gunixfdlist.h>
#include <glib/gstdio.h>

#include "client.h"
#include "cmd.h"
#include "export-file.h"
#include "failure.h"
#include "output.h"
#include "session-records.h"

/* sessions proof: the records by which the seal of a session can be verified, each in a file of its own. */

struct proof_options {
	char *directory;
};

static const struct option table[] = {
	{ "output-dir", 0, OPTION_FILE, offsetof(struct proof_options, directory), "DIR",
	  "Write each record to a file in DIR, SERIAL-EPOCH-NUMBER.record (needed)" },
};

struct proof {
	struct cli *cli;
	const char *id, *directory;
	guint written;
	int worst; /* exit code so far */
};

static int
cannot_write(const struct proof *proof, const char *reason)
{
	return cli_fail(proof->cli, EXIT_FAILED, "output", "Choose another place and try again.",
			"The records of session %s could not be written to %s.", proof->id, reason);
}

static gboolean
write_whole(int fd, const guint8 *bytes, gsize size)
{
	while (size > 0) {
		ssize_t done = write(fd, bytes, size);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return FALSE;
		bytes += done;
		size -= (gsize)done;
	}
	return TRUE;
}

static gboolean
write_record(struct proof *proof, const char *name, const guint8 *raw, gsize size)
{
	g_autofree char *path = g_build_filename(proof->directory, name, NULL);
	g_autoptr(GError) error = NULL;
	struct export_file file;
	gboolean done = export_file_open(&file, path, &error);

	if (done && !write_whole(file.fd, raw, size)) {
		g_set_error(&error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "%s: %s", path, g_strerror(errno));
		done = FALSE;
	}
	done = done && export_file_commit(&file, &error);
	export_file_abandon(&file);
	if (!done)
		proof->worst = cannot_write(proof, error->message);
	return done;
}

/* FALSE: the next ones would fail alike. */
static gboolean
on_record(guint index, const guint8 *raw, gsize size, gpointer data)
{
	struct proof *proof = data;
	g_autoptr(GString) name = g_string_new(NULL);
	struct stp_record_head head;

	if (stp_record_read_head(raw, size, &head) != STP_OK) {
		proof->worst =
			cli_fail(proof->cli, EXIT_INTEGRITY, "damaged", "'stipplectl coverage' may say more.",
				 "Record %u for session %s does not tell its number and is not written.",
				 index, proof->id);
		return TRUE;
	}
	/* A name that no serial number can lead astray. */
	for (const char *c = head.serial; *c != '\0'; c++)
		g_string_append_c(name, g_ascii_isalnum(*c) || *c == '-' ? *c : '_');
	g_string_append_printf(name, "-%08x-%u.record", head.epoch, head.number);
	if (!write_record(proof, name->str, raw, size))
		return FALSE;
	proof->written++;
	return TRUE;
}

/* The descriptor, or -1 after saying why not. */
static int
open_proof(struct proof *proof, struct client *client, int *code)
{
	g_autoptr(GUnixFDList) fds = NULL;
	g_autoptr(GVariant) session = NULL;
	g_autoptr(GVariant) handle = NULL;
	g_autoptr(GError) error = NULL;
	GVariantBuilder builder;
	int fd;

	g_variant_builder_init(&builder, G_VARIANT_TYPE_VARDICT);
	g_variant_builder_add(&builder, "{sv}", "proof", g_variant_new_boolean(TRUE));
	if (!stp_dbus_manager1_call_open_session_sync(client->manager, proof->id,
						      g_variant_builder_end(&builder), NULL, &session,
						      &handle, &fds, NULL, &error)) {
		*code = cli_fail_error(proof->cli, error);
		return -1;
	}
	fd = fds != NULL ? g_unix_fd_list_get(fds, g_variant_get_handle(handle), NULL) : -1;
	if (fd < 0)
		*code = cli_fail(proof->cli, EXIT_FAILED, "failed", "'journalctl -u stippled' may say more.",
				 "The daemon gave no records of session %s.", proof->id);
	return fd;
}

static int
print_written(const struct proof *proof)
{
	if (proof->cli->json != JSON_OFF) {
		JsonObject *document = output_new_document();

		json_object_set_string_member(document, "session", proof->id);
		json_object_set_string_member(document, "directory", proof->directory);
		json_object_set_int_member(document, "records", proof->written);
		output_json(proof->cli, document);
	} else {
		printf("Wrote %u records to %s. Nothing was verified; see VERIFYING in stipplectl(1).\n",
		       proof->written, proof->directory);
	}
	return EXIT_OK;
}

static int
write_proof(struct proof *proof, int fd)
{
	g_autoptr(GError) error = NULL;
	struct session_records records;
	enum stp_status status;

	if (g_mkdir_with_parents(proof->directory, 0777) != 0) {
		g_autofree char *reason = g_strdup_printf("%s: %s", proof->directory, g_strerror(errno));

		return cannot_write(proof, reason);
	}
	if (!session_records_load(&records, fd, &error))
		return cli_fail(proof->cli, EXIT_FAILED, "failed",
				"Try again; 'journalctl -u stippled' may say more.",
				"Session %s could not be read: %s.", proof->id, error->message);
	status = session_records_each(&records, on_record, proof);
	session_records_clear(&records);
	if (status != STP_OK)
		return cli_fail(proof->cli, EXIT_INTEGRITY, stp_status_name(status), stp_status_hint(status),
				"What the daemon gave of session %s ends too early: %s.", proof->id,
				stp_status_text(status));
	return proof->worst != EXIT_OK ? proof->worst : print_written(proof);
}

static int
run(struct cli *cli, const void *data, char **args)
{
	const struct proof_options *options = data;
	struct proof proof = { .cli = cli, .id = args[0], .directory = options->directory };
	struct client client;
	int fd, code;

	if (options->directory == NULL)
		return cli_fail(cli, EXIT_USAGE, "usage", "Use --output-dir=DIR.",
				"Say where the records are to be written.");
	code = client_open(&client, cli);
	if (code != EXIT_OK)
		return code;
	fd = open_proof(&proof, &client, &code);
	if (fd >= 0) {
		code = write_proof(&proof, fd);
		close(fd);
	}
	client_close(&client);
	return code;
}

const struct command cmd_sessions_proof = {
	.name = "proof",
	.path = "sessions proof",
	.arguments = "ID",
	.summary = "Write the records by which a session's seal can be verified",
	.details = "They are written as the pen wrote them. Nothing is verified here: see VERIFYING in "
		   "stipplectl(1).",
	.options = table,
	.option_count = G_N_ELEMENTS(table),
	.options_size = sizeof(struct proof_options),
	.args_min = 1,
	.args_max = 1,
	.run = run,
};
