/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* stipple-pensim: simulated pens behind bluetoothd.  Wiring; 'stipple-pensim --help' tells the rest. */

#include <gio/gio.h>
#include <glib-unix.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pen-agent.h"
#include "pen-station.h"
#include "pensim-adapters.h"
#include "pensim-options.h"
#include "pensim-voice.h"
#include "sample-csv.h"
#include "sim-story.h"
#include "sim-truth.h"

#define BLUEZ_BACK_MS 20000
#define LEAVE_MS      2000

struct program {
	PensimOptions *options;
	GMainLoop *loop;
	GDBusConnection *bus;
	SimTruth *truth;
	GPtrArray *pens, *stations;
	PenAgent *agent;
	guint ready, pairing_timer;
	gboolean bluez_lost, working, leaving;
	int status;
};

static int
complain(int status, GError *error)
{
	g_dbus_error_strip_remote_error(error);
	fprintf(stderr, "stipple-pensim: %s\n", error->message);
	return status;
}

static void
fail(struct program *program, int status, GError *error)
{
	program->status = complain(status, error);
	g_main_loop_quit(program->loop);
}

/* ---- pens ---- */

static PenStation *
station_of(struct program *program, const SimPen *pen)
{
	for (guint i = 0; i < program->stations->len; i++) {
		PenStation *station = g_ptr_array_index(program->stations, i);

		if (pen_station_pen(station) == pen)
			return station;
	}
	return NULL;
}

static void
say_fault(const SimPen *pen, const SimEvent *event)
{
	if (event->record > 0)
		pensim_say("fault", sim_pen_serial(pen), "fault", g_variant_new_string(event->fault),
			   "record", g_variant_new_uint32(event->record), NULL);
	else
		pensim_say("fault", sim_pen_serial(pen), "fault", g_variant_new_string(event->fault), "bytes",
			   g_variant_new_uint64(event->bytes), NULL);
}

static void
on_pen_event(SimPen *pen, const SimEvent *event, gpointer data)
{
	struct program *program = data;
	PenStation *station = station_of(program, pen);
	const char *serial = sim_pen_serial(pen);

	switch (event->kind) {
	case SIM_EVENT_COLLECTOR:
		pensim_say("collector", serial, "slot", g_variant_new_uint32(event->slot), "epoch",
			   g_variant_new_uint32(event->epoch), NULL);
		break;
	case SIM_EVENT_ACKNOWLEDGED:
		pensim_say("acknowledged", serial, "slot", g_variant_new_uint32(event->slot), "epoch",
			   g_variant_new_uint32(event->epoch), "mark", g_variant_new_uint32(event->mark),
			   NULL);
		break;
	case SIM_EVENT_NEW_RECORD:
		/* Those of the past are counted by "ready". */
		if (station)
			pensim_say("new-record", serial, "record", g_variant_new_uint32(event->record), NULL);
		break;
	case SIM_EVENT_MOTOR:
		pensim_say("motor", serial, "on", g_variant_new_boolean(event->on), NULL);
		break;
	case SIM_EVENT_FAULT:
		say_fault(pen, event);
		break;
	case SIM_EVENT_IDENTIFY:
		pensim_say("identify", serial, "seconds", g_variant_new_uint32(event->seconds), NULL);
		break;
	case SIM_EVENT_BUTTON:
		pensim_say("button", serial, NULL);
		break;
	case SIM_EVENT_ERASED:
		pensim_say("erased", serial, "up-to", g_variant_new_uint32(event->record), NULL);
		break;
	case SIM_EVENT_OVERRUN:
		pensim_say("overrun", serial, "records", g_variant_new_uint32(event->count), NULL);
		break;
	case SIM_EVENT_SETTINGS:
		pensim_say("settings", serial, NULL);
		break;
	case SIM_EVENT_REBOOT:
		pensim_say("reboot", serial, "boot", g_variant_new_uint32(sim_pen_boot_id(pen)), NULL);
		break;
	}
	if (station)
		pen_station_refresh(station);
}

