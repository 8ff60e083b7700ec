/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <string.h>

#include "pensim-options.h"
#include "sample-csv.h"

static const char summary[] =
	"Simulated derma pens behind bluetoothd: each pen is a GATT server and an advertisement on an\n"
	"adapter of its own, on the system bus (DBUS_SYSTEM_BUS_ADDRESS points elsewhere). Every event\n"
	"is a JSON object on a line of standard output. SIGTERM and SIGINT end it cleanly; SIGUSR1 holds the\n"
	"pens' buttons (--pairing-window), SIGUSR2 starts their motors, and the next one ends that session.";

static const char description[] =
	"PEN counts from 1, in the order of the adapters; RECORD is a record number, from 1.\n"
	"\n"
	"Events: ready (a pen is on the air), started (all are), passkey, connected, mtu, disconnected,\n"
	"refused (a second central), collector (a slot was taken), acknowledged, motor, new-record,\n"
	"identify, button, pairing (its window), erased, overrun, settings, reboot, fault, bluez-lost, bluez-back, stopped.\n"
	"\n"
	"A session of 180,000 samples on the first pen, its link dropped in the middle, once:\n"
	"  stipple-pensim --pens 3 --csv 1:session.csv.xz --drop-after 1:100000\n"
	"\n"
	"Exit status: 0 ended by a signal; 1 failure; 3 no adapter, or too few; 4 no bus or no\n"
	"bluetoothd; 5 registration refused; 64 usage.";

/* The command line as GOption leaves it. */
typedef struct {
	char *adapters, *seed, *epoch, *samples, *serial_base, *state, *truth, *passkeys, *capability,
		*advert, *bonds;
	char **csv;
	int pens, sessions, period, mtu, window, part, capacity, live, motor, rate, wait, delay, pairing;
	gboolean open, unchained, attended, updated, no_acquire, no_default_agent;
	char **announce, **drop, **stall, **lose, **lose_live, **stray, **flip, **truncate, **bad_depth, **unknown_type;
} RawOptions;

static void
raw_clear(RawOptions *raw)
{
	char **texts[] = { &raw->adapters, &raw->seed,  &raw->epoch,    &raw->samples,    &raw->serial_base,
			   &raw->state,    &raw->truth, &raw->passkeys, &raw->capability, &raw->advert, &raw->bonds };
	char ***lists[] = {
		&raw->csv,   &raw->announce, &raw->drop,     &raw->stall,     &raw->lose,     &raw->lose_live,
		&raw->stray, &raw->flip,     &raw->truncate, &raw->bad_depth, &raw->unknown_type
	};

	for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
		g_clear_pointer(texts[i], g_free);
	for (guint i = 0; i < G_N_ELEMENTS(lists); i++)
		g_clear_pointer(lists[i], g_strfreev);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RawOptions, raw_clear)

