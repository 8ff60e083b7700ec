/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* Finding, connecting and pairing over an org.bluez that misbehaves as told. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "await.h"
#include "bluez-timing.h"
#include "radio-world.h"

/* ---- the radio's state ---- */

static void
test_no_bluetoothd_and_back(void **state)
{
	struct world *world = *state;
	g_autoptr(GError) error = NULL;

	stp_radio_start(world->radio);
	WAIT_FOR(stp_radio_get_state(world->radio) == STP_RADIO_NO_BLUETOOTH);
	assert_null(world_try_connect(world, &error));
	assert_error(error, STP_ERROR_NO_BLUETOOTH, "systemctl start bluetooth");

	world->bluez = scripted_bluez_new(world->theirs);
	WAIT_FOR(stp_radio_get_state(world->radio) == STP_RADIO_SCANNING);
	assert_true(scripted_bluez_is_discovering(world->bluez));

	scripted_bluez_stop(world->bluez);
	WAIT_FOR(stp_radio_get_state(world->radio) == STP_RADIO_NO_BLUETOOTH);
	scripted_bluez_start(world->bluez);
	WAIT_FOR(stp_radio_get_state(world->radio) == STP_RADIO_SCANNING);
	assert_true(scripted_bluez_is_discovering(world->bluez));
}

static void
test_no_adapter_and_power(void **state)
{
	struct world *world = *state;
	g_autoptr(GError) error = NULL;

	scripted_bluez_set_powered(world->bluez, FALSE);
	WAIT_FOR(stp_radio_get_state(world->radio) == STP_RADIO_POWERED_OFF);
	assert_null(world_try_connect(world, &error));
	assert_error(error, STP_ERROR_NO_ADAPTER, "bluetoothctl power on");
	scripted_bluez_set_powered(world->bluez, TRUE);
	WAIT_FOR(stp_radio_get_state(world->radio) == STP_RADIO_SCANNING);
	assert_int_equal(scripted_bluez_calls(world->bluez, "StartDiscovery"), 2);

	scripted_bluez_remove_adapter(world->bluez);
	WAIT_FOR(stp_radio_get_state(world->radio) == STP_RADIO_NO_ADAPTER);
	g_clear_error(&error);
	assert_null(world_try_connect(world, &error));
	assert_error(error, STP_ERROR_NO_ADAPTER, "Plug in");
}

static void
test_discovery_in_progress_is_no_error(void **state)
{
	struct world *world = *state;

	world->bluez = scripted_bluez_new(world->theirs);
	scripted_bluez_fail(world->bluez, "StartDiscovery", "InProgress", "Operation already in progress");
	stp_radio_start(world->radio);
	WAIT_FOR(stp_radio_get_state(world->radio) == STP_RADIO_SCANNING);
}

/* ---- sightings ---- */

static void
test_sightings(void **state)
{
	struct world *world = *state;
	g_autoptr(GPtrArray) list = NULL;
	guint before;

	world_hear(world);
	assert_string_equal(world->last->address, SCRIPTED_PEN);
	assert_string_equal(world->last->name, "Stipple-0123");
	assert_int_equal(world->last->rssi, -50);
	assert_true(world->last->in_sight);
	assert_false(world->last->bonded);
	assert_true(world->last->has_status);
	assert_int_equal(world->last->status.newest_record, 7);
	assert_int_equal(world->last->status.battery_percent, 80);

	/* Heard again at once with nothing new: not told. */
	before = world->sightings;
	scripted_bluez_advertise(world->bluez, 7);
	scripted_bluez_advertise(world->bluez, 7);
	scripted_bluez_advertise(world->bluez, 8);
	WAIT_FOR(world->last->status.newest_record == 8);
	assert_int_equal(world->sightings, before + 1);

	list = stp_radio_get_sightings(world->radio);
	assert_int_equal(list->len, 1);
	assert_int_equal(((StpSighting *)list->pdata[0])->status.newest_record, 8);
}

/* ---- connecting ---- */

static void
test_unknown_pen(void **state)
{
	struct world *world = *state;
	g_autoptr(GError) error = NULL;

	assert_null(world_try_connect(world, &error));
	assert_error(error, STP_ERROR_NOT_FOUND, "Switch it on");
}

