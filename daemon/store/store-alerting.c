/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/*
 * Alerts, as the store seam has them.  The open ones are kept in memory, so that one can be raised
 * about a store that cannot be written; the table follows as soon as it can.
 */

#include "error.h"
#include "log.h"
#include "store-alerts.h"
#include "store-worker.h"

/* A count that grows is written that often: each write wears the disk, and tells nobody anything. */
#define COUNT_INTERVAL_US (G_GINT64_CONSTANT(10) * 60 * G_USEC_PER_SEC)

typedef struct {
	StpAlert *alert;
	guint version;		/* grows with each change that is to be written */
	guint written;		/* the version last known to be on the disk */
	guint asked;		/* the version last given to the writer */
	gint64 asked_at;	/* monotonic */
} StpOpenAlert;

static void
open_alert_free(gpointer data)
{
	StpOpenAlert *open = data;

	stp_alert_free(open->alert);
	g_free(open);
}

static StpOpenAlert *
find(StpStore *self, const char *kind, const char *subject)
{
	for (guint i = 0; i < self->alerts->len; i++) {
		StpOpenAlert *open = g_ptr_array_index(self->alerts, i);

		if (open->alert->ended == 0 && g_str_equal(open->alert->kind, kind) &&
		    g_str_equal(open->alert->subject, subject))
			return open;
	}
	return NULL;
}

/* ---- writing ---- */

/* What a write was of; the alert may have changed, or be gone, when it is done. */
typedef struct {
	char *kind, *subject;
	gint64 since;
	guint version;
} Written;

static void
on_written(GObject *source, GAsyncResult *result, gpointer user_data)
{
	StpStore *self = STP_STORE(source);
	Written *written = user_data;
	gboolean done = g_task_propagate_boolean(G_TASK(result), NULL);

	for (guint i = 0; i < self->alerts->len; i++) {
		StpOpenAlert *open = g_ptr_array_index(self->alerts, i);

		if (open->alert->since != written->since || !g_str_equal(open->alert->kind, written->kind) ||
		    !g_str_equal(open->alert->subject, written->subject))
			continue;
		if (done)
			open->written = MAX(open->written, written->version);
		else if (open->asked == written->version)
			open->asked = open->written;
		if (open->alert->ended != 0 && open->written == open->version)
			g_ptr_array_remove_index(self->alerts, i);
		break;
	}
	g_free(written->kind);
	g_free(written->subject);
	g_free(written);
}

static void
save(StpStore *self, StpOpenAlert *open)
{
	Written *written = NULL;

	if (open->asked == open->version || self->worker == NULL)
		return;
	open->asked = open->version;
	open->asked_at = g_get_monotonic_time();
	written = g_new(Written, 1);
	*written = (Written){ g_strdup(open->alert->kind), g_strdup(open->alert->subject), open->alert->since,
			      open->version };
	stp_store_submit(self, stp_job_put_alert(open->alert), STP_TAG_ALERT, NULL, on_written, written);
}

void
stp_store_save_alerts(StpStore *self)
{
	for (guint i = 0; i < self->alerts->len; i++)
		save(self, g_ptr_array_index(self->alerts, i));
}

gboolean
stp_store_load_alerts(StpStore *self, GError **error)
{
	g_autoptr(GPtrArray) list = stp_alerts_list(self->files.writer, TRUE, error);

	if (list == NULL)
		return FALSE;
	g_ptr_array_set_free_func(list, NULL);
	for (guint i = 0; i < list->len; i++) {
		StpOpenAlert *open = g_new0(StpOpenAlert, 1);

		open->alert = g_ptr_array_index(list, i);
		g_ptr_array_add(self->alerts, open);
	}
	return TRUE;
}

GPtrArray *
stp_store_new_alerts(void)
{
	return g_ptr_array_new_with_free_func(open_alert_free);
}

/* ---- what others see ---- */

static void
log_alert(const StpAlert *alert, const char *what)
{
	const char *subject = *alert->subject != '\0' ? alert->subject : NULL;

	gboolean mild = alert->level == STP_ALERT_NOTICE || alert->ended != 0;

	stp_log_alert(mild ? G_LOG_LEVEL_MESSAGE : G_LOG_LEVEL_WARNING, alert->kind, subject, "%s %s: %s  %s",
		      alert->kind, what, alert->text, alert->hint);
}

static void
take(char **place, const char *text, gboolean *changed)
{
	if (g_strcmp0(*place, text) == 0)
		return;
	g_free(*place);
	*place = g_strdup(text);
	*changed = TRUE;
}

void
stp_store_raise_alert_async(StpStore *self, const char *kind, const char *subject, StpAlertLevel level,
			    const char *text, const char *hint)
{
	StpOpenAlert *open = NULL;
	gboolean is_new, changed, worse;

	g_return_if_fail(kind != NULL && *kind != '\0' && subject != NULL && text != NULL && hint != NULL);
	open = find(self, kind, subject);
	is_new = changed = open == NULL;
	if (is_new) {
		open = g_new0(StpOpenAlert, 1);
		open->alert = g_new0(StpAlert, 1);
		open->alert->kind = g_strdup(kind);
		open->alert->subject = g_strdup(subject);
		open->alert->since = g_get_real_time();
		open->alert->level = level;
		g_ptr_array_add(self->alerts, open);
	}
	worse = level > open->alert->level;
	changed = changed || level != open->alert->level;
	open->alert->level = level;
	/* Whoever knew of it does not know that it got worse. */
	if (worse)
		open->alert->acknowledged = 0;
	take(&open->alert->text, text, &changed);
	take(&open->alert->hint, hint, &changed);
	open->alert->last = g_get_real_time();
	open->alert->count++;
	if (changed || g_get_monotonic_time() - open->asked_at >= COUNT_INTERVAL_US) {
		open->version++;
		save(self, open);
	}
	if (is_new || worse)
		log_alert(open->alert, is_new ? "begins" : "gets worse");
	if (changed)
		stp_store_emit_alert(self, open->alert);
}