static gboolean
read_command_line(int argc, char **argv, RawOptions *raw, GError **error)
{
	const GOptionEntry entries[] = {
		{ "adapters", 0, 0, G_OPTION_ARG_STRING, &raw->adapters,
		  "Adapters of the pens, in order (all but hci0)", "hci1,hci2" },
		{ "pens", 0, 0, G_OPTION_ARG_INT, &raw->pens, "Number of pens (one per adapter)", "N" },
		{ "serial-base", 0, 0, G_OPTION_ARG_STRING, &raw->serial_base,
		  "Serial of the first pen; the others count up from it (DP26-1001)", "SERIAL" },
		{ "seed", 0, 0, G_OPTION_ARG_STRING, &raw->seed, "Seed of all that is random (1)", "N" },
		{ "epoch", 0, 0, G_OPTION_ARG_STRING, &raw->epoch, "Log epoch of each pen (random)", "N" },
		{ "sessions", 0, 0, G_OPTION_ARG_INT, &raw->sessions, "Sessions of each pen (6)", "N" },
		{ "samples", 0, 0, G_OPTION_ARG_STRING, &raw->samples,
		  "Samples of a session, or their range (600-3000)", "N[-N]" },
		{ "period", 0, 0, G_OPTION_ARG_INT, &raw->period, "Between samples (100)", "MS" },
		{ "csv", 0, 0, G_OPTION_ARG_STRING_ARRAY, &raw->csv,
		  "One more session of that pen, read from a CSV file, plain or .xz", "PEN:FILE" },
		{ "part-samples", 0, 0, G_OPTION_ARG_INT, &raw->part,
		  "Longer sessions are split into parts (360000)", "N" },
		{ "capacity", 0, 0, G_OPTION_ARG_INT, &raw->capacity,
		  "Size of each log; a full one overwrites (16384)", "KIB" },
		{ "live-session", 0, 0, G_OPTION_ARG_INT, &raw->live,
		  "Each pen finishes a new session that long after the start", "SECONDS" },
		{ "motor-on", 0, 0, G_OPTION_ARG_INT, &raw->motor,
		  "How long the motor runs for it, with an event as it starts (1, without)", "SECONDS" },
		{ "recorded-rate", 0, 0, G_OPTION_ARG_INT, &raw->rate,
		  "How fast it ran by its record, in 0.1 Hz; else as fast as live", "DHZ" },
		{ "mtu", 0, 0, G_OPTION_ARG_INT, &raw->mtu, "Largest ATT MTU to use (517)", "N" },
		{ "window", 0, 0, G_OPTION_ARG_INT, &raw->window, "Largest window to grant (128)", "N" },
		{ "state", 0, 0, G_OPTION_ARG_FILENAME, &raw->state,
		  "Keep records and collectors' slots there; started again, the pens go on from it", "DIR" },
		{ "truth", 0, 0, G_OPTION_ARG_FILENAME, &raw->truth,
		  "Write down what the pens were given: DIR/SERIAL/EPOCH-NUMBER.csv, sessions.tsv, "
		  "records.tsv",
		  "DIR" },
		{ "passkey-dir", 0, 0, G_OPTION_ARG_FILENAME, &raw->passkeys,
		  "Also write each passkey to DIR/SERIAL", "DIR" },
		{ "wait", 0, 0, G_OPTION_ARG_INT, &raw->wait,
		  "Wait that long for bluetoothd and the adapters (0)", "SECONDS" },
		{ "unchained", 0, 0, G_OPTION_ARG_NONE, &raw->unchained,
		  "Older pens: records without hashes, sessions without seals", NULL },
		{ "open", 0, 0, G_OPTION_ARG_NONE, &raw->open, "Ask for no bond", NULL },
		{ "pairing-window", 0, 0, G_OPTION_ARG_INT, &raw->pairing,
		  "The window is closed; SIGUSR1 holds each pen's button, which opens it that long, or closes it (always open)",
		  "SECONDS" },
		{ "bonds", 0, 0, G_OPTION_ARG_STRING, &raw->bonds,
		  "free, full (no room for another host), none (pairs with nobody)", "STATE" },
		{ "attended", 0, 0, G_OPTION_ARG_NONE, &raw->attended,
		  "Somebody is there, who presses the button when a host is refused for want of it", NULL },
		{ "capability", 0, 0, G_OPTION_ARG_STRING, &raw->capability,
		  "What the pens can show and ask (DisplayOnly)", "CAPABILITY" },
		{ "no-default-agent", 0, 0, G_OPTION_ARG_NONE, &raw->no_default_agent,
		  "Do not ask to be the default agent", NULL },
		{ "updated", 0, 0, G_OPTION_ARG_NONE, &raw->updated,
		  "As after an update of the firmware: the characteristics are elsewhere", NULL },
		{ "no-acquire", 0, 0, G_OPTION_ARG_NONE, &raw->no_acquire,
		  "Send Log Data by signals only, never through a descriptor", NULL },
		{ "advert", 0, 0, G_OPTION_ARG_STRING, &raw->advert,
		  "full, rotate, data (UUID left to the adapter), uuid; auto takes the first that fits",
		  "FORM" },
		{ NULL }
	};
	const GOptionEntry faults[] = {
		{ "drop-after", 0, 0, G_OPTION_ARG_STRING_ARRAY, &raw->drop,
		  "End the link once so many bytes of Log Data were sent in a connection; the first time, or "
		  "always",
		  "PEN:BYTES[:always]" },
		{ "announce-after", 0, 0, G_OPTION_ARG_STRING_ARRAY, &raw->announce,
		  "Do nothing wrong there, but say so", "PEN:BYTES[:always]" },
		{ "stall-after", 0, 0, G_OPTION_ARG_STRING_ARRAY, &raw->stall,
		  "Send nothing more from there on, but keep the link", "PEN:BYTES[:always]" },
		{ "lose-segment", 0, 0, G_OPTION_ARG_STRING_ARRAY, &raw->lose,
		  "Do not send every Nth value of Log Data", "PEN:N" },
		{ "lose-live", 0, 0, G_OPTION_ARG_STRING_ARRAY, &raw->lose_live,
		  "Do not send every Nth live frame", "PEN:N" },
		{ "stray-answer", 0, 0, G_OPTION_ARG_STRING_ARRAY, &raw->stray,
		  "After the first answer of a connection, send one nobody asked for", "PEN" },
		{ "first-answer-delay", 0, 0, G_OPTION_ARG_INT, &raw->delay,
		  "All pens: before the first answer of a connection", "MS" },
		{ "flip", 0, 0, G_OPTION_ARG_STRING_ARRAY, &raw->flip,
		  "Flip one bit of the stored record; LIST keeps the right checksum", "PEN:RECORD" },
		{ "truncate", 0, 0, G_OPTION_ARG_STRING_ARRAY, &raw->truncate,
		  "Cut the record to half; LIST tells the length that is left", "PEN:RECORD" },
		{ "bad-depth", 0, 0, G_OPTION_ARG_STRING_ARRAY, &raw->bad_depth,
		  "Add a block with a depth above 5000 um; all checksums hold", "PEN:RECORD" },
		{ "unknown-type", 0, 0, G_OPTION_ARG_STRING_ARRAY, &raw->unknown_type,
		  "Make the record one of type 99; all checksums hold", "PEN:RECORD" },
		{ NULL }
	};
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	GOptionGroup *group = g_option_group_new("faults", "Faults, each may be given several times:",
						 "Show the faults pens can have", NULL, NULL);

	g_option_context_set_summary(context, summary);
	g_option_context_set_description(context, description);
	g_option_context_add_main_entries(context, entries, NULL);
	g_option_group_add_entries(group, faults);
	g_option_context_add_group(context, group);
	if (!g_option_context_parse(context, &argc, &argv, error))
		return FALSE;
	if (argc == 1)
		return TRUE;
	g_set_error(error, SIM_ERROR, SIM_ERROR_USAGE, "\"%s\" is not an option.", argv[1]);
	return FALSE;
}

