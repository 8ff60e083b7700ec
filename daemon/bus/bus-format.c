/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "bus-format.h"

#include <string.h>

#include "sync-room.h"

static void
add(GVariantBuilder *builder, const char *key, GVariant *value)
{
	g_variant_builder_add(builder, "{sv}", key, value);
}

static void
add_string(GVariantBuilder *builder, const char *key, const char *text)
{
	/* A pen's texts are checked where they are read; this keeps a bad one off the bus all the same. */
	g_autofree char *valid = g_utf8_make_valid(text != NULL ? text : "", -1);

	add(builder, key, g_variant_new_string(valid));
}

static void
add_measured(GVariantBuilder *builder, const char *key, guint value)
{
	if (value != STP_ABSENT)
		add(builder, key, g_variant_new_uint32(value));
}

static guint32
clamp32(guint64 value)
{
	return (guint32)MIN(value, G_MAXUINT32);
}

static const char *
quality_name(StpTimeQuality quality)
{
	switch (quality) {
	case STP_TIME_ANCHORED:
		return "anchored";
	case STP_TIME_EXTRAPOLATED:
		return "extrapolated";
	case STP_TIME_BOUNDED:
		return "bounded";
	case STP_TIME_UNCONFIRMED:
		return "unconfirmed";
	case STP_TIME_UNKNOWN:
		return "unknown";
	}
	g_return_val_if_reached("unknown");
}

static void
add_session_time(GVariantBuilder *builder, const StpSession *session)
{
	if (session->time_quality != STP_TIME_UNKNOWN) {
		add(builder, "start", g_variant_new_int64(session->start));
		add(builder, "start_uncertainty_ms",
		    g_variant_new_uint32(session->start_uncertainty_ms));
	}
	add_string(builder, "time_quality", quality_name(session->time_quality));
	add_string(builder, "zone", session->zone);
	if (session->has_offset)
		add(builder, "offset_min", g_variant_new_int32(session->offset_min));
	add(builder, "boot_id", g_variant_new_uint32(session->boot_id));
	add(builder, "start_tick_ms", g_variant_new_uint64(session->start_tick_ms));
	add(builder, "received", g_variant_new_int64(session->received));
}

GVariant *
stp_bus_session(const StpSession *session)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE_VARDICT);
	add_string(&builder, "id", session->id);
	add_string(&builder, "pen", session->serial);
	add(&builder, "epoch", g_variant_new_uint32(session->epoch));
	add(&builder, "number", g_variant_new_uint32(session->number));
	add_session_time(&builder, session);
	add(&builder, "duration_ms", g_variant_new_uint32(clamp32(session->duration_ms)));
	add(&builder, "motor_on_ms", g_variant_new_uint32(clamp32(session->motor_on_ms)));
	add(&builder, "strokes", g_variant_new_uint32(clamp32(session->strokes)));
	add(&builder, "samples", g_variant_new_uint32(clamp32(session->samples)));
	add(&builder, "parts", g_variant_new_uint32(session->parts));
	add(&builder, "complete", g_variant_new_boolean(session->complete));
	add(&builder, "period_ms", g_variant_new_uint32(session->period_ms));
	add_measured(&builder, "set_depth_min_um", session->set_depth_min_um);
	add_measured(&builder, "set_depth_max_um", session->set_depth_max_um);
	add_measured(&builder, "set_rate_dhz", session->set_rate_dhz);
	add_measured(&builder, "depth_max_um", session->depth_max_um);
	add_measured(&builder, "depth_p50_um", session->depth_p50_um);
	add(&builder, "zones", g_variant_new_uint32(session->zones));
	add(&builder, "passes", g_variant_new_uint32(session->passes));
	add(&builder, "needles", g_variant_new_uint32(session->needles));
	add_string(&builder, "cartridge", session->cartridge);
	add_string(&builder, "firmware", session->firmware);
	add_string(&builder, "link", session->authenticated ? "authenticated" : "unauthenticated");
	if (session->seal != STP_SESSION_NOT_LOOKED_AT) {
		add_string(&builder, "chain", stp_chain_state_name(session->chain));
		add_string(&builder, "seal", stp_seal_state_name(session->seal));
		if (session->seal_record != 0)
			add(&builder, "seal_record", g_variant_new_uint32(session->seal_record));
	}
	add(&builder, "records",
	    g_variant_new_fixed_array(G_VARIANT_TYPE_UINT32, session->records->data,
				      session->records->len, sizeof(guint32)));
	return g_variant_builder_end(&builder);
}

