/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <json-glib/json-glib.h>

#include "stipple-dbus.h"

/*
 * What the daemon says, as JSON objects: the keys are the bus's.  A moment is there twice,
 * "start" as ISO 8601 in UTC and "start_us"; both are null when it is not known.  Each
 * returned object is the caller's.
 */

JsonObject *model_session(GVariant *session);
JsonObject *model_coverage(GVariant *coverage);
JsonObject *model_finding(GVariant *finding);
JsonObject *model_alert(GVariant *alert);
JsonObject *model_retired(GVariant *pen);
JsonObject *model_sighting(GVariant *sighting);
JsonObject *model_sync(GVariant *sync);
JsonObject *model_sync_result(GVariant *result);
JsonObject *model_pen(StpDbusPen1 *pen);
/* Only what the dictionary of changed properties names. */
JsonObject *model_pen_changes(GVariant *changed);

/* "name" and "name_us" of a moment; 0 makes both null. */
void model_set_time(JsonObject *object, const char *name, gint64 us);