static gboolean
in_range(const char *name, int value, int low, int high, GError **error)
{
	if (value >= low && value <= high)
		return TRUE;
	g_set_error(error, SIM_ERROR, SIM_ERROR_USAGE, "--%s %d: expected %d to %d.", name, value, low, high);
	return FALSE;
}

static gboolean
check_ranges(const RawOptions *raw, GError **error)
{
	return in_range("pens", raw->pens, 0, 1000, error) &&
	       in_range("sessions", raw->sessions, 0, 100000, error) &&
	       in_range("period", raw->period, STP_PERIOD_MIN_MS, STP_PERIOD_MAX_MS, error) &&
	       in_range("mtu", raw->mtu, STP_ATT_MTU_MIN, STP_ATT_MTU_MAX, error) &&
	       in_range("window", raw->window, 1, STP_WINDOW_MAX, error) &&
	       in_range("part-samples", raw->part, 1, 1000000, error) &&
	       in_range("capacity", raw->capacity, 1, 1048576, error) &&
	       in_range("live-session", raw->live, 0, 86400, error) &&
	       in_range("motor-on", raw->motor, 0, raw->live, error) &&
	       in_range("recorded-rate", raw->rate, 0, 5000, error) &&
	       in_range("pairing-window", raw->pairing, 0, 86400, error) &&
	       in_range("wait", raw->wait, 0, 3600, error) &&
	       in_range("first-answer-delay", raw->delay, 0, 3600000, error);
}

