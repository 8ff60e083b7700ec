/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/* What the program was asked to be.  Times are in milliseconds. */
typedef struct {
	int adapters;
	int mtu;
	int advert_interval;
	int temporary_timeout;
	int connect_delay;
	int connect_timeout;
	int resolve_delay;
	int disconnect_delay;
	int pair_timeout;
	int supervision_timeout;
	int kbps;
	int advert_pause;
	int ghost_time;
	gboolean extended;
	gboolean bare_adverts;
	gboolean monitors;
	int monitor_second;
	gboolean verbose;
	char *state;
} FakeOptions;

/* FALSE, and a sentence on stderr, when the arguments make no sense. */
gboolean fake_options_parse(FakeOptions *options, int *argc, char ***argv);
void fake_options_clear(FakeOptions *options);

/* The longest advertising data of an adapter, bytes. */
int fake_options_advert_length(const FakeOptions *options);
