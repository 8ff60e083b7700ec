/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "bond-trouble.h"

#include "error.h"
#include "log.h"

/* The one repair follows the first sentence; see stp_enrolled_pen_set_error(). */
#define REPAIR "Open its pairing window and run 'stipplectl pens repair %s'"

static GError *
host_lost(const char *serial)
{
	return g_error_new(STP_ERROR, STP_ERROR_HOST_LOST_BOND,
			   "This host lost its key for pen %s, which still has its own. Delete this host at the pen, "
			   "open its pairing window and run 'stipplectl pens repair %s'.", serial, serial);
}

gboolean
stp_bond_check(StpLink *link, const struct stp_features *features, const StpPenRow *row, GError **error)
{
	const char *serial = row->serial;

	if (stp_link_get_authenticated(link)) {
		/* A key that works is a bond, whatever the pen's byte says: it may take us for a stranger. */
		if (row->bond != STP_PEN_BOND_UNKNOWN)
			return TRUE;
		g_set_error(error, STP_ERROR, STP_ERROR_BOND_TOO_WEAK,
			    "Nobody knows whether this host and pen %s were paired with a code. " REPAIR
			    ", which pairs anew with a code.", serial, serial);
		return FALSE;
	}
	switch (features->bond_state) {
	case STP_BOND_KNOWN:
		g_propagate_error(error, host_lost(serial));
		break;
	case STP_BOND_FULL:
		g_set_error(error, STP_ERROR, STP_ERROR_NO_ROOM_FOR_BOND,
			    "Pen %s is not paired with this host, and its list of hosts is full. Delete a host "
			    "at the pen that no longer collects from it, then run 'stipplectl pens repair %s'.",
			    serial, serial);
		break;
	default:
		g_set_error(error, STP_ERROR, STP_ERROR_NO_BOND,
			    "Pen %s and this host are not paired any more. " REPAIR ".", serial, serial);
		break;
	}
	return FALSE;
}

/* The radio's own idea of a pen; NULL: never heard. */
static StpSighting *
sighting_at(StpRadio *radio, const char *address)
{
	g_autoptr(GPtrArray) sightings = stp_radio_get_sightings(radio);

	for (guint i = 0; i < sightings->len; i++) {
		const StpSighting *sighting = g_ptr_array_index(sightings, i);

		if (g_ascii_strcasecmp(sighting->address, address) == 0)
			return stp_sighting_copy(sighting);
	}
	return NULL;
}

GError *
stp_bond_explain(StpRadio *radio, const StpPenRow *row, GError *error)
{
	g_autoptr(StpSighting) sighting = NULL;

	if (g_error_matches(error, STP_ERROR, STP_ERROR_PEN_FORGOT_BOND)) {
		/* The radio knows no serial numbers. */
		g_error_free(error);
		return g_error_new(STP_ERROR, STP_ERROR_PEN_FORGOT_BOND,
				   "Pen %s does not know this host's key any more. " REPAIR ".", row->serial, row->serial);
	}
	if (!g_error_matches(error, STP_ERROR, STP_ERROR_LINK_FAILED) || row->bond == STP_PEN_BOND_UNKNOWN)
		return error;
	sighting = sighting_at(radio, row->address);
	if (sighting == NULL || sighting->bonded || !sighting->in_sight)
		return error;
	stp_debug("sync", row->serial, "%s", error->message);
	g_error_free(error);
	return host_lost(row->serial);
}

static const struct {
	StpError code;
	const char *name;
} troubles[] = {
	{ STP_ERROR_PEN_FORGOT_BOND, "pen-forgot" }, { STP_ERROR_HOST_LOST_BOND, "host-lost" },
	{ STP_ERROR_NO_BOND, "none" },               { STP_ERROR_NO_ROOM_FOR_BOND, "no-room" },
	{ STP_ERROR_BOND_TOO_WEAK, "too-weak" },
};

static const char *
name_of(const GError *error)
{
	for (guint i = 0; error != NULL && i < G_N_ELEMENTS(troubles); i++)
		if (g_error_matches(error, STP_ERROR, (int)troubles[i].code))
			return troubles[i].name;
	return NULL;
}

gboolean
stp_error_is_bond(const GError *error)
{
	return name_of(error) != NULL;
}

const char *
stp_bond_trouble_name(const GError *error)
{
	const char *name = name_of(error);

	return name != NULL ? name : "ok";
}