static gboolean
parse_samples(const char *text, PensimOptions *options, GError **error)
{
	g_auto(GStrv) part = g_strsplit(text, "-", 2);
	guint64 low, high;

	if (!g_ascii_string_to_unsigned(part[0], 10, 0, 1000000, &low, NULL) ||
	    !g_ascii_string_to_unsigned(part[1] ? part[1] : part[0], 10, low, 1000000, &high, NULL)) {
		g_set_error(error, SIM_ERROR, SIM_ERROR_USAGE,
			    "--samples %s: expected a number up to 1000000, or two as 600-3000.", text);
		return FALSE;
	}
	options->samples_min = (guint)low;
	options->samples_max = (guint)high;
	return TRUE;
}

static gboolean
read_recording(const char *value, PensimOptions *options, GError **error)
{
	const char *colon = strchr(value, ':');
	g_autofree char *pen = g_strndup(value, colon ? (gsize)(colon - value) : 0);
	GPtrArray *of_pen;
	guint64 number;
	GArray *samples;

	if (!g_ascii_string_to_unsigned(pen, 10, 1, 1000, &number, NULL)) {
		g_set_error(error, SIM_ERROR, SIM_ERROR_USAGE, "--csv %s: expected PEN:FILE, the pen from 1.",
			    value);
		return FALSE;
	}
	samples = sample_csv_read(colon + 1, error);
	if (!samples)
		return FALSE;
	of_pen = g_hash_table_lookup(options->recordings, GUINT_TO_POINTER(number));
	if (!of_pen) {
		of_pen = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
		g_hash_table_insert(options->recordings, GUINT_TO_POINTER(number), of_pen);
	}
	g_ptr_array_add(of_pen, samples);
	return TRUE;
}

static gboolean
read_faults(const RawOptions *raw, SimFaults *faults, GError **error)
{
	const struct {
		const char *name;
		char **values;
	} given[] = {
		{ "announce-after", raw->announce },   { "drop-after", raw->drop },
		{ "stall-after", raw->stall },         { "lose-segment", raw->lose },
		{ "lose-live", raw->lose_live },
		{ "stray-answer", raw->stray },        { "flip", raw->flip },
		{ "truncate", raw->truncate },         { "bad-depth", raw->bad_depth },
		{ "unknown-type", raw->unknown_type },
	};

	for (guint i = 0; i < G_N_ELEMENTS(given); i++) {
		for (char **value = given[i].values; value && *value; value++) {
			if (!sim_faults_parse(faults, given[i].name, *value, error))
				return FALSE;
		}
	}
	faults->answer_delay_ms = (guint)raw->delay;
	return TRUE;
}

static gboolean
parse_bonds(const char *text, PensimOptions *options, GError **error)
{
	static const char *const names[] = { "free", "full", "none" };

	for (guint i = 0; text && i < G_N_ELEMENTS(names); i++) {
		if (strcmp(text, names[i]) == 0) {
			options->bonds = (PensimBonds)i;
			return TRUE;
		}
	}
	if (!text)
		return TRUE;
	g_set_error(error, SIM_ERROR, SIM_ERROR_USAGE, "--bonds %s: expected free, full or none.", text);
	return FALSE;
}

static gboolean
interpret(RawOptions *raw, PensimOptions *options, GError **error)
{
	const char *seed = raw->seed ? raw->seed : "1";
	guint64 epoch;

	if (!check_ranges(raw, error) || !parse_bonds(raw->bonds, options, error) ||
	    !parse_samples(raw->samples ? raw->samples : "600-3000", options, error))
		return FALSE;
	if (!g_ascii_string_to_unsigned(seed, 10, 0, G_MAXUINT64, &options->seed, NULL)) {
		g_set_error(error, SIM_ERROR, SIM_ERROR_USAGE, "--seed %s: expected a number.", seed);
		return FALSE;
	}
	if (!g_ascii_string_to_unsigned(raw->epoch ? raw->epoch : "0", 10, 0, G_MAXUINT32, &epoch, NULL)) {
		g_set_error(error, SIM_ERROR, SIM_ERROR_USAGE, "--epoch %s: expected a number up to %u.",
			    raw->epoch, G_MAXUINT32);
		return FALSE;
	}
	options->epoch = (guint32)epoch;
	if (raw->advert && !pen_advert_form_parse(raw->advert, &options->advert)) {
		g_set_error(error, SIM_ERROR, SIM_ERROR_USAGE,
			    "--advert %s: expected auto, full, rotate, data or uuid.", raw->advert);
		return FALSE;
	}
	for (char **value = raw->csv; value && *value; value++) {
		if (!read_recording(*value, options, error))
			return FALSE;
	}
	return read_faults(raw, options->faults, error);
}

