/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <stdio.h>
#include <string.h>

#include <json-glib/json-glib.h>

#include "failure.h"
#include "output.h"
#include "text.h"

struct known {
	const char *name;	/* of the D-Bus error */
	int exit_code;
	const char *code, *message, *hint;
};

#define ERROR "org.stipple1.Error."
#define BUS "org.freedesktop.DBus.Error."
#define START "Start it with 'systemctl start stippled'; 'journalctl -u stippled' says why it does not run."
#define POLICY "Run this as a member of the group 'stipple', or as root."

/* The messages stand in where an error comes without one. */
static const struct known known[] = {
	{ ERROR "InvalidArgument", EXIT_USAGE, "invalid-argument", "The daemon does not take these arguments.",
	  "Check the command against 'stipplectl help'." },
	{ ERROR "NotFound", EXIT_NOT_FOUND, "not-found", "There is no such pen or session.",
	  "'stipplectl pens list' and 'stipplectl sessions list' show what there is." },
	{ ERROR "Denied", EXIT_DENIED, "denied", "The daemon does not let you do this.", POLICY },
	{ ERROR "Busy", EXIT_FAILED, "busy", "Something that excludes this is under way.",
	  "Try again when it has ended; 'stipplectl monitor' shows it." },
	{ ERROR "NoAdapter", EXIT_FAILED, "no-adapter", "There is no usable Bluetooth adapter.",
	  "Plug one in or switch it on: 'bluetoothctl list', 'rfkill list bluetooth'." },
	{ ERROR "NoBluetooth", EXIT_FAILED, "no-bluetooth", "The Bluetooth service does not run.",
	  "Start it with 'systemctl start bluetooth'." },
	{ ERROR "LinkFailed", EXIT_FAILED, "link-failed", "The link to the pen failed.",
	  "Bring the pen closer and wake it; it is tried again by itself." },
	{ ERROR "PairingFailed", EXIT_FAILED, "pairing-failed", "The pen could not be paired.",
	  "Hold the pen's button until it is ready to pair, then run 'stipplectl pens add' again." },
	{ ERROR "ProtocolFailed", EXIT_FAILED, "protocol-failed", "The pen does not keep to the protocol.",
	  "Note its firmware ('stipplectl pens show') and report it; what it already sent is safe." },
	{ ERROR "StoreFailed", EXIT_FAILED, "store-failed", "The store cannot be read or written.",
	  "'stipplectl status' and 'journalctl -u stippled' say more; the pens keep their records." },
	{ ERROR "StoreFull", EXIT_FAILED, "store-full", "There is no room in the store.",
	  "Free some space; what was acknowledged is safe, and the pens keep the rest." },
	{ ERROR "Incomplete", EXIT_INTEGRITY, "incomplete", "Records are missing.",
	  "'stipplectl sync' fetches them, 'stipplectl coverage' says which." },
	{ ERROR "Cancelled", EXIT_FAILED, "cancelled", "It was cancelled.",
	  "What arrived is kept; run it again for the rest." },
	{ ERROR "NoSlot", EXIT_FAILED, "no-slot", "The Bluetooth adapter carries no further connection.",
	  "Wait until a link has ended, or plug in a second adapter: 'stipplectl status' shows what each carries." },
	{ ERROR "PenForgotBond", EXIT_FAILED, "pen-forgot-bond", "The pen does not know this host any more.",
	  "Open the pen's pairing window and run 'stipplectl pens repair'." },
	{ ERROR "HostLostBond", EXIT_FAILED, "host-lost-bond", "This host lost its key for the pen.",
	  "Open the pen's pairing window and run 'stipplectl pens repair'." },
	{ ERROR "NoBond", EXIT_FAILED, "no-bond", "The pen is not paired with this host.",
	  "Open the pen's pairing window and run 'stipplectl pens repair'." },
	{ ERROR "NoRoomForBond", EXIT_FAILED, "no-room-for-bond", "The pen's list of hosts is full.",
	  "Delete a host at the pen, then run 'stipplectl pens repair'." },
	{ ERROR "BondTooWeak", EXIT_FAILED, "bond-too-weak", "The pen was paired without a code.",
	  "Run 'stipplectl pens repair' to pair with a code." },
	{ BUS "AccessDenied", EXIT_DENIED, "denied", "The system bus does not let you speak to stippled.", POLICY },
	{ BUS "AuthFailed", EXIT_DENIED, "denied", "The system bus does not let you in.", POLICY },
	{ BUS "InteractiveAuthorizationRequired", EXIT_DENIED, "denied", "This takes an authorisation.", POLICY },
	{ BUS "ServiceUnknown", EXIT_UNREACHABLE, "no-daemon", "stippled does not run.", START },
	{ BUS "NameHasNoOwner", EXIT_UNREACHABLE, "no-daemon", "stippled does not run.", START },
	{ BUS "TimedOut", EXIT_UNREACHABLE, "timeout", "stippled did not start in time.", START },
	{ BUS "NoReply", EXIT_UNREACHABLE, "timeout", "stippled did not answer in time, or it went away.",
	  "See 'systemctl status stippled', then try again." },
	{ BUS "Timeout", EXIT_UNREACHABLE, "timeout", "stippled did not answer in time.",
	  "See 'systemctl status stippled', then try again." },
	{ BUS "Disconnected", EXIT_UNREACHABLE, "no-bus", "The system bus went away.",
	  "See 'systemctl status dbus', then try again." },
	{ BUS "NoServer", EXIT_UNREACHABLE, "no-bus", "There is no system bus to reach stippled on.",
	  "Start dbus, or set DBUS_SYSTEM_BUS_ADDRESS." },
	{ BUS "UnknownMethod", EXIT_FAILED, "unknown-call", "The stippled that runs does not know this call.",
	  "Restart it ('systemctl restart stippled'), so that it is of the same version as this program." },
	{ BUS "UnknownInterface", EXIT_FAILED, "unknown-call", "The stippled that runs does not know this call.",
	  "Restart it ('systemctl restart stippled'), so that it is of the same version as this program." },
	{ BUS "UnknownObject", EXIT_NOT_FOUND, "not-found", "The pen is not enrolled any more.",
	  "'stipplectl pens list' shows the pens." },
};

