/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/*
 * Structured log lines: to the journal where stderr is connected to it, else to stderr.
 * Fields: MESSAGE, STIPPLE_TOPIC and, where a pen is concerned, STIPPLE_PEN.
 * Topic is a short word: "link", "store", "sync", "bus", "main".  pen is a serial number,
 * an address before the serial is known, or NULL.  Never patient data.
 */
void stp_log(GLogLevelFlags level, const char *topic, const char *pen, const char *format, ...)
	G_GNUC_PRINTF(4, 5);

/* With the field STIPPLE_ALERT: a stable word to search the journal for, whatever the sentence says. */
void stp_log_alert(GLogLevelFlags level, const char *kind, const char *pen, const char *format, ...)
	G_GNUC_PRINTF(4, 5);

#define stp_debug(topic, pen, ...) stp_log(G_LOG_LEVEL_DEBUG, topic, pen, __VA_ARGS__)
#define stp_info(topic, pen, ...) stp_log(G_LOG_LEVEL_INFO, topic, pen, __VA_ARGS__)
#define stp_notice(topic, pen, ...) stp_log(G_LOG_LEVEL_MESSAGE, topic, pen, __VA_ARGS__)
#define stp_warning(topic, pen, ...) stp_log(G_LOG_LEVEL_WARNING, topic, pen, __VA_ARGS__)

/* Let debug lines through (they are dropped by default). */
void stp_log_set_verbose(gboolean verbose);
