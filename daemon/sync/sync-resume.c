/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "sync-resume.h"

#include "clock.h"
#include "log.h"
#include "sync-findings.h"

/* A crash may cost 64 KiB, or 2 s of a slow link. */
#define CHUNK_SIZE (64u * 1024u)
#define STEP_US	   (2 * G_USEC_PER_SEC)
/* A journal that fails twice running is left alone until the next record. */
#define FAILURES_MAX 2

struct StpSyncResume {
	StpStore *store;
	char *serial;

	GPtrArray *left;      /* what earlier syncs left, by name; each until its record is begun */
	StpPartial *kept;     /* of the record under way, from an earlier sync; or NULL */
	StpPartial under_way; /* serial and bytes are unused; number 0: no record is */
	StpPartial stored;    /* of which record stored_size is, likewise */
	gsize stored_size;
	gint64 stored_at; /* monotonic */
	gboolean writing;
	gsize safe_size; /* what of stored_size is on the disk */
	void (*journalled)(gpointer user_data);
	gpointer user_data;
	guint failures;
	gsize step_size;
};

StpSyncResume *
stp_sync_resume_new(StpStore *store, const char *serial, void (*journalled)(gpointer user_data),
		    gpointer user_data)
{
	StpSyncResume *self = g_rc_box_new0(StpSyncResume);

	self->journalled = journalled;
	self->user_data = user_data;
	stp_sync_resume_set_width(self, STP_ATT_VALUE_MAX);
	self->store = g_object_ref(store);
	self->serial = g_strdup(serial);
	return self;
}

void
stp_sync_resume_set_width(StpSyncResume *self, guint width)
{
	/* Of a chunk, a part is for what is on its way: a window of full segments. */
	self->step_size = CHUNK_SIZE - STP_WINDOW_DEFAULT * MIN(width, STP_ATT_VALUE_MAX);
}

static void
clear(gpointer data)
{
	StpSyncResume *self = data;

	g_clear_pointer(&self->left, g_ptr_array_unref);
	g_clear_pointer(&self->kept, stp_partial_free);
	g_free(self->serial);
	g_object_unref(self->store);
}

void
stp_sync_resume_close(StpSyncResume *self)
{
	self->journalled = NULL;
	g_rc_box_release_full(self, clear);
}

static gboolean
is_same(const StpPartial *one, const StpPartial *other)
{
	return one->epoch == other->epoch && one->number == other->number && one->length == other->length &&
	       one->crc32c == other->crc32c;
}

static StpPartial
name_of(const struct stp_entry *entry, guint32 epoch)
{
	return (StpPartial){
		.epoch = epoch,
		.number = entry->record,
		.length = entry->length,
		.crc32c = entry->crc32c,
	};
}

/* ---- handing over ---- */

void
stp_sync_resume_load(StpSyncResume *self)
{
	g_autoptr(GError) error = NULL;

	g_clear_pointer(&self->kept, stp_partial_free);
	g_clear_pointer(&self->left, g_ptr_array_unref);
	self->left = stp_store_list_partials(self->store, self->serial, &error);
	if (error != NULL)
		stp_info("sync", self->serial,
			 "What was kept of records cannot be read, they are fetched anew: %s", error->message);
	self->stored = (StpPartial){ 0 };
	self->stored_size = 0;
}

/* What is left of the record under way becomes what is kept of it: once, for it may turn out wrong. */
static void
take_up(StpSyncResume *self)
{
	g_autoptr(GError) error = NULL;

	g_clear_pointer(&self->kept, stp_partial_free);
	self->stored = (StpPartial){ 0 };
	self->stored_size = 0;
	for (guint i = 0; self->left != NULL && i < self->left->len; i++) {
		const StpPartial *name = g_ptr_array_index(self->left, i);

		if (name->epoch != self->under_way.epoch || name->number != self->under_way.number)
			continue;
		self->kept = stp_store_get_partial(self->store, self->serial, name->epoch, name->number, &error);
		g_ptr_array_remove_index(self->left, i);
		break;
	}
	if (error != NULL)
		stp_info("sync", self->serial,
			 "What was kept of a record cannot be read, it is fetched anew: %s", error->message);
	if (self->kept == NULL)
		return;
	self->stored = *self->kept;
	self->stored.serial = NULL;
	self->stored.bytes = NULL;
	self->stored_size = g_bytes_get_size(self->kept->bytes);
	self->safe_size = self->stored_size;
}

static void
on_refuted(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autofree char *serial = user_data;
	g_autoptr(GError) error = NULL;

	if (!stp_store_refute_partial_finish(STP_STORE(source), result, &error))
		stp_warning("sync", serial, "Evidence could not be kept: %s", error->message);
}

/* The pen has another record under this number than it had. */
static void
refute(StpSyncResume *self)
{
	stp_store_refute_partial_async(self->store, self->kept, NULL, on_refuted, g_strdup(self->serial));
	if (is_same(&self->stored, self->kept)) {
		self->stored = (StpPartial){ 0 };
		self->stored_size = 0;
	}
	g_clear_pointer(&self->kept, stp_partial_free);
}

