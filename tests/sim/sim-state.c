/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

static void
put_bytes(GKeyFile *file, const char *key, const guint8 *bytes, gsize size)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (gsize i = 0; i < size; i++)
		g_string_append_printf(text, "%02x", bytes[i]);
	g_key_file_set_string(file, GROUP, key, text->str);
}

static void
put_panel(GKeyFile *file, const SimPanelKept *panel)
{
	g_autoptr(GString) counters = g_string_new(NULL);

	for (guint i = 0; i < SIM_COUNTERS; i++)
		g_string_append_printf(counters, "%u ", panel->counters[i]);
	put_bytes(file, "settings", panel->settings, panel->settings_size);
	g_key_file_set_string(file, GROUP, "counters", counters->str);
	if (panel->clock_is_set)
		g_key_file_set_int64(file, GROUP, "clock", panel->clock_ahead_us);
}

/* The names in a directory are kept, too, from here on. */
static gboolean
sync_directory(const char *path, GError **error)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	gboolean synced = fd >= 0 && fsync(fd) == 0;
	int problem = errno;

	if (fd >= 0)
		close(fd);
	return synced || fail(error, "synchronise", path, g_strerror(problem));
}

/* Write it anew and durably; the directory is the caller's to synchronise. */
static gboolean
replace_file(const char *path, const void *bytes, gsize size, GError **error)
{
	g_autoptr(GError) problem = NULL;

	if (g_file_set_contents_full(path, bytes, (gssize)size,
				     G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
				     &problem))
		return TRUE;
	return fail(error, "write", path, problem->message);
}

gboolean
sim_state_save(const char *directory, const char *serial, const SimFlash *flash, const SimKept *kept,
	       GError **error)
{
	g_autoptr(GKeyFile) file = g_key_file_new();
	g_autofree char *parent = g_build_filename(directory, serial, NULL);
	g_autofree char *path = path_in(directory, serial, "pen.ini");
	g_autofree char *text = NULL;
	gsize size;

	if (g_mkdir_with_parents(parent, 0700) != 0)
		return fail(error, "make", parent, g_strerror(errno));
	g_key_file_set_uint64(file, GROUP, "epoch", sim_flash_epoch(flash));
	g_key_file_set_uint64(file, GROUP, "newest", sim_flash_newest(flash));
	put_bytes(file, "hash", sim_flash_last_hash(flash), STP_RECORD_HASH_SIZE);
	g_key_file_set_boolean(file, GROUP, "overrun", kept->overrun);
	g_key_file_set_uint64(file, GROUP, "boot", kept->boot_id);
	g_key_file_set_uint64(file, GROUP, "sessions", sim_flash_sessions(flash));
	g_key_file_set_uint64(file, GROUP, "seals", sim_flash_seals(flash));
	put_panel(file, &kept->panel);
	for (guint i = 0; i < STP_PEN_SLOTS; i++)
		put_slot(file, i, &kept->slots[i]);
	text = g_key_file_to_data(file, &size, NULL);
	return replace_file(path, text, size, error) && sync_directory(parent, error);
}

static void
put_entry(GString *text, const struct stp_entry *entry)
{
	g_string_append_printf(text, "%u\t%u\t%" G_GUINT64_FORMAT "\t%u\t%u\t%08x\n", entry->record,
			       entry->boot_id, entry->start_tick_ms, entry->type, entry->length,
			       entry->crc32c);
}

gboolean
sim_state_append(const char *directory, const char *serial, const SimFlash *flash, guint32 first,
		 GError **error)
{
	g_autofree char *path = path_in(directory, serial, "entries.tsv");
	g_autoptr(GString) lines = g_string_new(NULL);
	gboolean written;
	FILE *entries;

	for (guint32 number = first; number <= sim_flash_newest(flash); number++) {
		const SimRecord *record = sim_flash_get(flash, number);
		g_autofree char *file = record_path(directory, serial, number);

		if (!replace_file(file, record->raw->data, record->raw->len, error))
			return FALSE;
		put_entry(lines, &record->entry);
	}
	entries = fopen(path, "ae");
	if (!entries)
		return fail(error, "write", path, g_strerror(errno));
	written = fputs(lines->str, entries) >= 0 && fflush(entries) == 0 && fsync(fileno(entries)) == 0;
	if (fclose(entries) != 0 || !written)
		return fail(error, "write", path, g_strerror(errno));
	return TRUE;
}