PensimOptions *
pensim_options_parse(int argc, char **argv, GError **error)
{
	g_auto(RawOptions) raw = {
		.sessions = 6, .period = 100, .mtu = STP_ATT_MTU_MAX, .window = STP_WINDOW_MAX, .part = 360000,
		.capacity = 16384
	};
	g_autoptr(PensimOptions) options = g_new0(PensimOptions, 1);

	options->faults = sim_faults_new();
	options->recordings = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_ptr_array_unref);
	if (!read_command_line(argc, argv, &raw, error) || !interpret(&raw, options, error))
		return NULL;
	options->adapters = raw.adapters ? g_strsplit(raw.adapters, ",", -1) : NULL;
	options->pens = (guint)raw.pens;
	options->sessions = (guint)raw.sessions;
	options->period_ms = (guint)raw.period;
	options->mtu_max = (guint)raw.mtu;
	options->window_max = (guint)raw.window;
	options->part_samples = (gsize)raw.part;
	options->capacity_kb = (guint32)raw.capacity;
	options->serial_base = raw.serial_base ? g_steal_pointer(&raw.serial_base) : g_strdup("DP26-1001");
	options->state_dir = g_steal_pointer(&raw.state);
	options->truth_dir = g_steal_pointer(&raw.truth);
	options->passkey_dir = g_steal_pointer(&raw.passkeys);
	options->capability = raw.capability ? g_steal_pointer(&raw.capability) : g_strdup("DisplayOnly");
	options->live_session_s = (guint)raw.live;
	options->motor_ms = raw.motor > 0 ? (guint)raw.motor * 1000 : MIN((guint)raw.live * 500, 1000);
	options->motor_event = raw.motor > 0;
	options->recorded_rate_dhz = raw.rate > 0 ? (guint16)raw.rate : SIM_LIVE_RATE_DHZ;
	options->wait_s = (guint)raw.wait;
	options->pairing_s = (guint)raw.pairing;
	options->open = raw.open;
	options->unchained = raw.unchained;
	options->attended = raw.attended;
	options->no_acquire = raw.no_acquire;
	options->updated = raw.updated;
	options->no_default_agent = raw.no_default_agent;
	return g_steal_pointer(&options);
}

void
pensim_options_free(PensimOptions *options)
{
	if (!options)
		return;
	g_strfreev(options->adapters);
	g_hash_table_unref(options->recordings);
	sim_faults_free(options->faults);
	g_free(options->serial_base);
	g_free(options->state_dir);
	g_free(options->truth_dir);
	g_free(options->passkey_dir);
	g_free(options->capability);
	g_free(options);
}

char *
pensim_options_serial(const PensimOptions *options, guint pen, GError **error)
{
	const char *base = options->serial_base;
	gsize prefix = strlen(base), digits;

	while (prefix > 0 && g_ascii_isdigit(base[prefix - 1]))
		prefix--;
	digits = strlen(base) - prefix;
	if (digits < 1 || digits > 18) {
		g_set_error(error, SIM_ERROR, SIM_ERROR_USAGE,
			    "--serial-base %s: expected it to end in 1 to 18 digits.", base);
		return NULL;
	}
	return g_strdup_printf("%.*s%0*" G_GUINT64_FORMAT, (int)prefix, base, (int)digits,
			       g_ascii_strtoull(base + prefix, NULL, 10) + pen - 1);
}