static SimStory
story_of(const PensimOptions *options, guint number)
{
	return (SimStory){
		.seed = options->seed * 1000003u + number,
		.sessions = options->sessions,
		.samples_min = options->samples_min,
		.samples_max = options->samples_max,
		.period_ms = (guint16)options->period_ms,
		.recordings = g_hash_table_lookup(options->recordings, GUINT_TO_POINTER(number)),
		.recording_period_ms = (guint16)options->period_ms,
	};
}

/* Faults of the flash that wait for their record, then the table of records. */
static gboolean
settle(struct program *program, guint number, SimPen *pen, GError **error)
{
	return sim_faults_strike(program->options->faults, number, pen, error) &&
	       (!program->truth || sim_truth_records(program->truth, pen, error));
}

static gboolean
make_pen(struct program *program, guint number, GError **error)
{
	const PensimOptions *options = program->options;
	g_autofree char *serial = pensim_options_serial(options, number, error);
	SimStory story = story_of(options, number);
	const SimPenConfig config = {
		.serial = serial,
		.plain = options->unchained,
		.seed = story.seed,
		.epoch = options->epoch,
		.period_ms = (guint16)options->period_ms,
		.mtu_max = (guint16)options->mtu_max,
		.max_window = (guint8)options->window_max,
		.part_samples = options->part_samples,
		.capacity_kb = options->capacity_kb,
		.attended = options->attended,
		.state_dir = options->state_dir,
	};
	SimPen *pen;

	if (!serial)
		return FALSE;
	pen = sim_pen_new(&config, error);
	if (!pen)
		return FALSE;
	g_ptr_array_add(program->pens, pen);
	sim_pen_set_listener(pen, on_pen_event, program);
	if (!sim_pen_is_restored(pen) && !sim_story_tell(&story, pen, program->truth, error))
		return FALSE;
	if (!settle(program, number, pen, error))
		return FALSE;
	if (!sim_faults_waiting(options->faults, number) || options->live_session_s > 0)
		return TRUE;
	g_set_error(error, SIM_ERROR, SIM_ERROR_USAGE,
		    "A fault is asked for in a record that pen %u does not have; it has 1 to %u.", number,
		    sim_flash_newest(sim_pen_flash(pen)));
	return FALSE;
}

static gboolean
make_pens(struct program *program, guint count, GError **error)
{
	guint named = sim_faults_highest_pen(program->options->faults);
	GHashTableIter iter;
	gpointer number;

	g_hash_table_iter_init(&iter, program->options->recordings);
	while (g_hash_table_iter_next(&iter, &number, NULL))
		named = MAX(named, GPOINTER_TO_UINT(number));
	if (named > count) {
		g_set_error(error, SIM_ERROR, SIM_ERROR_USAGE,
			    "Pen %u is named on the command line, but there are only %u.", named, count);
		return FALSE;
	}
	for (guint i = 1; i <= count; i++) {
		if (!make_pen(program, i, error))
			return FALSE;
	}
	return TRUE;
}

/* ---- live sessions ---- */

static gboolean
motor_starts(gpointer data)
{
	struct program *program = data;

	for (guint i = 0; i < program->pens->len; i++) {
		SimPen *pen = g_ptr_array_index(program->pens, i);
		struct stp_event event = { .code = STP_EVENT_BATTERY_LOW, .arg = 14, .severity = 1 };

		sim_pen_set_motor(pen, TRUE);
		/* Something to come for, and to be refused. */
		if (program->options->motor_event)
			sim_pen_add_event(pen, sim_pen_boot_id(pen), sim_pen_tick_ms(pen), &event, NULL);
	}
	return G_SOURCE_REMOVE;
}

