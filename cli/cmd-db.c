/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <errno.h>
#include <fcntl.h>
#include <gio/gunixfdlist.h>
#include <stdio.h>
#include <unistd.h>

#include "client.h"
#include "cmd.h"
#include "failure.h"
#include "model.h"
#include "output.h"
#include "text.h"

/* db: the store's upkeep. */

/* As long as it takes; Ctrl-C ends the waiting. */
#define NO_TIMEOUT G_MAXINT

/* ---- backup ---- */

static int
report_backup(struct cli *cli, const char *path, GVariant *backup)
{
	guint64 bytes = 0, records = 0;

	g_variant_lookup(backup, "bytes", "t", &bytes);
	g_variant_lookup(backup, "records", "t", &records);
	if (cli->json != JSON_OFF) {
		JsonObject *document = output_new_document();

		json_object_set_string_member(document, "file", path);
		json_object_set_int_member(document, "bytes", (gint64)bytes);
		json_object_set_int_member(document, "records", (gint64)records);
		output_json(cli, document);
	} else {
		g_autofree char *size = text_bytes(bytes), *count = text_count(records, "record");

		printf("%s holds %s (%s); it was read again and is whole.\n", path, count, size);
	}
	return EXIT_OK;
}

static int
back_up(struct client *client, const char *path)
{
	struct cli *cli = client->cli;
	g_autoptr(GUnixFDList) fds = g_unix_fd_list_new();
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) backup = NULL;
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int handle;

	if (fd < 0)
		return cli_fail(cli, EXIT_FAILED, "file", "Choose another name or place.",
				"The file %s cannot be made: %s.", path, g_strerror(errno));
	handle = g_unix_fd_list_append(fds, fd, &error);
	close(fd);
	g_dbus_proxy_set_default_timeout(G_DBUS_PROXY(client->manager), NO_TIMEOUT);
	if (handle < 0 ||
	    !stp_dbus_manager1_call_back_up_sync(client->manager, g_variant_new_handle(handle), fds, &backup, NULL,
						 NULL, &error)) {
		unlink(path);
		return cli_fail_error(cli, error);
	}
	return report_backup(cli, path, backup);
}

static int
run_backup(struct cli *cli, const void *options, char **args)
{
	struct client client;
	int code = client_open(&client, cli);

	if (code != EXIT_OK)
		return code;
	code = back_up(&client, args[0]);
	client_close(&client);
	return code;
}

static const struct command cmd_backup = {
	.name = "backup",
	.path = "db backup",
	.arguments = "FILE",
	.summary = "Write a copy of the store to a new file, while syncs go on",
	.details = "stippled(8) says how to put it back.",
	.args_min = 1,
	.args_max = 1,
	.run = run_backup,
};

/* ---- check ---- */

static const char *
what_text(const char *what)
{
	static const struct {
		const char *what, *text;
	} texts[] = {
		{ "missing", "its bytes are gone" },
		{ "checksum", "its bytes were changed on the disk" },
		{ "hash", "its bytes are not those that came" },
		{ "name", "its bytes are another record's" },
		{ "derived", "what was made of it is wrong; 'stipplectl db reparse' makes it anew" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		if (!g_strcmp0(texts[i].what, what))
			return texts[i].text;
	return what;
}

static void
print_check(JsonObject *report, JsonArray *damaged, JsonArray *structure)
{
	guint bad = json_array_get_length(damaged), faults = json_array_get_length(structure);
	g_autofree char *count = text_count((guint64)row_int(report, "records", 0), "record");

	for (guint i = 0; i < faults; i++) {
		g_autofree char *line = text_clean(json_array_get_string_element(structure, i));

		printf("%s\n", line);
	}
	for (guint i = 0; i < bad; i++) {
		JsonObject *row = json_array_get_object_element(damaged, i);
		g_autofree char *pen = text_clean(row_text(row, "pen"));

		printf("%s, epoch %08x, record %" G_GINT64_FORMAT ": %s\n", pen, (unsigned)row_int(row, "epoch", 0),
		       row_int(row, "record", 0), what_text(row_text(row, "what")));
	}
	if (bad || faults)
		printf("Of %s, %u are not as they were. Check the disk, and restore the store from a backup.\n", count,
		       bad);
	else
		printf("%s looked at; all is as it came.\n", count);
}

static int
check(struct client *client)
{
	struct cli *cli = client->cli;
	g_autoptr(GVariant) report = NULL;
	g_autoptr(GError) error = NULL;

	g_dbus_proxy_set_default_timeout(G_DBUS_PROXY(client->manager), NO_TIMEOUT);
	if (!stp_dbus_manager1_call_check_store_sync(client->manager, &report, NULL, &error))
		return cli_fail_error(cli, error);
	g_autoptr(JsonObject) object = model_sync_result(report);
	JsonArray *damaged = json_object_get_array_member(object, "damaged");
	JsonArray *structure = json_object_get_array_member(object, "structure");
	gboolean sound = !json_array_get_length(damaged) && !json_array_get_length(structure) &&
			 !row_int(object, "derived", 0);

	if (cli->json != JSON_OFF) {
		JsonObject *document = output_new_document();

		json_object_set_boolean_member(document, "sound", sound);
		json_object_set_object_member(document, "check", json_object_ref(object));
		output_json(cli, document);
	} else {
		print_check(object, damaged, structure);
	}
	return sound ? EXIT_OK : EXIT_INTEGRITY;
}

static int
run_check(struct cli *cli, const void *options, char **args)
{
	struct client client;
	int code = client_open(&client, cli);

	if (code != EXIT_OK)
		return code;
	code = check(&client);
	client_close(&client);
	return code;
}

static const struct command cmd_check = {
	.name = "check",
	.path = "db check",
	.arguments = "",
	.summary = "Look through the whole store, and name each record that is not as it was",
	.details = "Exits with 6 when there is any, or when the file's structure is damaged.",
	.run = run_check,
};

/* ---- reparse ---- */

static int
run_reparse(struct cli *cli, const void *options, char **args)
{
	struct client client;
	g_autoptr(GError) error = NULL;
	int code = client_open(&client, cli);

	if (code != EXIT_OK)
		return code;
	g_dbus_proxy_set_default_timeout(G_DBUS_PROXY(client.manager), NO_TIMEOUT);
	if (!stp_dbus_manager1_call_reparse_sync(client.manager, NULL, &error))
		code = cli_fail_error(cli, error);
	else if (cli->json != JSON_OFF)
		output_json(cli, output_new_document());
	else
		printf("Every record was decoded anew.\n");
	client_close(&client);
	return code;
}

static const struct command cmd_reparse = {
	.name = "reparse",
	.path = "db reparse",
	.arguments = "",
	.summary = "Decode every record anew; the records themselves stay as they are",
	.run = run_reparse,
};

/* ---- the noun ---- */

static const struct command *const verbs[] = { &cmd_backup, &cmd_check, &cmd_reparse, NULL };

const struct command cmd_db = {
	.name = "db",
	.path = "db",
	.arguments = "backup|check|reparse",
	.summary = "Back the store up, check it, decode it anew",
	.verbs = verbs,
};