static const struct known *
look_up(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
		if (!strcmp(known[i].name, name))
			return &known[i];
	}
	return NULL;
}

/* The bus itself could not be reached, or a call timed out on our side. */
static const char *
local_error_name(const GError *error)
{
	if (error->domain != G_IO_ERROR)
		return NULL;
	switch ((int)error->code) {
	case G_IO_ERROR_TIMED_OUT:
		return BUS "Timeout";
	case G_IO_ERROR_CLOSED:
	case G_IO_ERROR_BROKEN_PIPE:
		return BUS "Disconnected";
	case G_IO_ERROR_PERMISSION_DENIED:
		return BUS "AuthFailed";
	case G_IO_ERROR_CANCELLED:
		return ERROR "Cancelled";
	default:
		return BUS "NoServer";
	}
}

/* Errors of a service that could not be started come under many names. */
static const char *
simplify(const char *name)
{
	if (g_str_has_prefix(name, BUS "Spawn.") || g_str_has_prefix(name, "org.freedesktop.systemd1."))
		return BUS "ServiceUnknown";
	return name;
}

/*
 * The daemon words its errors for people: what happened, then what to do next, at times set off with two blanks.
 * Where it has its own hint there is no other, as two might contradict each other.
 */
static void
take_words(struct failure *failure, const char *words)
{
	const char *end = strstr(words, ".  ");

	if (!end)
		end = strstr(words, ". ");
	if (end) {
		g_autofree char *message = g_strndup(words, (gsize)(end - words) + 1);

		failure->message = text_sentence(message);
		failure->own_hint = g_strchug(g_strdup(end + 1));
		failure->hint = failure->own_hint;
		return;
	}
	failure->message = text_sentence(words);
	if (text_count_sentences(failure->message) > 1)
		failure->hint = "";
}

void
failure_init(struct failure *failure, const GError *error)
{
	g_autofree char *remote = g_dbus_error_get_remote_error(error);
	const char *name = remote ? simplify(remote) : local_error_name(error);
	const struct known *entry = name ? look_up(name) : NULL;
	g_autoptr(GError) plain = g_error_copy(error);

	g_dbus_error_strip_remote_error(plain);
	g_strstrip(plain->message);
	*failure = (struct failure){ .exit_code = EXIT_FAILED, .code = "failed",
				     .hint = "'journalctl -u stippled' may say more." };
	if (entry) {
		failure->exit_code = entry->exit_code;
		failure->code = entry->code;
		failure->hint = entry->hint;
	}
	if (remote && g_str_has_prefix(remote, ERROR) && plain->message[0])
		take_words(failure, plain->message);
	else
		failure->message = entry ? g_strdup(entry->message) : text_sentence(plain->message);
}

void
failure_clear(struct failure *failure)
{
	g_clear_pointer(&failure->message, g_free);
	g_clear_pointer(&failure->own_hint, g_free);
}

char *
failure_text(const struct failure *failure)
{
	if (!failure->hint || !*failure->hint)
		return g_strdup(failure->message);
	return g_strdup_printf("%s %s", failure->message, failure->hint);
}

static int
report(struct cli *cli, const struct failure *failure)
{
	if (cli->json != JSON_OFF && !cli->data_on_stdout) {
		JsonObject *error = json_object_new();

		json_object_set_string_member(error, "code", failure->code);
		json_object_set_string_member(error, "message", failure->message);
		json_object_set_string_member(error, "hint", failure->hint ? failure->hint : "");
		if (cli->errors) {
			json_array_add_object_element(cli->errors, error);
			return failure->exit_code;
		}
		JsonObject *document = output_new_document();

		json_object_set_object_member(document, "error", error);
		output_json(cli, document);
	} else {
		g_autofree char *sentence = failure_text(failure);
		g_autofree char *clean = text_clean(sentence);

		fflush(stdout);
		fprintf(stderr, "stipplectl: %s\n", clean);
	}
	return failure->exit_code;
}

int
cli_fail_error(struct cli *cli, const GError *error)
{
	struct failure failure;

	failure_init(&failure, error);
	if (cli->verbose) {
		g_autofree char *reported = text_clean(error->message);

		fprintf(stderr, "stipplectl: as reported: %s\n", reported);
	}

	int code = report(cli, &failure);

	failure_clear(&failure);
	return code;
}

int
cli_fail(struct cli *cli, int exit_code, const char *code, const char *hint, const char *format, ...)
{
	struct failure failure = { .exit_code = exit_code, .code = code, .hint = hint };
	va_list arguments;

	va_start(arguments, format);
	failure.message = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	report(cli, &failure);
	failure_clear(&failure);
	return exit_code;
}