static void
add_finding(GVariantBuilder *builder, const StpFinding *finding)
{
	add(builder, "record", g_variant_new_uint32(finding->record));
	add_string(builder, "kind", finding->kind);
	add_string(builder, "text", finding->text);
	add_string(builder, "hint", finding->hint);
	add(builder, "since", g_variant_new_int64(finding->since));
	add(builder, "count", g_variant_new_uint32(finding->count));
	add(builder, "kept", g_variant_new_boolean(finding->kept));
}

GVariant *
stp_bus_finding(const StpFinding *finding)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE_VARDICT);
	add_string(&builder, "pen", finding->serial);
	add(&builder, "epoch", g_variant_new_uint32(finding->epoch));
	add_finding(&builder, finding);
	return g_variant_builder_end(&builder);
}

static GVariant *
holes_of(const StpCoverage *coverage)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE("a(uus)"));
	for (guint i = 0; i < coverage->holes->len; i++) {
		const StpHole *hole = &g_array_index(coverage->holes, StpHole, i);

		g_variant_builder_add(&builder, "(uus)", hole->range.from, hole->range.to,
				      hole->cause);
	}
	return g_variant_builder_end(&builder);
}

static GVariant *
findings_of(const StpCoverage *coverage)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE("aa{sv}"));
	for (guint i = 0; i < coverage->findings->len; i++) {
		g_variant_builder_open(&builder, G_VARIANT_TYPE_VARDICT);
		add_finding(&builder, g_ptr_array_index(coverage->findings, i));
		g_variant_builder_close(&builder);
	}
	return g_variant_builder_end(&builder);
}

static void
add_room(GVariantBuilder *builder, StpEnrolledPen *pen)
{
	const guint left = stp_enrolled_pen_get_sessions_left(pen);

	if (left != STP_SYNC_ROOM_UNKNOWN)
		add(builder, "sessions_left", g_variant_new_uint32(left));
	if (*stp_enrolled_pen_get_warning(pen) != '\0')
		add_string(builder, "warning", stp_enrolled_pen_get_warning(pen));
}

GVariant *
stp_bus_coverage(const StpCoverage *coverage, StpEnrolledPen *pen)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE_VARDICT);
	add_string(&builder, "pen", coverage->serial);
	add(&builder, "epoch", g_variant_new_uint32(coverage->epoch));
	add(&builder, "current", g_variant_new_boolean(coverage->current));
	add(&builder, "first", g_variant_new_uint32(coverage->first));
	add(&builder, "last", g_variant_new_uint32(coverage->last));
	add(&builder, "held", g_variant_new_uint32(coverage->held));
	add(&builder, "missing", g_variant_new_uint32(coverage->missing));
	add(&builder, "damaged", g_variant_new_uint32(coverage->damaged));
	add(&builder, "percent", g_variant_new_double(coverage->percent));
	add_string(&builder, "chain", stp_chain_state_name(coverage->chain));
	if (coverage->chain_breaks_at != 0)
		add(&builder, "chain_broken_at", g_variant_new_uint32(coverage->chain_breaks_at));
	if (coverage->current && pen != NULL)
		add_room(&builder, pen);
	add(&builder, "holes", holes_of(coverage));
	add(&builder, "findings", findings_of(coverage));
	return g_variant_builder_end(&builder);
}