static gboolean
session_ends(gpointer data)
{
	struct program *program = data;
	g_autoptr(GError) error = NULL;

	for (guint i = 0; i < program->pens->len; i++) {
		SimStory story = story_of(program->options, i + 1);
		SimPen *pen = g_ptr_array_index(program->pens, i);

		sim_pen_set_motor(pen, FALSE);
		if (!sim_story_add_worked(&story, story.seed ^ sim_flash_newest(sim_pen_flash(pen)),
					  program->options->recorded_rate_dhz, pen, program->truth, &error) ||
		    !settle(program, i + 1, pen, &error)) {
			fail(program, EXIT_FAILED, error);
			break;
		}
	}
	return G_SOURCE_REMOVE;
}

/* The motor starts, or it stops and its session is over. */
static gboolean
work_or_rest(gpointer data)
{
	struct program *program = data;

	program->working = !program->working;
	for (guint i = 0; program->working && i < program->pens->len; i++)
		sim_pen_set_motor(g_ptr_array_index(program->pens, i), TRUE);
	if (!program->working)
		session_ends(program);
	return G_SOURCE_CONTINUE;
}

static void
plan_live_session(struct program *program)
{
	guint seconds = program->options->live_session_s;

	if (seconds == 0)
		return;
	/* Not for long: while the motor runs, a pen refuses to be read. */
	g_timeout_add(seconds * 1000 - program->options->motor_ms, motor_starts, program);
	g_timeout_add(seconds * 1000, session_ends, program);
}

/* ---- pairing ---- */

static void
set_pairing_open(struct program *program, gboolean open)
{
	const gboolean pairs = open && program->options->bonds == PENSIM_BONDS_FREE;

	for (guint i = 0; i < program->stations->len; i++) {
		PenStation *station = g_ptr_array_index(program->stations, i);
		SimPen *pen = pen_station_pen(station);

		sim_pen_set_pairing_open(pen, open);
		if (program->options->bonds == PENSIM_BONDS_FULL)
			sim_pen_set_bond_state(pen, STP_BOND_FULL);
		pen_station_set_pairs(station, pairs);
		pen_station_refresh(station);
		if (program->options->pairing_s > 0)
			pensim_say("pairing", sim_pen_serial(pen), "open", g_variant_new_boolean(open), NULL);
	}
}

static gboolean
pairing_closes(gpointer data)
{
	struct program *program = data;

	program->pairing_timer = 0;
	set_pairing_open(program, FALSE);
	return G_SOURCE_REMOVE;
}

static gboolean
button_is_held(gpointer data)
{
	struct program *program = data;

	if (program->options->pairing_s == 0)
		return G_SOURCE_CONTINUE;
	/* Held once more, it closes the window. */
	if (program->pairing_timer != 0) {
		g_clear_handle_id(&program->pairing_timer, g_source_remove);
		set_pairing_open(program, FALSE);
		return G_SOURCE_CONTINUE;
	}
	program->pairing_timer = g_timeout_add_seconds(program->options->pairing_s, pairing_closes, program);
	set_pairing_open(program, TRUE);
	return G_SOURCE_CONTINUE;
}

/* ---- bluetoothd ---- */

static void
show_passkey(const char *device, guint32 passkey, gpointer data)
{
	struct program *program = data;
	g_autofree char *text = g_strdup_printf("%06u", passkey);

	for (guint i = 0; i < program->stations->len; i++) {
		PenStation *station = g_ptr_array_index(program->stations, i);
		const char *serial = sim_pen_serial(pen_station_pen(station));
		g_autofree char *path = NULL;
		g_autoptr(GError) error = NULL;

		if (!pen_station_has_device(station, device))
			continue;
		pensim_say("passkey", serial, "passkey", g_variant_new_string(text), NULL);
		if (!program->options->passkey_dir)
			return;
		path = g_build_filename(program->options->passkey_dir, serial, NULL);
		if (!g_file_set_contents(path, text, -1, &error))
			complain(0, error);
		return;
	}
}

static void
device_gone(struct program *program, const char *device)
{
	for (guint i = 0; i < program->stations->len; i++)
		pen_station_device_gone(g_ptr_array_index(program->stations, i), device);
}

