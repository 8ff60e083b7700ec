/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sim-state.h"

#define GROUP "pen"

static char *
path_in(const char *directory, const char *serial, const char *name)
{
	return g_build_filename(directory, serial, name, NULL);
}

static char *
record_path(const char *directory, const char *serial, guint32 number)
{
	char name[32];

	g_snprintf(name, sizeof name, "%08u.record", number);
	return path_in(directory, serial, name);
}

static gboolean
fail(GError **error, const char *what, const char *path, const char *why)
{
	g_set_error(error, SIM_ERROR, SIM_ERROR_STATE, "Cannot %s %s: %s.", what, path, why);
	return FALSE;
}

gboolean
sim_state_exists(const char *directory, const char *serial)
{
	g_autofree char *path = path_in(directory, serial, "pen.ini");

	return g_file_test(path, G_FILE_TEST_EXISTS);
}

static void
put_slot(GKeyFile *file, guint index, const struct stp_pen_slot *slot)
{
	g_autofree char *group = g_strdup_printf("slot %u", index);
	g_autoptr(GString) id = g_string_new(NULL), ranges = g_string_new(NULL);

	if (!slot->used)
		return;
	for (guint i = 0; i < STP_COLLECTOR_ID_SIZE; i++)
		g_string_append_printf(id, "%02x", slot->collector_id[i]);
	for (guint i = 0; i < slot->range_count; i++)
		g_string_append_printf(ranges, "%u-%u ", slot->ranges[i].from, slot->ranges[i].to);
	g_key_file_set_string(file, group, "collector", id->str);
	g_key_file_set_uint64(file, group, "epoch", slot->epoch);
	g_key_file_set_uint64(file, group, "mark", slot->mark);
	g_key_file_set_string(file, group, "ranges", ranges->str);
}

gboolean
sim_state_save(const char *directory, const char *serial, guint32 boot_id, const SimFlash *flash,
	       const struct stp_pen_slot slots[STP_PEN_SLOTS], GError **error)
{
	g_autoptr(GKeyFile) file = g_key_file_new();
	g_autofree char *parent = g_build_filename(directory, serial, NULL);
	g_autofree char *path = path_in(directory, serial, "pen.ini");
	g_autoptr(GError) problem = NULL;

	if (g_mkdir_with_parents(parent, 0700) != 0)
		return fail(error, "make", parent, g_strerror(errno));
	g_key_file_set_uint64(file, GROUP, "epoch", sim_flash_epoch(flash));
	g_key_file_set_uint64(file, GROUP, "boot", boot_id);
	g_key_file_set_uint64(file, GROUP, "sessions", sim_flash_sessions(flash));
	g_key_file_set_uint64(file, GROUP, "seals", sim_flash_seals(flash));
	for (guint i = 0; i < STP_PEN_SLOTS; i++)
		put_slot(file, i, &slots[i]);
	if (!g_key_file_save_to_file(file, path, &problem))
		return fail(error, "write", path, problem->message);
	return TRUE;
}

gboolean
sim_state_append(const char *directory, const char *serial, const SimFlash *flash, guint32 first,
		 GError **error)
{
	g_autofree char *path = path_in(directory, serial, "entries.tsv");
	g_autoptr(GError) problem = NULL;
	FILE *entries;

	for (guint32 number = first; number <= sim_flash_newest(flash); number++) {
		const SimRecord *record = sim_flash_get(flash, number);
		g_autofree char *file = record_path(directory, serial, number);

		if (!g_file_set_contents(file, (const char *)record->raw->data, (gssize)record->raw->len,
					 &problem))
			return fail(error, "write", file, problem->message);
	}
	entries = fopen(path, "a");
	if (!entries)
		return fail(error, "write", path, g_strerror(errno));
	for (guint32 number = first; number <= sim_flash_newest(flash); number++) {
		const struct stp_entry *entry = &sim_flash_get(flash, number)->entry;

		fprintf(entries, "%u\t%u\t%" G_GUINT64_FORMAT "\t%u\t%u\t%08x\n", entry->record,
			entry->boot_id, entry->start_tick_ms, entry->type, entry->length, entry->crc32c);
	}
	if (fclose(entries) != 0)
		return fail(error, "write", path, g_strerror(errno));
	return TRUE;
}

