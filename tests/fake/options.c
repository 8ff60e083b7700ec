/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#include "options.h"

#include <stdio.h>

#define LEGACY_ADVERT	31
#define EXTENDED_ADVERT 251

static const FakeOptions defaults = {
	.adapters = 2,
	.mtu = 517,
	.advert_interval = 100,
	.temporary_timeout = 30000,
	.monitor_second = 1000,
	.connect_delay = 2,
	.connect_timeout = 40000,
	.advert_pause = 100,
	.ghost_time = 300,
	.resolve_delay = 10,
	.disconnect_delay = 20,
	.pair_timeout = 30000,
	.supervision_timeout = 0,
};

static const char summary[] =
	"A fake org.bluez on the system bus (DBUS_SYSTEM_BUS_ADDRESS: use a private one): virtual adapters\n"
	"that hear, connect to and pair with each other. Prints 'ready' when it owns the name. Faults are\n"
	"made by calls to org.stipple1.test.Air1 at /org/bluez/fake. Times are in milliseconds.";

gboolean
fake_options_parse(FakeOptions *options, int *argc, char ***argv)
{
	gboolean no_adapter = FALSE;
	const GOptionEntry entries[] = {
		{ "adapters", 0, 0, G_OPTION_ARG_INT, &options->adapters, "how many adapters, hci0 on (2)", "N" },
		{ "no-adapter", 0, 0, G_OPTION_ARG_NONE, &no_adapter, "start with none", NULL },
		{ "mtu", 0, 0, G_OPTION_ARG_INT, &options->mtu, "ATT MTU of every link (517)", "BYTES" },
		{ "extended", 0, 0, G_OPTION_ARG_NONE, &options->extended,
		  "251 bytes of advertising data, not 31", NULL },
		{ "bare-adverts", 0, 0, G_OPTION_ARG_NONE, &options->bare_adverts,
		  "do not list the UUIDs of service data in the scan response", NULL },
		{ "advert-interval", 0, 0, G_OPTION_ARG_INT, &options->advert_interval, "between reports (100)", "MS" },
		{ "monitors", 0, 0, G_OPTION_ARG_NONE, &options->monitors,
		  "have advertisement monitors, as BlueZ with --experimental", NULL },
		{ "monitor-second", 0, 0, G_OPTION_ARG_INT, &options->monitor_second,
		  "how long a second of a monitor's timeouts lasts (1000)", "MS" },
		{ "advert-pause", 0, 0, G_OPTION_ARG_INT, &options->advert_pause,
		  "of a peripheral after a connection (100; in the lab 500)", "MS" },
		{ "ghost-time", 0, 0, G_OPTION_ARG_INT, &options->ghost_time,
		  "after a restart, links that are gone show as connected for so long (300)", "MS" },
		{ "temporary-timeout", 0, 0, G_OPTION_ARG_INT, &options->temporary_timeout,
		  "a device unheard of for so long vanishes (30000)", "MS" },
		{ "connect-delay", 0, 0, G_OPTION_ARG_INT, &options->connect_delay, "to connect (2)", "MS" },
		{ "connect-timeout", 0, 0, G_OPTION_ARG_INT, &options->connect_timeout,
		  "until Connect gives up (40000)", "MS" },
		{ "resolve-delay", 0, 0, G_OPTION_ARG_INT, &options->resolve_delay,
		  "from the connection to ServicesResolved (10)", "MS" },
		{ "disconnect-delay", 0, 0, G_OPTION_ARG_INT, &options->disconnect_delay,
		  "from Disconnect to the link's end (20; BlueZ takes 2000)", "MS" },
		{ "pair-timeout", 0, 0, G_OPTION_ARG_INT, &options->pair_timeout, "for a pairing (30000)", "MS" },
		{ "supervision-timeout", 0, 0, G_OPTION_ARG_INT, &options->supervision_timeout,
		  "of silence before a lost link ends (0)", "MS" },
		{ "kbps", 0, 0, G_OPTION_ARG_INT, &options->kbps, "throttle each link (0: not)", "KBIT/S" },
		{ "state", 0, 0, G_OPTION_ARG_FILENAME, &options->state, "keep bonds in this file", "FILE" },
		{ "verbose", 0, 0, G_OPTION_ARG_NONE, &options->verbose, "say what happens on stderr", NULL },
		{ NULL },
	};
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	g_autoptr(GError) error = NULL;

	*options = defaults;
	g_option_context_set_summary(context, summary);
	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, argc, argv, &error)) {
		fprintf(stderr, "%s; --help tells the options\n", error->message);
		return FALSE;
	}
	if (no_adapter)
		options->adapters = 0;
	if (options->mtu < 23 || options->mtu > 517 || options->adapters < 0 || options->adapters > 64 ||
	    options->advert_interval < 1 || options->monitor_second < 1) {
		fprintf(stderr, "--mtu is 23 to 517, --adapters 0 to 64, --advert-interval and --monitor-second at least 1\n");
		return FALSE;
	}
	return TRUE;
}

void
fake_options_clear(FakeOptions *options)
{
	g_clear_pointer(&options->state, g_free);
}

int
fake_options_advert_length(const FakeOptions *options)
{
	return options->extended ? EXTENDED_ADVERT : LEGACY_ADVERT;
}