static void
properties_changed(GDBusConnection *bus, const char *sender, const char *path, const char *interface,
		   const char *signal, GVariant *arguments, gpointer data)
{
	g_autoptr(GVariant) changed = g_variant_get_child_value(arguments, 1);
	gboolean connected;

	if (g_variant_lookup(changed, "Connected", "b", &connected) && !connected)
		device_gone(data, path);
}

static void
interfaces_removed(GDBusConnection *bus, const char *sender, const char *path, const char *interface,
		   const char *signal, GVariant *arguments, gpointer data)
{
	g_autofree const char **interfaces = NULL;
	const char *object;

	g_variant_get(arguments, "(&o^a&s)", &object, &interfaces);
	if (g_strv_contains(interfaces, "org.bluez.Device1"))
		device_gone(data, object);
}

static void
watch_devices(struct program *program)
{
	g_dbus_connection_signal_subscribe(program->bus, "org.bluez", "org.freedesktop.DBus.Properties",
					   "PropertiesChanged", NULL, "org.bluez.Device1",
					   G_DBUS_SIGNAL_FLAGS_NONE, properties_changed, program, NULL);
	g_dbus_connection_signal_subscribe(program->bus, "org.bluez", "org.freedesktop.DBus.ObjectManager",
					   "InterfacesRemoved", NULL, NULL, G_DBUS_SIGNAL_FLAGS_NONE,
					   interfaces_removed, program, NULL);
}

static void
station_ready(PenStation *station, GError *error, gpointer data)
{
	struct program *program = data;

	if (error) {
		fail(program, EXIT_REFUSED, error);
		return;
	}
	if (++program->ready == program->stations->len)
		pensim_say("started", NULL, "pens", g_variant_new_uint32(program->ready), NULL);
}

static void
start_stations(struct program *program)
{
	g_autoptr(GError) error = NULL;

	program->ready = 0;
	if (!pen_agent_register(program->agent, &error)) {
		fail(program, EXIT_REFUSED, error);
		return;
	}
	for (guint i = 0; i < program->stations->len; i++)
		pen_station_start(g_ptr_array_index(program->stations, i), BLUEZ_BACK_MS, station_ready,
				  program);
}

static void
bluez_appeared(GDBusConnection *bus, const char *name, const char *owner, gpointer data)
{
	struct program *program = data;

	if (program->bluez_lost)
		pensim_say("bluez-back", NULL, NULL);
	program->bluez_lost = FALSE;
	start_stations(program);
}

static void
bluez_vanished(GDBusConnection *bus, const char *name, gpointer data)
{
	struct program *program = data;

	if (!bus || g_dbus_connection_is_closed(bus)) {
		g_autoptr(GError) error =
			g_error_new_literal(G_IO_ERROR, G_IO_ERROR_CLOSED,
					    "The bus has gone. Start the pens again when it is back.");

		fail(program, EXIT_NO_BLUEZ, error);
		return;
	}
	program->bluez_lost = TRUE;
	pensim_say("bluez-lost", NULL, NULL);
	for (guint i = 0; i < program->stations->len; i++)
		pen_station_lost(g_ptr_array_index(program->stations, i));
}

/* ---- the program ---- */

static void
on_left(GObject *source, GAsyncResult *result, gpointer data)
{
	g_autoptr(GVariant) answer = g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, NULL);
	struct program *program = data;

	g_main_loop_quit(program->loop);
}

/* What bluetoothd asked before it heard of this is asked before it answers this, and so is answered. */
static gboolean
stop(gpointer data)
{
	struct program *program = data;

	if (program->leaving || program->bluez_lost || g_dbus_connection_is_closed(program->bus)) {
		g_main_loop_quit(program->loop);
		return G_SOURCE_CONTINUE;
	}
	program->leaving = TRUE;
	for (guint i = 0; i < program->stations->len; i++)
		pen_station_leave(g_ptr_array_index(program->stations, i));
	g_dbus_connection_call(program->bus, "org.bluez", "/org/bluez", "org.freedesktop.DBus.Peer", "Ping", NULL,
			       NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, LEAVE_MS, NULL, on_left, program);
	return G_SOURCE_CONTINUE;
}