GVariant *
stp_bus_sighting(const StpSighting *sighting, const char *serial)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE_VARDICT);
	add_string(&builder, "address", sighting->address);
	if (sighting->name != NULL)
		add_string(&builder, "name", sighting->name);
	if (sighting->rssi != 127)
		add(&builder, "rssi", g_variant_new_int16(sighting->rssi));
	add(&builder, "last_seen", g_variant_new_int64(sighting->last_seen));
	add(&builder, "in_sight", g_variant_new_boolean(sighting->in_sight));
	add(&builder, "enrolled", g_variant_new_boolean(serial != NULL));
	if (serial != NULL)
		add_string(&builder, "serial", serial);
	if (sighting->has_status)
		add(&builder, "pairing_open",
		    g_variant_new_boolean((sighting->status.flags & STP_ADVERT_PAIRING_OPEN) != 0));
	return g_variant_builder_end(&builder);
}

GVariant *
stp_bus_sync_result(const StpSyncResult *result, gint64 duration_us)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE_VARDICT);
	add(&builder, "records", g_variant_new_uint32(result->records));
	add(&builder, "again", g_variant_new_uint32(result->again));
	add(&builder, "conflicts", g_variant_new_uint32(result->conflicts));
	add(&builder, "damaged", g_variant_new_uint32(result->damaged));
	add(&builder, "given_up", g_variant_new_uint32(result->given_up));
	add(&builder, "bytes", g_variant_new_uint64(result->bytes));
	add(&builder, "duration_ms", g_variant_new_uint64((guint64)MAX(duration_us, 0) / 1000));
	add(&builder, "mtu", g_variant_new_uint32(result->mtu));
	if (result->has_status) {
		add(&builder, "oldest", g_variant_new_uint32(result->oldest));
		add(&builder, "newest", g_variant_new_uint32(result->newest));
	}
	add(&builder, "chosen", g_variant_new_boolean(result->chosen));
	add(&builder, "complete",
	    g_variant_new_boolean(result->has_status && result->damaged + result->given_up == 0));
	return g_variant_builder_end(&builder);
}

char *
stp_bus_pen_path(const char *serial)
{
	GString *path = g_string_new("/org/stipple1/pen/");

	for (const char *c = serial; *c != '\0'; c++) {
		if (g_ascii_isalnum(*c))
			g_string_append_c(path, *c);
		else
			g_string_append_printf(path, "_%02x", (guint8)*c);
	}
	return g_string_free(path, FALSE);
}

static GVariant *
errors_by_class(const guint64 *errors)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE("a{su}"));
	for (guint i = STP_LINK_CLASS_NONE + 1; i < STP_LINK_CLASS_COUNT; i++) {
		if (errors[i] > 0)
			g_variant_builder_add(&builder, "{su}", stp_link_class_name(i), clamp32(errors[i]));
	}
	return g_variant_builder_end(&builder);
}

GVariant *
stp_bus_adapter(const StpAdapterReport *report)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE_VARDICT);
	add_string(&builder, "address", report->address);
	if (report->path != NULL)
		add_string(&builder, "path", strrchr(report->path, '/') + 1);
	add_string(&builder, "state", stp_radio_state_name(report->state));
	add_string(&builder, "hint", stp_radio_state_hint(report->state));
	if (report->lease_holder != NULL)
		add_string(&builder, "lease_holder", report->lease_holder);
	add(&builder, "links", g_variant_new_uint32(report->links));
	add(&builder, "ceiling", g_variant_new_uint32(report->ceiling));
	add(&builder, "waiting", g_variant_new_uint32(report->waiting));
	add_string(&builder, "scan_mode", stp_scan_mode_name(report->scan_mode));
	add_string(&builder, "scan_why", report->scan_why);
	add(&builder, "discovering", g_variant_new_boolean(report->discovering));
	add(&builder, "silent", g_variant_new_boolean(report->silent));
	add(&builder, "foreign_discovery", g_variant_new_boolean(report->foreign_discovery));
	add(&builder, "foreign_links", g_variant_new_uint32(report->foreign_links));
	add(&builder, "errors", errors_by_class(report->errors));
	return g_variant_builder_end(&builder);
}
