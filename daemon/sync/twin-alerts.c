/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "twin-alerts.h"

#include "clock.h"
#include "error.h"
#include "sync-timing.h"

struct StpTwinAlerts {
	StpStore *store;
	GHashTable *heard;	/* serial -> gint64, when last; monotonic */
	guint timer;		/* while there is any */
};

static const StpSighting *
find_at(const GPtrArray *sightings, const char *address)
{
	for (guint i = 0; i < sightings->len; i++) {
		const StpSighting *sighting = g_ptr_array_index(sightings, i);

		if (sighting->in_sight && g_ascii_strcasecmp(sighting->address, address) == 0)
			return sighting;
	}
	return NULL;
}

gboolean
stp_twin_check(StpRadio *radio, const char *address, const StpPenRow *row, const StpPenRow *old, GError **error)
{
	g_autoptr(GPtrArray) sightings = stp_radio_get_sightings(radio);
	const StpSighting *here = find_at(sightings, address), *former;

	/* Pairing may tell the address behind one that changes. */
	if (old == NULL || !old->enrolled || *old->address == '\0' ||
	    g_ascii_strcasecmp(old->address, address) == 0 || g_ascii_strcasecmp(old->address, row->address) == 0)
		return TRUE;
	former = find_at(sightings, old->address);
	if (former == NULL)
		return TRUE;
	/* Where radios were exchanged, another pen is there; the name has the end of the serial number. */
	if (here != NULL && here->name != NULL && former->name != NULL && !g_str_equal(here->name, former->name))
		return TRUE;
	g_set_error(error, STP_ERROR, STP_ERROR_INVALID_ARGUMENT,
		    "A pen with the serial number %s is enrolled already and in sight, at %s, so the one at %s was not "
		    "enrolled. If there are two, have the maker give one of them another serial number. If it is the "
		    "same one after a reset or a repair, switch the other off, and try again in two minutes.",
		    row->serial, old->address, address);
	return FALSE;
}

static gboolean
on_check(gpointer user_data)
{
	StpTwinAlerts *self = user_data;
	const gint64 before = stp_clock_monotonic() - (gint64)STP_SYNC_TWIN_GONE_S * G_USEC_PER_SEC;
	GHashTableIter iter;
	gpointer serial, last;

	g_hash_table_iter_init(&iter, self->heard);
	while (g_hash_table_iter_next(&iter, &serial, &last)) {
		if (*(const gint64 *)last > before)
			continue;
		stp_store_end_alert_async(self->store, STP_ALERT_TWIN, serial);
		g_hash_table_iter_remove(&iter);
	}
	if (g_hash_table_size(self->heard) > 0)
		return G_SOURCE_CONTINUE;
	self->timer = 0;
	return G_SOURCE_REMOVE;
}

static void
note_heard(StpTwinAlerts *self, const char *serial)
{
	gint64 *now = g_new(gint64, 1);

	*now = stp_clock_monotonic();
	g_hash_table_replace(self->heard, g_strdup(serial), now);
	if (self->timer == 0)
		self->timer = stp_clock_add_seconds(STP_SYNC_TWIN_CHECK_S, on_check, self);
}

StpTwinAlerts *
stp_twin_alerts_new(StpStore *store)
{
	StpTwinAlerts *self = g_new0(StpTwinAlerts, 1);
	g_autoptr(GPtrArray) open = stp_store_list_alerts(store, FALSE, NULL);

	self->store = g_object_ref(store);
	self->heard = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	/* Of a run of the daemon before this one. */
	for (guint i = 0; open != NULL && i < open->len; i++) {
		const StpAlert *alert = g_ptr_array_index(open, i);

		if (g_str_equal(alert->kind, STP_ALERT_TWIN))
			note_heard(self, alert->subject);
	}
	return self;
}

void
stp_twin_alerts_free(StpTwinAlerts *self)
{
	g_clear_handle_id(&self->timer, g_source_remove);
	g_hash_table_unref(self->heard);
	g_object_unref(self->store);
	g_free(self);
}

void
stp_twin_alerts_heard(StpTwinAlerts *self, const StpSighting *sighting)
{
	g_autofree char *serial = NULL, *text = NULL, *hint = NULL;
	g_autoptr(StpPenRow) row = NULL;

	/* A pen without a key of this host may have been erased, and be anybody's. */
	if (!sighting->in_sight || !sighting->bonded)
		return;
	serial = stp_store_find_former(self->store, sighting->address, NULL);
	if (serial == NULL)
		return;
	note_heard(self, serial);
	if (stp_store_has_alert(self->store, STP_ALERT_TWIN, serial))
		return;
	row = stp_store_get_pen(self->store, serial, NULL);
	text = g_strdup_printf("A pen is in sight at %s, where %s was enrolled first; another one with that serial number "
			       "was enrolled at %s since. Nothing is collected from the first one any more.",
			       sighting->address, serial, row != NULL ? row->address : "another address");
	hint = g_strdup_printf("If there are two, have the maker give one of them a serial number of its own. If there is "
			       "only one, switch it on and run 'stipplectl pens add %s'.", sighting->address);
	stp_store_raise_alert_async(self->store, STP_ALERT_TWIN, serial, STP_ALERT_CRITICAL, text, hint);
}

void
stp_twin_alerts_settle(StpTwinAlerts *self, const char *serial)
{
	g_hash_table_remove(self->heard, serial);
	stp_store_end_alert_async(self->store, STP_ALERT_TWIN, serial);
}