static void
test_connect_survives_passing_failures(void **state)
{
	struct world *world = *state;

	scripted_bluez_fail(world->bluez, "Connect", "Failed", "le-connection-abort-by-local");
	scripted_bluez_fail(world->bluez, "Connect", "InProgress", "In Progress");
	scripted_bluez_fail(world->bluez, "Connect", "Failed", "le-connection-unknown");
	world_connect(world);
	assert_int_equal(scripted_bluez_calls(world->bluez, "Connect"), 4);
	assert_string_equal(stp_link_get_address(world->link), SCRIPTED_PEN);
	assert_int_equal(stp_link_get_mtu(world->link), 23);
	assert_false(stp_link_get_authenticated(world->link));
}

static void
test_connect_gives_up(void **state)
{
	struct world *world = *state;
	g_autoptr(GError) error = NULL;

	world_hear(world);
	for (int i = 0; i < 20; i++)
		scripted_bluez_fail(world->bluez, "Connect", "Failed", "le-connection-abort-by-local");
	assert_null(world_try_connect(world, &error));
	assert_error(error, STP_ERROR_LINK_FAILED, "le-connection-abort-by-local");
	assert_int_equal(scripted_bluez_calls(world->bluez, "Connect"), 9);
	assert_int_equal(scripted_bluez_calls(world->bluez, "Disconnect"), 1);
}

static void
test_connect_is_cancelled(void **state)
{
	struct world *world = *state;
	g_autoptr(GCancellable) cancellable = g_cancellable_new();
	g_autoptr(GAsyncResult) first = NULL;
	g_autoptr(GAsyncResult) second = NULL;
	g_autoptr(GError) error = NULL;

	world_hear(world);
	scripted_bluez_fail(world->bluez, "Connect", NULL, NULL);
	stp_radio_connect_async(world->radio, SCRIPTED_PEN, cancellable, keep_result, &first);
	stp_radio_connect_async(world->radio, SCRIPTED_PEN, cancellable, keep_result, &second);
	WAIT_FOR(scripted_bluez_calls(world->bluez, "Connect") == 1);
	g_cancellable_cancel(cancellable);
	WAIT_FOR(first != NULL && second != NULL);
	assert_null(stp_radio_connect_finish(world->radio, first, &error));
	assert_error(error, STP_ERROR_CANCELLED, "cancelled");
	g_clear_error(&error);
	assert_null(stp_radio_connect_finish(world->radio, second, &error));
	assert_error(error, STP_ERROR_CANCELLED, "cancelled");

	/* BlueZ was told to give up, and the next one gets its turn. */
	world_connect(world);
	assert_int_equal(scripted_bluez_calls(world->bluez, "Disconnect"), 1);
	assert_int_equal(scripted_bluez_calls(world->bluez, "Connect"), 2);
}

static void
test_a_pen_that_lacks_something(void **state)
{
	struct world *world = *state;
	g_autoptr(GAsyncResult) result = NULL;
	g_autoptr(GError) error = NULL;

	world_hear(world);
	scripted_bluez_hide(world->bluez, STP_UUID_LOG_DATA);
	/* Ten seconds, then once more after connecting anew. */
	stp_radio_connect_async(world->radio, SCRIPTED_PEN, NULL, keep_result, &result);
	WAIT_FOR(scripted_bluez_calls(world->bluez, "Connect") == 2);
	WAIT_FOR(result != NULL);
	assert_null(stp_radio_connect_finish(world->radio, result, &error));
	assert_error(error, STP_ERROR_PROTOCOL_FAILED, "log-data");
	assert_int_equal(scripted_bluez_calls(world->bluez, "RemoveDevice"), 0);
	assert_false(scripted_bluez_is_connected(world->bluez));
}

