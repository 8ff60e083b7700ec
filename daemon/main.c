/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* stippled: wiring only. */

#include <gio/gio.h>
#include <glib-unix.h>
#include <locale.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <sched.h>

#include "bluez-radio.h"
#include "bus-service.h"
#include "collector.h"
#include "error.h"
#include "log.h"
#include "session-store.h"

/* As documented in stippled(8). */
#define EXIT_USAGE 64
#define EXIT_NO_BUS 4
#define EXIT_DENIED 5

typedef struct {
	GMainLoop *loop;
	StpCollector *collector;
	StpBusService *service;
	gboolean stopping;
	int status;
} Daemon;

typedef struct {
	char *state_dir, *runtime_dir, *clock, *restore;
	char **adapters;
	StpClockPolicy clock_policy;
	int radio_patience_s;	/* 0: as built in */
	gboolean verbose, version;
} Options;

static void
on_stopped(GObject *source, GAsyncResult *result, gpointer user_data)
{
	Daemon *daemon = user_data;

	g_main_loop_quit(daemon->loop);
}

/* In order: syncs end, what arrived is stored, then the bus and the store. */
static void
stop(Daemon *daemon, int status)
{
	if (daemon->stopping)
		return;
	daemon->stopping = TRUE;
	daemon->status = status;
	stp_collector_stop_async(daemon->collector, on_stopped, daemon);
}

static gboolean
on_signal(gpointer user_data)
{
	stp_info("main", NULL, "Asked to stop.");
	stop(user_data, EXIT_SUCCESS);
	return G_SOURCE_CONTINUE;
}

static void
on_name_acquired(StpBusService *service, Daemon *daemon)
{
	stp_notice("main", NULL, "Ready.");
}

static void
on_name_lost(StpBusService *service, Daemon *daemon)
{
	if (daemon->stopping)
		return;
	stp_warning("main", NULL,
		    "The name " STP_BUS_NAME " cannot be had: another stippled runs, or the bus "
		    "policy does not let this user own it. Stop the other one, or install the "
		    "policy and run as the user it names.");
	stop(daemon, EXIT_DENIED);
}

static void
on_bus_closed(GDBusConnection *bus, gboolean remote, GError *error, gpointer user_data)
{
	Daemon *daemon = user_data;

	if (daemon->stopping)
		return;
	stp_warning("main", NULL,
		    "The system bus went away. What was acknowledged is in the store; start stippled "
		    "again when the bus is back.");
	stop(daemon, EXIT_NO_BUS);
}

/* Anything else would be waited for for ever. */
static gboolean
check_adapters(char **adapters, GError **error)
{
	for (; adapters != NULL && *adapters != NULL; adapters++) {
		if (g_regex_match_simple("^(hci[0-9]+|([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2})$", g_strstrip(*adapters), 0, 0))
			continue;
		g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
			    "--adapter takes an address or hciN, not '%s'", *adapters);
		return FALSE;
	}
	return TRUE;
}