void
stp_store_end_alert_async(StpStore *self, const char *kind, const char *subject)
{
	StpOpenAlert *open = find(self, kind, subject);
	g_autoptr(StpAlert) told = NULL;

	if (open == NULL)
		return;
	open->alert->ended = MAX(g_get_real_time(), 1);
	open->version++;
	told = stp_alert_copy(open->alert);
	save(self, open);
	log_alert(told, "is over");
	stp_store_emit_alert(self, told);
}

void
stp_store_end_alerts_about(StpStore *self, const char *subject)
{
	g_autoptr(GPtrArray) kinds = g_ptr_array_new_with_free_func(g_free);

	/* Those that end may leave the list. */
	for (guint i = 0; i < self->alerts->len; i++) {
		const StpOpenAlert *open = g_ptr_array_index(self->alerts, i);

		if (open->alert->ended == 0 && g_str_equal(open->alert->subject, subject))
			g_ptr_array_add(kinds, g_strdup(open->alert->kind));
	}
	for (guint i = 0; i < kinds->len; i++)
		stp_store_end_alert_async(self, g_ptr_array_index(kinds, i), subject);
}

gboolean
stp_store_has_alert(StpStore *self, const char *kind, const char *subject)
{
	return find(self, kind, subject) != NULL;
}

gboolean
stp_store_has_seen(StpStore *self, const char *kind, const char *subject)
{
	const StpOpenAlert *open = find(self, kind, subject);

	return open != NULL && open->alert->acknowledged != 0;
}

gboolean
stp_store_acknowledge_alert(StpStore *self, const char *kind, const char *subject, GError **error)
{
	guint found = 0;

	for (guint i = 0; i < self->alerts->len; i++) {
		StpOpenAlert *open = g_ptr_array_index(self->alerts, i);

		if (open->alert->ended != 0 ||
		    (*kind != '\0' &&
		     (!g_str_equal(open->alert->kind, kind) || !g_str_equal(open->alert->subject, subject))))
			continue;
		found++;
		if (open->alert->acknowledged != 0)
			continue;
		open->alert->acknowledged = MAX(g_get_real_time(), 1);
		open->version++;
		save(self, open);
		stp_store_emit_alert(self, open->alert);
	}
	if (found > 0 || *kind == '\0')
		return TRUE;
	g_set_error(error, STP_ERROR, STP_ERROR_NOT_FOUND,
		    "There is no open alert %s%s%s. 'stipplectl alerts' lists those there are.", kind,
		    *subject != '\0' ? " of " : "", subject);
	return FALSE;
}

static gint
by_urgency(gconstpointer a, gconstpointer b)
{
	const StpAlert *one = *(const StpAlert *const *)a, *other = *(const StpAlert *const *)b;

	if (one->level != other->level)
		return one->level > other->level ? -1 : 1;
	return (one->since > other->since) - (one->since < other->since);
}

/* What the table has as ended, but for what memory has so too because its write is under way. */
static void
add_ended(StpStore *self, GPtrArray *table, GPtrArray *list)
{
	guint own = list->len;

	for (guint i = self->alerts->len; i-- > 0;) {
		const StpOpenAlert *open = g_ptr_array_index(self->alerts, i);

		if (open->alert->ended != 0)
			g_ptr_array_add(list, stp_alert_copy(open->alert));
	}
	for (guint i = 0, end = list->len; i < table->len; i++) {
		const StpAlert *ended = g_ptr_array_index(table, i);
		gboolean twice = FALSE;

		for (guint j = own; j < end; j++) {
			const StpAlert *other = g_ptr_array_index(list, j);

			twice = twice || (other->since == ended->since && g_str_equal(other->kind, ended->kind) &&
					  g_str_equal(other->subject, ended->subject));
		}
		if (!twice)
			g_ptr_array_add(list, stp_alert_copy(ended));
	}
}

GPtrArray *
stp_store_list_alerts(StpStore *self, gboolean all, GError **error)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)stp_alert_free);
	g_autoptr(GPtrArray) ended = NULL;

	for (guint i = 0; i < self->alerts->len; i++) {
		const StpOpenAlert *open = g_ptr_array_index(self->alerts, i);

		if (open->alert->ended == 0)
			g_ptr_array_add(list, stp_alert_copy(open->alert));
	}
	g_ptr_array_sort(list, by_urgency);
	if (!all)
		return g_steal_pointer(&list);
	if (self->worker == NULL) {
		g_set_error(error, STP_ERROR, STP_ERROR_STORE_FAILED,
			    "The store is closed; stippled is about to end.");
		return NULL;
	}
	ended = stp_alerts_list(self->files.reader, FALSE, error);
	if (ended == NULL)
		return NULL;
	add_ended(self, ended, list);
	return g_steal_pointer(&list);
}