static void
test_bluetoothd_ends_while_connecting(void **state)
{
	struct world *world = *state;
	g_autoptr(GAsyncResult) result = NULL;
	g_autoptr(GError) error = NULL;

	world_hear(world);
	scripted_bluez_fail(world->bluez, "Connect", NULL, NULL);
	stp_radio_connect_async(world->radio, SCRIPTED_PEN, NULL, keep_result, &result);
	WAIT_FOR(scripted_bluez_calls(world->bluez, "Connect") == 1);
	scripted_bluez_stop(world->bluez);
	WAIT_FOR(result != NULL);
	assert_null(stp_radio_connect_finish(world->radio, result, &error));
	assert_error(error, STP_ERROR_NO_BLUETOOTH, "ended");
	WAIT_FOR(stp_radio_get_state(world->radio) == STP_RADIO_NO_BLUETOOTH);
}

/* ---- pairing ---- */

static void
on_ask(guint request, const char *pen, const char *kind, guint32 passkey, gpointer user_data)
{
	struct world *world = user_data;

	assert_string_equal(pen, SCRIPTED_PEN);
	world->request = request;
	world->passkey = passkey;
	g_free(world->kind);
	world->kind = g_strdup(kind);
}

static gboolean
try_pair(struct world *world, gboolean accept, guint32 passkey, GError **error)
{
	g_autoptr(GAsyncResult) result = NULL;

	world->request = 0;
	stp_radio_pair_async(world->radio, SCRIPTED_PEN, on_ask, world, NULL, keep_result, &result);
	WAIT_FOR(world->request != 0 || result != NULL);
	if (world->request != 0) {
		stp_radio_answer_pairing(world->radio, world->request + 1, TRUE, 1);
		stp_radio_answer_pairing(world->radio, world->request, accept, passkey);
		stp_radio_answer_pairing(world->radio, world->request, accept, 999999);
	}
	WAIT_FOR(result != NULL);
	return stp_radio_pair_finish(world->radio, result, error);
}

static void
test_pairing_by_passkey(void **state)
{
	struct world *world = *state;
	g_autoptr(GError) error = NULL;

	world_hear(world);
	if (!try_pair(world, TRUE, SCRIPTED_PASSKEY, &error))
		fail_msg("%s", error->message);
	assert_string_equal(world->kind, "enter-passkey");
	assert_true(scripted_bluez_is_bonded(world->bluez));
	assert_int_equal(scripted_bluez_calls(world->bluez, "RequestDefaultAgent"), 0);
	WAIT_FOR(scripted_bluez_calls(world->bluez, "UnregisterAgent") == 1);

	/* Again: there is a bond, nobody is asked. */
	assert_true(try_pair(world, TRUE, 0, NULL));
	assert_int_equal(world->request, 0);
	assert_int_equal(scripted_bluez_calls(world->bluez, "Pair"), 1);

	world_connect(world);
	assert_true(stp_link_get_authenticated(world->link));
	assert_true(world->last->bonded);
}

/* P41: some pens drop what is asked of them right after pairing. */
static void
p41_a_new_bond_settles(void **state)
{
	struct world *world = *state;
	g_autoptr(GAsyncResult) result = NULL;
	gint64 bonded;

	world_hear(world);
	stp_radio_pair_async(world->radio, SCRIPTED_PEN, on_ask, world, NULL, keep_result, &result);
	WAIT_FOR(world->request != 0);
	stp_radio_answer_pairing(world->radio, world->request, TRUE, SCRIPTED_PASSKEY);
	WAIT_FOR(scripted_bluez_is_bonded(world->bluez));
	bonded = g_get_monotonic_time();
	WAIT_FOR(result != NULL);
	assert_true(stp_radio_pair_finish(world->radio, result, NULL));
	assert_true(g_get_monotonic_time() - bonded >= STP_BLUEZ_SETTLE * G_TIME_SPAN_MILLISECOND);
}

/* P16: there only while a pairing runs, and never the default of the system by our own doing. */
static void
p16_the_agent_is_there_for_one_pairing(void **state)
{
	struct world *world = *state;

	world_hear(world);
	assert_int_equal(scripted_bluez_calls(world->bluez, "RegisterAgent"), 0);
	assert_true(try_pair(world, TRUE, SCRIPTED_PASSKEY, NULL));
	assert_int_equal(scripted_bluez_calls(world->bluez, "RegisterAgent"), 1);
	WAIT_FOR(scripted_bluez_calls(world->bluez, "UnregisterAgent") == 1);
	assert_int_equal(scripted_bluez_calls(world->bluez, "RequestDefaultAgent"), 0);
}