static gboolean
parse(int *argc, char ***argv, Options *options, GError **error)
{
	const GOptionEntry entries[] = {
		{ "state-dir", 's', 0, G_OPTION_ARG_FILENAME, &options->state_dir,
		  "Where the store is (default: $STATE_DIRECTORY, else /var/lib/stipple)", "DIR" },
		{ "clock", 0, 0, G_OPTION_ARG_STRING, &options->clock,
		  "Whether this computer's clock is right: auto (the kernel knows; the default), trusted or "
		  "untrusted (default: $STIPPLE_CLOCK)", "WHETHER" },
		{ "runtime-dir", 0, 0, G_OPTION_ARG_FILENAME, &options->runtime_dir,
		  "Where the leases of the adapters are (default: $RUNTIME_DIRECTORY, else /run/stipple)",
		  "DIR" },
		{ "adapter", 'a', 0, G_OPTION_ARG_STRING_ARRAY, &options->adapters,
		  "Bluetooth adapter to use, by address or as hciN; may be given several times (default: "
		  "$STIPPLE_ADAPTER, else all)", "ADAPTER" },
		{ "radio-patience", 0, 0, G_OPTION_ARG_INT, &options->radio_patience_s,
		  "How long Bluetooth may be off or its adapter gone before there is an alert (default: 120)", "SECONDS" },
		{ "restore", 0, 0, G_OPTION_ARG_FILENAME, &options->restore,
		  "Put a backup in the place of the store, and end; no daemon may be running", "FILE" },
		{ "verbose", 'v', 0, G_OPTION_ARG_NONE, &options->verbose, "Log every step", NULL },
		{ "version", 0, 0, G_OPTION_ARG_NONE, &options->version, "Print the version", NULL },
		G_OPTION_ENTRY_NULL
	};
	g_autoptr(GOptionContext) context = g_option_context_new("- collect the logs of derma pens");

	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, argc, argv, error))
		return FALSE;
	if (*argc > 1) {
		g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
			    "There is nothing to do with '%s'", (*argv)[1]);
		return FALSE;
	}
	if (options->clock == NULL)
		options->clock = g_strdup(g_getenv("STIPPLE_CLOCK"));
	if (options->clock != NULL && !stp_clock_policy_parse(options->clock, &options->clock_policy)) {
		g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
			    "--clock takes auto, trusted or untrusted, not '%s'", options->clock);
		return FALSE;
	}
	if (options->state_dir == NULL)
		options->state_dir = g_strdup(g_getenv("STATE_DIRECTORY"));
	if (options->state_dir == NULL)
		options->state_dir = g_strdup("/var/lib/stipple");
	if (options->runtime_dir == NULL)
		options->runtime_dir = g_strdup(g_getenv("RUNTIME_DIRECTORY"));
	if (options->runtime_dir == NULL)
		options->runtime_dir = g_strdup("/run/stipple");
	if (options->adapters == NULL && g_getenv("STIPPLE_ADAPTER") != NULL)
		options->adapters = g_strsplit(g_getenv("STIPPLE_ADAPTER"), ",", -1);
	if (options->radio_patience_s < 0) {
		g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
			    "--radio-patience takes a number of seconds from 1, not %d", options->radio_patience_s);
		return FALSE;
	}
	return check_adapters(options->adapters, error);
}

/* The system bus lives as long as the computer runs, and has a name of its own each time. */
static char *
name_of_boot(GDBusConnection *bus)
{
	g_autoptr(GVariant) answer =
		g_dbus_connection_call_sync(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
					    "GetId", NULL, G_VARIANT_TYPE("(s)"), G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL);
	char *name = NULL;

	if (answer != NULL)
		g_variant_get(answer, "(s)", &name);
	return name;
}

static StpRadio *
new_radio(GDBusConnection *bus, const Options *options)
{
	g_autofree char *memory = g_build_filename(options->state_dir, "adapters.conf", NULL);
	const StpBluezRadioOptions with = {
		.adapters = (const char *const *)options->adapters,
		.lease_directory = options->runtime_dir,
		.memory = memory,
	};

	return stp_bluez_radio_new(bus, &with);
}