static gboolean
get_slot(GKeyFile *file, guint index, struct stp_pen_slot *slot)
{
	g_autofree char *group = g_strdup_printf("slot %u", index);
	g_autofree char *id = NULL, *ranges = NULL;
	g_auto(GStrv) words = NULL;

	*slot = (struct stp_pen_slot){ 0 };
	if (!g_key_file_has_group(file, group))
		return TRUE;
	id = g_key_file_get_string(file, group, "collector", NULL);
	ranges = g_key_file_get_string(file, group, "ranges", NULL);
	if (!id || !ranges || strlen(id) != 2 * STP_COLLECTOR_ID_SIZE)
		return FALSE;
	slot->used = true;
	for (guint i = 0; i < STP_COLLECTOR_ID_SIZE; i++)
		slot->collector_id[i] =
			(guint8)(g_ascii_xdigit_value(id[2 * i]) << 4 | g_ascii_xdigit_value(id[2 * i + 1]));
	slot->epoch = (guint32)g_key_file_get_uint64(file, group, "epoch", NULL);
	slot->mark = (guint32)g_key_file_get_uint64(file, group, "mark", NULL);
	words = g_strsplit(ranges, " ", -1);
	for (guint i = 0; words[i] && *words[i]; i++) {
		struct stp_range *range = &slot->ranges[slot->range_count];

		if (slot->range_count == STP_PEN_SLOT_RANGES ||
		    sscanf(words[i], "%u-%u", &range->from, &range->to) != 2)
			return FALSE;
		slot->range_count++;
	}
	return TRUE;
}

static gboolean
load_record(const char *directory, const char *serial, const char *line, SimFlash *flash, GError **error)
{
	g_autofree char *path = NULL;
	g_auto(GStrv) field = g_strsplit(line, "\t", -1);
	g_autoptr(GError) problem = NULL;
	struct stp_entry entry;
	char *bytes;
	gsize size;

	if (g_strv_length(field) != 6)
		return fail(error, "understand", "entries.tsv", line);
	entry = (struct stp_entry){
		.record = (guint32)g_ascii_strtoull(field[0], NULL, 10),
		.boot_id = (guint32)g_ascii_strtoull(field[1], NULL, 10),
		.start_tick_ms = g_ascii_strtoull(field[2], NULL, 10),
		.type = (guint8)g_ascii_strtoull(field[3], NULL, 10),
		.length = (guint32)g_ascii_strtoull(field[4], NULL, 10),
		.crc32c = (guint32)g_ascii_strtoull(field[5], NULL, 16),
	};
	path = record_path(directory, serial, entry.record);
	if (!g_file_get_contents(path, &bytes, &size, &problem))
		return fail(error, "read", path, problem->message);
	return sim_flash_restore(flash, &entry, g_byte_array_new_take((guint8 *)bytes, size), error);
}

static gboolean
load_records(const char *directory, const char *serial, SimFlash *flash, GError **error)
{
	g_autofree char *path = path_in(directory, serial, "entries.tsv");
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;

	/* A pen without records has no such file yet. */
	if (!g_file_get_contents(path, &text, NULL, NULL))
		return TRUE;
	lines = g_strsplit(text, "\n", -1);
	for (guint i = 0; lines[i]; i++) {
		if (*lines[i] && !load_record(directory, serial, lines[i], flash, error))
			return FALSE;
	}
	return TRUE;
}

SimFlash *
sim_state_load(const char *directory, const char *serial, const char *firmware, guint32 *boot_id,
	       guint64 *seals, struct stp_pen_slot slots[STP_PEN_SLOTS], GError **error)
{
	g_autoptr(GKeyFile) file = g_key_file_new();
	g_autofree char *path = path_in(directory, serial, "pen.ini");
	g_autoptr(GError) problem = NULL;
	g_autoptr(SimFlash) flash = NULL;

	if (!g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, &problem)) {
		fail(error, "read", path, problem->message);
		return NULL;
	}
	for (guint i = 0; i < STP_PEN_SLOTS; i++) {
		if (!get_slot(file, i, &slots[i])) {
			fail(error, "understand", path, "a slot is not as it was written");
			return NULL;
		}
	}
	*boot_id = (guint32)g_key_file_get_uint64(file, GROUP, "boot", NULL);
	*seals = g_key_file_get_uint64(file, GROUP, "seals", NULL);
	flash = sim_flash_new(serial, firmware, (guint32)g_key_file_get_uint64(file, GROUP, "epoch", NULL));
	sim_flash_restore_sessions(flash, (guint32)g_key_file_get_uint64(file, GROUP, "sessions", NULL));
	return load_records(directory, serial, flash, error) ? g_steal_pointer(&flash) : NULL;
}