/* The answer's D-Bus error, or NULL. */
static char *
ask_our_agent(struct world *world, GDBusConnection *asker, const char *method, GVariant *arguments)
{
	g_autoptr(GAsyncResult) result = NULL;
	g_autoptr(GVariant) reply = NULL;
	g_autoptr(GError) error = NULL;

	g_dbus_connection_call(asker, g_dbus_connection_get_unique_name(world->ours), "/org/stipple1/agent",
			       "org.bluez.Agent1", method, arguments, NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL,
			       keep_result, &result);
	WAIT_FOR(result != NULL);
	reply = g_dbus_connection_call_finish(asker, result, &error);
	if (error == NULL)
		return NULL;
	assert_non_null(strstr(error->message, "only for the pen that it is pairing"));
	return g_dbus_error_get_remote_error(error);
}

/* P16: other programs' requests come to us; the person at ours hears nothing of them, and ours goes on. */
static void
p16_the_agent_answers_for_one_pen_only(void **state)
{
	static const char pen[] = "/org/bluez/hci0/dev_00_AA_01_00_00_11", other[] = "/org/bluez/hci0/dev_00_00_00_00_00_01";
	static const char *const methods[] = { "RequestPasskey", "RequestPinCode", "RequestAuthorization" };
	struct world *world = *state;
	g_autoptr(GDBusConnection) stranger = private_bus_connect(world->bus, NULL);
	g_autoptr(GAsyncResult) result = NULL;
	g_autoptr(GError) error = NULL;
	guint request;

	world_hear(world);
	stp_radio_pair_async(world->radio, SCRIPTED_PEN, on_ask, world, NULL, keep_result, &result);
	WAIT_FOR(world->request != 0);
	request = world->request;

	/* bluetoothd asks about what another program pairs; another program asks, or cancels, as if it were bluetoothd. */
	for (gsize i = 0; i < G_N_ELEMENTS(methods); i++) {
		g_autofree char *elsewhere = ask_our_agent(world, world->theirs, methods[i], g_variant_new("(o)", other));
		g_autofree char *false_asker = ask_our_agent(world, stranger, methods[i], g_variant_new("(o)", pen));

		assert_string_equal(elsewhere, "org.bluez.Error.Rejected");
		assert_string_equal(false_asker, "org.bluez.Error.Rejected");
	}
	assert_null(ask_our_agent(world, stranger, "Cancel", NULL));
	assert_int_equal(world->request, request);

	stp_radio_answer_pairing(world->radio, request, TRUE, SCRIPTED_PASSKEY);
	WAIT_FOR(result != NULL);
	if (!stp_radio_pair_finish(world->radio, result, &error))
		fail_msg("%s", error->message);
}

/* P16: bluetoothd is busy pairing the same pen for another program. */
static void
p16_the_other_program_comes_first(void **state)
{
	struct world *world = *state;
	g_autoptr(GError) error = NULL;

	world_hear(world);
	scripted_bluez_fail(world->bluez, "Pair", "InProgress", "In Progress");
	assert_false(try_pair(world, TRUE, SCRIPTED_PASSKEY, &error));
	assert_error(error, STP_ERROR_BUSY, "Another program is pairing with this pen");
	assert_int_equal(world->request, 0);
	WAIT_FOR(scripted_bluez_calls(world->bluez, "UnregisterAgent") == 1);
	/* That would break the other's pairing. */
	assert_int_equal(scripted_bluez_calls(world->bluez, "Disconnect"), 0);
}

/* EP4: refused before anybody was asked for a code; the code was not wrong then. */
static void
test_refused_without_a_question(void **state)
{
	struct world *world = *state;
	g_autoptr(GError) error = NULL;

	world_hear(world);
	scripted_bluez_fail(world->bluez, "Pair", "AuthenticationFailed", "Authentication Failed");
	assert_false(try_pair(world, TRUE, SCRIPTED_PASSKEY, &error));
	assert_error(error, STP_ERROR_PAIRING_FAILED, "list of hosts is full");
}