static int
run(const Options *options, GError **error)
{
	Daemon daemon = { 0 };
	g_autoptr(GMainLoop) loop = NULL;
	g_autoptr(GDBusConnection) bus = NULL;
	g_autofree char *boot = NULL;
	g_autoptr(StpStore) store = NULL;
	g_autoptr(StpRadio) radio = NULL;
	g_autoptr(StpCollector) collector = NULL;
	g_autoptr(StpBusService) service = NULL;

	bus = g_bus_get_sync(G_BUS_TYPE_SYSTEM, NULL, error);
	if (bus == NULL) {
		g_prefix_error(error, "The system bus cannot be reached; start dbus, or set "
				      "DBUS_SYSTEM_BUS_ADDRESS. ");
		return EXIT_NO_BUS;
	}
	/* We end in order instead. */
	g_dbus_connection_set_exit_on_close(bus, FALSE);

	store = stp_store_open(options->state_dir, error);
	if (store == NULL)
		return EXIT_FAILURE;
	boot = name_of_boot(bus);
	stp_store_set_clock(store, stp_host_clock_new(options->clock_policy, boot));
	radio = new_radio(bus, options);
	collector = stp_collector_new(radio, store, error);
	if (collector == NULL)
		return EXIT_FAILURE;

	if (options->radio_patience_s > 0)
		stp_collector_set_radio_patience(collector, (guint)options->radio_patience_s);
	service = stp_bus_service_new(collector, STIPPLE_VERSION);
	loop = g_main_loop_new(NULL, FALSE);
	daemon.loop = loop;
	daemon.collector = collector;
	daemon.service = service;
	g_signal_connect(service, "name-acquired", G_CALLBACK(on_name_acquired), &daemon);
	g_signal_connect(service, "name-lost", G_CALLBACK(on_name_lost), &daemon);
	g_signal_connect(bus, "closed", G_CALLBACK(on_bus_closed), &daemon);
	g_unix_signal_add(SIGTERM, on_signal, &daemon);
	g_unix_signal_add(SIGINT, on_signal, &daemon);
	if (!stp_bus_service_start(service, bus, error))
		return EXIT_FAILURE;
	stp_radio_start(radio);

	g_main_loop_run(loop);

	stp_bus_service_stop(service);
	stp_store_close(store);
	g_dbus_connection_flush_sync(bus, NULL, NULL);
	return daemon.status;
}

static int
restore(const Options *options, GError **error)
{
	g_autofree char *kept = NULL;

	if (!stp_store_restore(options->state_dir, options->restore, &kept, error))
		return EXIT_FAILURE;
	g_print("The store in %s is the backup now.", options->state_dir);
	if (kept != NULL)
		g_print(" What was there is kept as %s.", kept);
	g_print(" Start stippled again; the pens give it what came since.\n");
	return EXIT_SUCCESS;
}

static int
serve(int argc, char **argv, Options *options)
{
	g_autoptr(GError) error = NULL;
	int status;

	if (!parse(&argc, &argv, options, &error)) {
		g_printerr("stippled: %s. See 'stippled --help'.\n", error->message);
		return EXIT_USAGE;
	}
	if (options->version) {
		g_print("stippled %s\n", STIPPLE_VERSION);
		return EXIT_SUCCESS;
	}

	stp_log_set_verbose(options->verbose);
	status = options->restore != NULL ? restore(options, &error) : run(options, &error);
	if (error != NULL)
		g_printerr("stippled: %s\n", error->message);
	return status;
}

/*
 * One heap for all threads: they take turns anyway, and each heap of its own grows and shrinks page by
 * page, with a system call each.  The store gives back what is free after each sync.
 */
static void
configure_memory(void)
{
#ifdef __GLIBC__
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_TOP_PAD, 256 * 1024);
	mallopt(M_TRIM_THRESHOLD, 4 * 1024 * 1024);
	mallopt(M_MMAP_THRESHOLD, 4 * 1024 * 1024);
#endif
}

/*
 * Woken by a pen's value it must not take the processor from those that are bringing the next ones: they
 * come in bursts, and a burst in one go costs a fraction of as many changes between processes.  The unit
 * does so, too, since this call is not allowed there.
 */
static void
configure_scheduling(void)
{
	const struct sched_param none = { 0 };

	sched_setscheduler(0, SCHED_BATCH, &none);
}

int
main(int argc, char **argv)
{
	Options options = { 0 };
	int status;

	configure_memory();
	configure_scheduling();
	setlocale(LC_ALL, "");
	status = serve(argc, argv, &options);
	g_free(options.state_dir);
	g_free(options.clock);
	g_free(options.restore);
	g_free(options.runtime_dir);
	g_strfreev(options.adapters);
	return status;
}