gboolean
sim_state_drop(const char *directory, const char *serial, const SimFlash *flash, guint32 first, guint32 last,
	       GError **error)
{
	g_autofree char *parent = g_build_filename(directory, serial, NULL);
	g_autofree char *path = path_in(directory, serial, "entries.tsv");
	g_autoptr(GString) lines = g_string_new(NULL);

	for (guint32 number = sim_flash_oldest(flash); number <= sim_flash_newest(flash); number++) {
		const SimRecord *record = sim_flash_get(flash, number);

		if (record && (number < first || number > last))
			put_entry(lines, &record->entry);
	}
	if (!replace_file(path, lines->str, lines->len, error) || !sync_directory(parent, error))
		return FALSE;
	/* They are gone already; what stays behind is swept up at the next start. */
	for (guint32 number = first; number <= last; number++) {
		g_autofree char *file = record_path(directory, serial, number);

		g_unlink(file);
	}
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
get_bytes(GKeyFile *file, const char *key, guint8 *bytes, gsize max, gsize *size)
{
	g_autofree char *text = g_key_file_get_string(file, GROUP, key, NULL);
	gsize digits = text ? strlen(text) : 1;

	if (digits % 2 != 0 || digits / 2 > max)
		return FALSE;
	for (gsize i = 0; i < digits / 2; i++) {
		if (!g_ascii_isxdigit(text[2 * i]) || !g_ascii_isxdigit(text[2 * i + 1]))
			return FALSE;
		bytes[i] = (guint8)(g_ascii_xdigit_value(text[2 * i]) << 4 |
				    g_ascii_xdigit_value(text[2 * i + 1]));
	}
	*size = digits / 2;
	return TRUE;
}

static gboolean
get_panel(GKeyFile *file, SimPanelKept *panel)
{
	g_autofree char *counters = g_key_file_get_string(file, GROUP, "counters", NULL);
	g_auto(GStrv) words = g_strsplit(counters ? counters : "", " ", -1);

	if (g_strv_length(words) < SIM_COUNTERS ||
	    !get_bytes(file, "settings", panel->settings, sizeof panel->settings, &panel->settings_size))
		return FALSE;
	for (guint i = 0; i < SIM_COUNTERS; i++)
		panel->counters[i] = (guint32)g_ascii_strtoull(words[i], NULL, 10);
	panel->clock_is_set = g_key_file_has_key(file, GROUP, "clock", NULL);
	panel->clock_ahead_us = g_key_file_get_int64(file, GROUP, "clock", NULL);
	return TRUE;
}

static gboolean
load_record(const char *directory, const char *serial, const struct stp_entry *entry, SimFlash *flash,
	    GError **error)
{
	g_autofree char *path = record_path(directory, serial, entry->record);
	g_autoptr(GError) problem = NULL;
	char *bytes;
	gsize size;

	if (!g_file_get_contents(path, &bytes, &size, &problem))
		return fail(error, "read", path, problem->message);
	return sim_flash_restore(flash, entry, g_byte_array_new_take((guint8 *)bytes, size), error);
}

/* FALSE: the line was not written to its end. */
static gboolean
read_entry(const char *line, struct stp_entry *entry)
{
	g_auto(GStrv) field = g_strsplit(line, "\t", -1);

	if (g_strv_length(field) != 6 || strlen(field[5]) != 8)
		return FALSE;
	*entry = (struct stp_entry){
		.record = (guint32)g_ascii_strtoull(field[0], NULL, 10),
		.boot_id = (guint32)g_ascii_strtoull(field[1], NULL, 10),
		.start_tick_ms = g_ascii_strtoull(field[2], NULL, 10),
		.type = (guint8)g_ascii_strtoull(field[3], NULL, 10),
		.length = (guint32)g_ascii_strtoull(field[4], NULL, 10),
		.crc32c = (guint32)g_ascii_strtoull(field[5], NULL, 16),
	};
	return TRUE;
}

/* newest: what pen.ini says; records above it were being written when power failed, and never existed. */
static gboolean
load_records(const char *directory, const char *serial, guint32 newest, SimFlash *flash, GError **error)
{
	g_autofree char *path = path_in(directory, serial, "entries.tsv");
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	struct stp_entry entry;

	/* A pen without records has no such file yet. */
	if (!g_file_get_contents(path, &text, NULL, NULL))
		return TRUE;
	lines = g_strsplit(text, "\n", -1);
	for (guint i = 0; lines[i]; i++) {
		if (!*lines[i])
			continue;
		if (!read_entry(lines[i], &entry)) {
			if (!lines[i + 1])
				continue;
			return fail(error, "understand", path, lines[i]);
		}
		if (entry.record <= newest && !load_record(directory, serial, &entry, flash, error))
			return FALSE;
	}
	return TRUE;
}

/* Files of records that are not in the flash: dropped, or never finished. */
static void
sweep(const char *directory, const char *serial, const SimFlash *flash)
{
	g_autofree char *parent = g_build_filename(directory, serial, NULL);
	g_autoptr(GDir) listing = g_dir_open(parent, 0, NULL);
	const char *name;

	while (listing && (name = g_dir_read_name(listing))) {
		g_autofree char *file = g_build_filename(parent, name, NULL);
		guint32 number;
		char end;

		if (sscanf(name, "%u.recor%c", &number, &end) == 2 && !sim_flash_get(flash, number))
			g_unlink(file);
	}
}

SimFlash *
sim_state_load(const char *directory, const char *serial, const char *firmware, SimKept *kept, GError **error)
{
	g_autoptr(GKeyFile) file = g_key_file_new();
	g_autofree char *path = path_in(directory, serial, "pen.ini");
	g_autoptr(GError) problem = NULL;
	g_autoptr(SimFlash) flash = NULL;
	guint8 hash[STP_RECORD_HASH_SIZE];
	guint32 newest;
	gsize size;

	*kept = (SimKept){ 0 };
	if (!g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, &problem)) {
		fail(error, "read", path, problem->message);
		return NULL;
	}
	for (guint i = 0; i < STP_PEN_SLOTS; i++) {
		if (!get_slot(file, i, &kept->slots[i])) {
			fail(error, "understand", path, "a slot is not as it was written");
			return NULL;
		}
	}
	if (!get_panel(file, &kept->panel) || !get_bytes(file, "hash", hash, sizeof hash, &size) ||
	    size != sizeof hash) {
		fail(error, "understand", path, "settings, counters or hash are not as they were written");
		return NULL;
	}
	kept->boot_id = (guint32)g_key_file_get_uint64(file, GROUP, "boot", NULL);
	kept->seals = g_key_file_get_uint64(file, GROUP, "seals", NULL);
	kept->overrun = g_key_file_get_boolean(file, GROUP, "overrun", NULL);
	newest = (guint32)g_key_file_get_uint64(file, GROUP, "newest", NULL);
	flash = sim_flash_new(serial, firmware, (guint32)g_key_file_get_uint64(file, GROUP, "epoch", NULL));
	sim_flash_restore_sessions(flash, (guint32)g_key_file_get_uint64(file, GROUP, "sessions", NULL));
	if (!load_records(directory, serial, newest, flash, error))
		return NULL;
	sim_flash_restore_newest(flash, newest, hash);
	/* Lines that do not count must not stay before those of the same numbers to come. */
	if (!sim_state_drop(directory, serial, flash, 1, 0, error))
		return NULL;
	sweep(directory, serial, flash);
	return g_steal_pointer(&flash);
}