static void
test_pairing_by_comparison(void **state)
{
	struct world *world = *state;
	g_autoptr(GError) error = NULL;

	world_hear(world);
	scripted_bluez_set_pairing(world->bluez, SCRIPTED_COMPARISON);
	if (!try_pair(world, TRUE, 0, &error))
		fail_msg("%s", error->message);
	assert_string_equal(world->kind, "confirm-passkey");
	assert_int_equal(world->passkey, SCRIPTED_PASSKEY);
	assert_true(scripted_bluez_is_bonded(world->bluez));
}

static void
test_pairing_goes_wrong(void **state)
{
	static const struct {
		gboolean accept;
		guint32 passkey;
		const char *part;
	} cases[] = {
		{ TRUE, 654321, "code was wrong" },
		{ TRUE, 1000000, "six digits" },
		{ FALSE, 0, "not confirmed" },
	};
	struct world *world = *state;

	world_hear(world);
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;

		assert_false(try_pair(world, cases[i].accept, cases[i].passkey, &error));
		assert_error(error, STP_ERROR_PAIRING_FAILED, cases[i].part);
		assert_false(scripted_bluez_is_bonded(world->bluez));
		assert_false(scripted_bluez_is_connected(world->bluez));
	}
	/* None of it is in the way of doing it right. */
	assert_true(try_pair(world, TRUE, SCRIPTED_PASSKEY, NULL));
}

static void
test_errors_of_pair(void **state)
{
	static const struct {
		const char *name, *part;
	} cases[] = {
		{ "AuthenticationCanceled", "broken off" }, { "AuthenticationRejected", "list of hosts" },
		{ "AuthenticationTimeout", "too long" },    { "ConnectionAttemptFailed", "reached" },
		{ "Failed", "Transport" },
	};
	struct world *world = *state;

	world_hear(world);
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;

		scripted_bluez_fail(world->bluez, "Pair", cases[i].name, "Transport error");
		assert_false(try_pair(world, TRUE, 0, &error));
		assert_error(error, STP_ERROR_PAIRING_FAILED, cases[i].part);
	}
}

static void
test_a_bond_without_a_code_is_taken_back(void **state)
{
	struct world *world = *state;
	g_autoptr(GError) error = NULL;

	world_hear(world);
	scripted_bluez_set_pairing(world->bluez, SCRIPTED_JUST_WORKS);
	assert_false(try_pair(world, FALSE, 0, &error));
	assert_error(error, STP_ERROR_BOND_TOO_WEAK, "without a code");
	assert_string_equal(world->kind, STP_PAIRING_WITHOUT_CODE);
	assert_false(scripted_bluez_is_bonded(world->bluez));
}

static void
test_a_bond_without_a_code_is_kept_when_allowed(void **state)
{
	struct world *world = *state;

	world_hear(world);
	scripted_bluez_set_pairing(world->bluez, SCRIPTED_JUST_WORKS);
	assert_true(try_pair(world, TRUE, 0, NULL));
	assert_string_equal(world->kind, STP_PAIRING_WITHOUT_CODE);
	assert_true(scripted_bluez_is_bonded(world->bluez));
}

static void
test_pairing_is_cancelled(void **state)
{
	struct world *world = *state;
	g_autoptr(GCancellable) cancellable = g_cancellable_new();
	g_autoptr(GAsyncResult) result = NULL;
	g_autoptr(GError) error = NULL;

	world_hear(world);
	stp_radio_pair_async(world->radio, SCRIPTED_PEN, on_ask, world, cancellable, keep_result, &result);
	WAIT_FOR(world->request != 0);
	g_cancellable_cancel(cancellable);
	WAIT_FOR(result != NULL);
	assert_false(stp_radio_pair_finish(world->radio, result, &error));
	assert_error(error, STP_ERROR_CANCELLED, "cancelled");
	WAIT_FOR(scripted_bluez_calls(world->bluez, "UnregisterAgent") == 1);
	assert_true(try_pair(world, TRUE, SCRIPTED_PASSKEY, NULL));
}