void
stp_sync_resume_begin(StpSyncResume *self, struct stp_host *host, const struct stp_host_action *action)
{
	const guint8 *bytes;
	gsize size;

	self->under_way = name_of(&action->u.begin.entry, action->u.begin.epoch);
	self->failures = 0;
	self->stored_at = stp_clock_monotonic();
	take_up(self);
	if (self->kept == NULL)
		return;
	if (!is_same(self->kept, &self->under_way)) {
		stp_sync_find_other_record(self->store, self->serial, self->kept->epoch, self->kept->number);
		refute(self);
		return;
	}
	bytes = g_bytes_get_data(self->kept->bytes, &size);
	stp_info("sync", self->serial, "record %u goes on after %zu of %u bytes", self->kept->number, size,
		 self->kept->length);
	stp_host_resume(host, bytes, size, (guint64)(stp_clock_monotonic() / 1000));
}

void
stp_sync_resume_note(StpSyncResume *self, const struct stp_host_action *action)
{
	if (action->u.note.note == STP_NOTE_PARTIAL_DIFFERS && self->kept != NULL &&
	    self->kept->number == action->u.note.record)
		refute(self);
}

/* ---- the journal ---- */

static void
on_journalled(GObject *source, GAsyncResult *result, gpointer user_data)
{
	StpSyncResume *self = user_data;
	g_autoptr(GError) error = NULL;

	self->writing = FALSE;
	if (stp_store_put_partial_finish(STP_STORE(source), result, &error)) {
		self->failures = 0;
	} else {
		/* Whatever it holds now: the next one begins at 0 and takes its place. */
		stp_debug("sync", self->serial, "the journal was not written: %s", error->message);
		self->failures++;
		self->stored = (StpPartial){ 0 };
		self->stored_size = 0;
	}
	self->safe_size = self->stored_size;
	if (self->journalled != NULL)
		self->journalled(self->user_data);
	g_rc_box_release_full(self, clear);
}

static void
put(StpSyncResume *self, const guint8 *bytes, gsize size)
{
	gsize start = size >= self->stored_size ? self->stored_size : 0;
	g_autoptr(GBytes) added = g_bytes_new(bytes != NULL ? bytes + start : NULL, size - start);
	StpPartial partial = self->under_way;

	partial.serial = self->serial;
	partial.start = start;
	partial.bytes = added;
	/* Bytes of another record, or from 0 again, are none of what is safe. */
	self->safe_size = start;
	self->writing = TRUE;
	self->stored = self->under_way;
	self->stored_size = size;
	self->stored_at = stp_clock_monotonic();
	stp_store_put_partial_async(self->store, &partial, NULL, on_journalled, g_rc_box_acquire(self));
}

/* What arrived of the record under way; NULL and 0: nothing. */
static const guint8 *
look(StpSyncResume *self, const struct stp_host *host, gsize *size)
{
	struct stp_entry entry;
	const guint8 *bytes;
	StpPartial name;
	guint32 epoch;

	*size = 0;
	bytes = stp_host_arrived(host, &entry, &epoch, size);
	if (bytes == NULL)
		return NULL;
	name = name_of(&entry, epoch);
	if (is_same(&name, &self->under_way))
		return bytes;
	*size = 0;
	return NULL;
}

static void
keep(StpSyncResume *self, const struct stp_host *host, gint64 now, gboolean all)
{
	const guint8 *bytes;
	gsize size, before;

	if (self->under_way.number == 0 || self->failures >= FAILURES_MAX || (self->writing && !all))
		return;
	bytes = look(self, host, &size);
	if (!is_same(&self->stored, &self->under_way)) {
		/* Nothing of this one is known to be there; what is damaged there is replaced. */
		self->stored_size = 0;
		if (size == 0)
			return;
	}
	before = self->stored_size;
	/* Less than a chunk is left of it: the record itself is stored before more than that can be lost. */
	if (!all && size >= before && self->under_way.length - before <= CHUNK_SIZE &&
	    now - self->stored_at < STEP_US)
		return;
	/* Less than is journalled: those bytes turned out wrong, and must not come back. */
	if (size < before || size - before >= self->step_size ||
	    (size > before && (all || now - self->stored_at >= STEP_US)))
		put(self, bytes, size);
}

void
stp_sync_resume_keep(StpSyncResume *self, const struct stp_host *host, gint64 now)
{
	keep(self, host, now, FALSE);
}

gboolean
stp_sync_resume_is_behind(StpSyncResume *self, const struct stp_host *host)
{
	gsize size;

	/* Without a write under way nobody would tell of its end, and a pen must never wait for that. */
	if (!self->writing || self->under_way.number == 0)
		return FALSE;
	look(self, host, &size);
	return size >= self->safe_size + self->step_size;
}

void
stp_sync_resume_delivered(StpSyncResume *self)
{
	g_clear_pointer(&self->kept, stp_partial_free);
	self->under_way.number = 0;
}

void
stp_sync_resume_keep_all(StpSyncResume *self, const struct stp_host *host)
{
	keep(self, host, stp_clock_monotonic(), TRUE);
	self->under_way.number = 0;
}