static void
run(struct program *program, GPtrArray *adapters)
{
	const PensimOptions *options = program->options;
	PenServiceFlags flags = 0;

	flags |= options->open ? PEN_SERVICE_OPEN : 0;
	flags |= options->updated ? PEN_SERVICE_UPDATED : 0;
	flags |= options->no_acquire ? PEN_SERVICE_NO_ACQUIRE : 0;
	program->agent = pen_agent_new(program->bus, options->capability, !options->no_default_agent,
				       show_passkey, program);
	for (guint i = 0; i < adapters->len; i++)
		g_ptr_array_add(program->stations,
				pen_station_new(program->bus, g_ptr_array_index(adapters, i),
						g_ptr_array_index(program->pens, i),
						sim_faults_link(options->faults, i + 1), flags,
						options->advert));
	set_pairing_open(program, options->pairing_s == 0);
	watch_devices(program);
	g_bus_watch_name_on_connection(program->bus, "org.bluez", G_BUS_NAME_WATCHER_FLAGS_NONE,
				       bluez_appeared, bluez_vanished, program, NULL);
	g_unix_signal_add(SIGTERM, stop, program);
	g_unix_signal_add(SIGINT, stop, program);
	g_unix_signal_add(SIGUSR1, button_is_held, program);
	g_unix_signal_add(SIGUSR2, work_or_rest, program);
	plan_live_session(program);
	g_main_loop_run(program->loop);
	if (!g_dbus_connection_is_closed(program->bus) && !program->bluez_lost) {
		for (guint i = 0; i < program->stations->len; i++)
			pen_station_stop(g_ptr_array_index(program->stations, i));
		pen_agent_unregister(program->agent);
	}
	pensim_say("stopped", NULL, NULL);
}

static int
start(struct program *program, GError **error)
{
	g_autoptr(GPtrArray) adapters = NULL;
	int status;

	program->bus = g_bus_get_sync(G_BUS_TYPE_SYSTEM, NULL, error);
	if (!program->bus) {
		g_prefix_error(error, "The system bus cannot be reached; start it, or set "
				      "DBUS_SYSTEM_BUS_ADDRESS.  ");
		return EXIT_NO_BLUEZ;
	}
	g_dbus_connection_set_exit_on_close(program->bus, FALSE);
	status = pensim_adapters_find(program->bus, program->options, &adapters, error);
	if (status != 0)
		return status;
	if (!make_pens(program, adapters->len, error))
		return g_error_matches(*error, SIM_ERROR, SIM_ERROR_USAGE) ? EXIT_USAGE : EXIT_FAILED;
	run(program, adapters);
	return program->status;
}

int
main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	struct program program = { 0 };
	int status;

	program.options = pensim_options_parse(argc, argv, &error);
	if (!program.options)
		return complain(g_error_matches(error, SAMPLE_CSV_ERROR, SAMPLE_CSV_ERROR_IO) ? EXIT_FAILED
											      : EXIT_USAGE,
				error);
	program.loop = g_main_loop_new(NULL, FALSE);
	program.pens = g_ptr_array_new_with_free_func((GDestroyNotify)sim_pen_free);
	program.stations = g_ptr_array_new_with_free_func((GDestroyNotify)pen_station_free);
	program.truth = program.options->truth_dir ? sim_truth_new(program.options->truth_dir) : NULL;
	status = start(&program, &error);
	if (error)
		complain(status, error);
	g_ptr_array_unref(program.stations);
	g_ptr_array_unref(program.pens);
	g_clear_pointer(&program.agent, pen_agent_free);
	sim_truth_free(program.truth);
	pensim_options_free(program.options);
	g_clear_object(&program.bus);
	g_main_loop_unref(program.loop);
	return status;
}