/* It is up since its pairing; nobody but us would end that, and until then it is out of reach for every other host. */
static void
test_a_connect_that_never_got_its_turn_leaves_no_connection(void **state)
{
	struct world *world = *state;
	g_autoptr(GCancellable) cancellable = g_cancellable_new(), other = g_cancellable_new();
	g_autoptr(GAsyncResult) result = NULL, blocking = NULL;
	g_autoptr(GError) error = NULL;
	guint disconnects, connects;
	gint64 cancelled;

	world_hear(world);
	assert_true(try_pair(world, TRUE, SCRIPTED_PASSKEY, NULL));
	assert_true(scripted_bluez_is_connected(world->bluez));
	/* The adapter is at something that takes its time. */
	disconnects = scripted_bluez_calls(world->bluez, "Disconnect");
	connects = scripted_bluez_calls(world->bluez, "Connect");
	scripted_bluez_fail(world->bluez, "Connect", NULL, NULL);
	stp_radio_pair_async(world->radio, SCRIPTED_PEN, on_ask, world, other, keep_result, &blocking);
	WAIT_FOR(scripted_bluez_calls(world->bluez, "Connect") == connects + 1);

	stp_radio_connect_async(world->radio, SCRIPTED_PEN, cancellable, keep_result, &result);
	run_pending();
	g_cancellable_cancel(cancellable);
	cancelled = g_get_monotonic_time();
	WAIT_FOR(result != NULL);
	assert_null(stp_radio_connect_finish(world->radio, result, &error));
	assert_error(error, STP_ERROR_CANCELLED, "cancelled");
	WAIT_FOR(scripted_bluez_calls(world->bluez, "Disconnect") == disconnects + 1);
	/* Not by the end of what the adapter is at. */
	assert_true(g_get_monotonic_time() - cancelled < STP_BLUEZ_CONNECT_TRY / 2 * G_TIME_SPAN_MILLISECOND);
	WAIT_FOR(!scripted_bluez_is_connected(world->bluez));
	assert_int_equal(scripted_bluez_calls(world->bluez, "Connect"), connects + 1);
	g_cancellable_cancel(other);
	WAIT_FOR(blocking != NULL);
	WAIT_FOR(scripted_bluez_calls(world->bluez, "Disconnect") == disconnects + 2);
	/* And all is as before. */
	assert_true(try_pair(world, TRUE, 0, NULL));
}

static void
test_forget(void **state)
{
	struct world *world = *state;

	world_hear(world);
	assert_true(try_pair(world, TRUE, SCRIPTED_PASSKEY, NULL));
	for (int i = 0; i < 2; i++) {
		g_autoptr(GAsyncResult) result = NULL;

		stp_radio_forget_async(world->radio, SCRIPTED_PEN, NULL, keep_result, &result);
		WAIT_FOR(result != NULL);
		assert_true(stp_radio_forget_finish(world->radio, result, NULL));
		assert_false(scripted_bluez_is_bonded(world->bluez));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		NOT_STARTED(test_no_bluetoothd_and_back),
		SCANNING(test_no_adapter_and_power),
		NOT_STARTED(test_discovery_in_progress_is_no_error),
		SCANNING(test_sightings),
		SCANNING(test_unknown_pen),
		SCANNING(test_connect_survives_passing_failures),
		SCANNING(test_connect_gives_up),
		SCANNING(test_connect_is_cancelled),
		SCANNING(test_a_pen_that_lacks_something),
		SCANNING(test_bluetoothd_ends_while_connecting),
		SCANNING(test_pairing_by_passkey),
		SCANNING(p41_a_new_bond_settles),
		SCANNING(p16_the_agent_is_there_for_one_pairing),
		SCANNING(p16_the_agent_answers_for_one_pen_only),
		SCANNING(p16_the_other_program_comes_first),
		SCANNING(test_refused_without_a_question),
		SCANNING(test_pairing_by_comparison),
		SCANNING(test_pairing_goes_wrong),
		SCANNING(test_errors_of_pair),
		SCANNING(test_a_bond_without_a_code_is_taken_back),
		SCANNING(test_a_bond_without_a_code_is_kept_when_allowed),
		SCANNING(test_pairing_is_cancelled),
		SCANNING(test_a_connect_that_never_got_its_turn_leaves_no_connection),
		SCANNING(test_forget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
