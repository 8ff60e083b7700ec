/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* The radio over an org.bluez that misbehaves as told, on a bus of the test's own. */

#include "bluez-radio.h"
#include "private-bus.h"
#include "scripted-bluez.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "await.h"

struct fixture {
	PrivateBus *bus;
	GDBusConnection *theirs, *ours;
	ScriptedBluez *bluez;
	StpRadio *radio;
	StpLink *link;
	GPtrArray *received;	/* char *: "log-data 01 02" */
	GError *reason;
	guint closings, sightings;
	StpSighting *last;
	guint request;		/* of the pairing; 0: none yet */
	char *kind;
	guint32 passkey;
};

static void
on_sighting(StpRadio *radio, const StpSighting *sighting, struct fixture *fixture)
{
	fixture->sightings++;
	g_clear_pointer(&fixture->last, stp_sighting_free);
	fixture->last = stp_sighting_copy(sighting);
}

static int
setup(void **state)
{
	struct fixture *fixture = g_new0(struct fixture, 1);

	fixture->bus = private_bus_new();
	assert_non_null(fixture->bus);
	fixture->theirs = private_bus_connect(fixture->bus, NULL);
	fixture->ours = private_bus_connect(fixture->bus, NULL);
	fixture->radio = stp_bluez_radio_new(fixture->ours, NULL);
	fixture->received = g_ptr_array_new_with_free_func(g_free);
	g_signal_connect(fixture->radio, "sighting", G_CALLBACK(on_sighting), fixture);
	*state = fixture;
	return 0;
}

static int
setup_scanning(void **state)
{
	struct fixture *fixture;

	setup(state);
	fixture = *state;
	fixture->bluez = scripted_bluez_new(fixture->theirs);
	stp_radio_start(fixture->radio);
	WAIT_FOR(stp_radio_get_state(fixture->radio) == STP_RADIO_SCANNING);
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *fixture = *state;

	/* Nothing may be left that holds the link or the radio. */
	run_pending();
	if (fixture->link != NULL)
		g_assert_finalize_object(fixture->link);
	g_assert_finalize_object(fixture->radio);
	g_clear_pointer(&fixture->bluez, scripted_bluez_free);
	g_clear_object(&fixture->ours);
	g_clear_object(&fixture->theirs);
	private_bus_free(fixture->bus);
	g_ptr_array_unref(fixture->received);
	g_clear_pointer(&fixture->last, stp_sighting_free);
	g_clear_error(&fixture->reason);
	g_free(fixture->kind);
	g_free(fixture);
	return 0;
}

static void
on_received(StpLink *link, int channel, GBytes *value, struct fixture *fixture)
{
	GString *text = g_string_new(stp_channel_name((StpChannel)channel));
	gsize size;
	const guint8 *bytes = g_bytes_get_data(value, &size);

	for (gsize i = 0; i < size; i++)
		g_string_append_printf(text, " %02x", bytes[i]);
	g_ptr_array_add(fixture->received, g_string_free(text, FALSE));
}

static void
on_closed(StpLink *link, const GError *reason, struct fixture *fixture)
{
	fixture->closings++;
	g_clear_error(&fixture->reason);
	fixture->reason = g_error_copy(reason);
}

static void
hear(struct fixture *fixture)
{
	scripted_bluez_advertise(fixture->bluez, 7);
	WAIT_FOR(fixture->last != NULL);
}

static StpLink *
try_connect(struct fixture *fixture, GError **error)
{
	g_autoptr(GAsyncResult) result = NULL;

	stp_radio_connect_async(fixture->radio, SCRIPTED_PEN, NULL, keep_result, &result);
	WAIT_FOR(result != NULL);
	return stp_radio_connect_finish(fixture->radio, result, error);
}

static void
connect_pen(struct fixture *fixture)
{
	g_autoptr(GError) error = NULL;

	hear(fixture);
	fixture->link = try_connect(fixture, &error);
	assert_null(error);
	assert_non_null(fixture->link);
	g_signal_connect(fixture->link, "received", G_CALLBACK(on_received), fixture);
	g_signal_connect(fixture->link, "closed", G_CALLBACK(on_closed), fixture);
}

static gboolean
try_subscribe(struct fixture *fixture, GError **error)
{
	g_autoptr(GAsyncResult) result = NULL;

	stp_link_subscribe_async(fixture->link, NULL, keep_result, &result);
	WAIT_FOR(result != NULL);
	return stp_link_subscribe_finish(fixture->link, result, error);
}

static void
subscribe(struct fixture *fixture)
{
	g_autoptr(GError) error = NULL;

	connect_pen(fixture);
	if (!try_subscribe(fixture, &error))
		fail_msg("%s", error->message);
}

static void
assert_received(struct fixture *fixture, guint index, const char *text)
{
	WAIT_FOR(fixture->received->len > index);
	assert_string_equal(fixture->received->pdata[index], text);
}

static gboolean
try_read(struct fixture *fixture, StpChannel channel, char **text, GError **error)
{
	g_autoptr(GAsyncResult) result = NULL;
	g_autoptr(GBytes) value = NULL;

	stp_link_read_async(fixture->link, channel, NULL, keep_result, &result);
	WAIT_FOR(result != NULL);
	value = stp_link_read_finish(fixture->link, result, error);
	if (value == NULL)
		return FALSE;
	*text = g_strndup(g_bytes_get_data(value, NULL), g_bytes_get_size(value));
	return TRUE;
}

/* ---- the radio's state ---- */

static void
test_no_bluetoothd_and_back(void **state)
{
	struct fixture *fixture = *state;
	g_autoptr(GError) error = NULL;

	stp_radio_start(fixture->radio);
	WAIT_FOR(stp_radio_get_state(fixture->radio) == STP_RADIO_NO_BLUETOOTH);
	assert_null(try_connect(fixture, &error));
	assert_error(error, STP_ERROR_NO_BLUETOOTH, "systemctl start bluetooth");

	fixture->bluez = scripted_bluez_new(fixture->theirs);
	WAIT_FOR(stp_radio_get_state(fixture->radio) == STP_RADIO_SCANNING);
	assert_true(scripted_bluez_is_discovering(fixture->bluez));

	scripted_bluez_stop(fixture->bluez);
	WAIT_FOR(stp_radio_get_state(fixture->radio) == STP_RADIO_NO_BLUETOOTH);
	scripted_bluez_start(fixture->bluez);
	WAIT_FOR(stp_radio_get_state(fixture->radio) == STP_RADIO_SCANNING);
	assert_true(scripted_bluez_is_discovering(fixture->bluez));
}

static void
test_no_adapter_and_power(void **state)
{
	struct fixture *fixture = *state;
	g_autoptr(GError) error = NULL;

	scripted_bluez_set_powered(fixture->bluez, FALSE);
	WAIT_FOR(stp_radio_get_state(fixture->radio) == STP_RADIO_POWERED_OFF);
	assert_null(try_connect(fixture, &error));
	assert_error(error, STP_ERROR_NO_ADAPTER, "bluetoothctl power on");
	scripted_bluez_set_powered(fixture->bluez, TRUE);
	WAIT_FOR(stp_radio_get_state(fixture->radio) == STP_RADIO_SCANNING);
	assert_int_equal(scripted_bluez_calls(fixture->bluez, "StartDiscovery"), 2);

	scripted_bluez_remove_adapter(fixture->bluez);
	WAIT_FOR(stp_radio_get_state(fixture->radio) == STP_RADIO_NO_ADAPTER);
	g_clear_error(&error);
	assert_null(try_connect(fixture, &error));
	assert_error(error, STP_ERROR_NO_ADAPTER, "Plug in");
}

static void
test_discovery_in_progress_is_no_error(void **state)
{
	struct fixture *fixture = *state;

	fixture->bluez = scripted_bluez_new(fixture->theirs);
	scripted_bluez_fail(fixture->bluez, "StartDiscovery", "InProgress", "Operation already in progress");
	stp_radio_start(fixture->radio);
	WAIT_FOR(stp_radio_get_state(fixture->radio) == STP_RADIO_SCANNING);
}

/* ---- sightings ---- */

static void
test_sightings(void **state)
{
	struct fixture *fixture = *state;
	g_autoptr(GPtrArray) list = NULL;
	guint before;

	hear(fixture);
	assert_string_equal(fixture->last->address, SCRIPTED_PEN);
	assert_string_equal(fixture->last->name, "Stipple-0123");
	assert_int_equal(fixture->last->rssi, -50);
	assert_true(fixture->last->in_sight);
	assert_false(fixture->last->bonded);
	assert_true(fixture->last->has_status);
	assert_int_equal(fixture->last->status.newest_record, 7);
	assert_int_equal(fixture->last->status.battery_percent, 80);

	/* Heard again at once with nothing new: not told. */
	before = fixture->sightings;
	scripted_bluez_advertise(fixture->bluez, 7);
	scripted_bluez_advertise(fixture->bluez, 7);
	scripted_bluez_advertise(fixture->bluez, 8);
	WAIT_FOR(fixture->last->status.newest_record == 8);
	assert_int_equal(fixture->sightings, before + 1);

	list = stp_radio_get_sightings(fixture->radio);
	assert_int_equal(list->len, 1);
	assert_int_equal(((StpSighting *)list->pdata[0])->status.newest_record, 8);
}

/* ---- connecting ---- */

static void
test_unknown_pen(void **state)
{
	struct fixture *fixture = *state;
	g_autoptr(GError) error = NULL;

	assert_null(try_connect(fixture, &error));
	assert_error(error, STP_ERROR_NOT_FOUND, "Switch it on");
}

static void
test_connect_survives_passing_failures(void **state)
{
	struct fixture *fixture = *state;

	scripted_bluez_fail(fixture->bluez, "Connect", "Failed", "le-connection-abort-by-local");
	scripted_bluez_fail(fixture->bluez, "Connect", "InProgress", "In Progress");
	scripted_bluez_fail(fixture->bluez, "Connect", "Failed", "le-connection-unknown");
	connect_pen(fixture);
	assert_int_equal(scripted_bluez_calls(fixture->bluez, "Connect"), 4);
	assert_string_equal(stp_link_get_address(fixture->link), SCRIPTED_PEN);
	assert_int_equal(stp_link_get_mtu(fixture->link), 23);
	assert_false(stp_link_get_authenticated(fixture->link));
}

static void
test_connect_gives_up(void **state)
{
	struct fixture *fixture = *state;
	g_autoptr(GError) error = NULL;

	hear(fixture);
	for (int i = 0; i < 20; i++)
		scripted_bluez_fail(fixture->bluez, "Connect", "Failed", "le-connection-abort-by-local");
	assert_null(try_connect(fixture, &error));
	assert_error(error, STP_ERROR_LINK_FAILED, "le-connection-abort-by-local");
	assert_int_equal(scripted_bluez_calls(fixture->bluez, "Connect"), 9);
	assert_int_equal(scripted_bluez_calls(fixture->bluez, "Disconnect"), 1);
}

static void
test_connect_is_cancelled(void **state)
{
	struct fixture *fixture = *state;
	g_autoptr(GCancellable) cancellable = g_cancellable_new();
	g_autoptr(GAsyncResult) first = NULL;
	g_autoptr(GAsyncResult) second = NULL;
	g_autoptr(GError) error = NULL;

	hear(fixture);
	scripted_bluez_fail(fixture->bluez, "Connect", NULL, NULL);
	stp_radio_connect_async(fixture->radio, SCRIPTED_PEN, cancellable, keep_result, &first);
	stp_radio_connect_async(fixture->radio, SCRIPTED_PEN, cancellable, keep_result, &second);
	WAIT_FOR(scripted_bluez_calls(fixture->bluez, "Connect") == 1);
	g_cancellable_cancel(cancellable);
	WAIT_FOR(first != NULL && second != NULL);
	assert_null(stp_radio_connect_finish(fixture->radio, first, &error));
	assert_error(error, STP_ERROR_CANCELLED, "cancelled");
	g_clear_error(&error);
	assert_null(stp_radio_connect_finish(fixture->radio, second, &error));
	assert_error(error, STP_ERROR_CANCELLED, "cancelled");

	/* BlueZ was told to give up, and the next one gets its turn. */
	connect_pen(fixture);
	assert_int_equal(scripted_bluez_calls(fixture->bluez, "Disconnect"), 1);
	assert_int_equal(scripted_bluez_calls(fixture->bluez, "Connect"), 2);
}

static void
test_a_pen_that_lacks_something(void **state)
{
	struct fixture *fixture = *state;
	g_autoptr(GError) error = NULL;

	hear(fixture);
	scripted_bluez_hide(fixture->bluez, STP_UUID_LOG_DATA);
	assert_null(try_connect(fixture, &error));
	assert_error(error, STP_ERROR_PROTOCOL_FAILED, "log-data");
	assert_false(scripted_bluez_is_connected(fixture->bluez));
}

static void
test_bluetoothd_ends_while_connecting(void **state)
{
	struct fixture *fixture = *state;
	g_autoptr(GAsyncResult) result = NULL;
	g_autoptr(GError) error = NULL;

	hear(fixture);
	scripted_bluez_fail(fixture->bluez, "Connect", NULL, NULL);
	stp_radio_connect_async(fixture->radio, SCRIPTED_PEN, NULL, keep_result, &result);
	WAIT_FOR(scripted_bluez_calls(fixture->bluez, "Connect") == 1);
	scripted_bluez_stop(fixture->bluez);
	WAIT_FOR(result != NULL);
	assert_null(stp_radio_connect_finish(fixture->radio, result, &error));
	assert_error(error, STP_ERROR_NO_BLUETOOTH, "ended");
	WAIT_FOR(stp_radio_get_state(fixture->radio) == STP_RADIO_NO_BLUETOOTH);
}

/* ---- the link ---- */

static void
test_data_by_descriptor(void **state)
{
	struct fixture *fixture = *state;

	subscribe(fixture);
	assert_int_equal(stp_link_get_mtu(fixture->link), 247);
	scripted_bluez_notify(fixture->bluez, "\x01", 1);
	scripted_bluez_notify(fixture->bluez, "\x02", 1);
	scripted_bluez_indicate(fixture->bluez, "\x93\x00", 2);
	/* The data were there before the answer, and are received before it. */
	assert_received(fixture, 2, "log-control 93 00");
	assert_received(fixture, 0, "log-data 01");
	assert_received(fixture, 1, "log-data 02");
}

static void
test_data_by_signals(void **state)
{
	static const char *const errors[] = { "NotSupported", "NotPermitted", "Failed" };

	for (gsize i = 0; i < G_N_ELEMENTS(errors); i++) {
		struct fixture *fixture;

		setup_scanning((void **)&fixture);
		scripted_bluez_fail(fixture->bluez, "AcquireNotify", errors[i], "No");
		subscribe(fixture);
		assert_int_equal(stp_link_get_mtu(fixture->link), 185);
		scripted_bluez_notify(fixture->bluez, "\x01", 1);
		scripted_bluez_notify(fixture->bluez, "\x01", 1);
		scripted_bluez_indicate(fixture->bluez, "\x93\x00", 2);
		assert_received(fixture, 0, "log-data 01");
		assert_received(fixture, 1, "log-data 01");
		assert_received(fixture, 2, "log-control 93 00");
		teardown((void **)&fixture);
	}
}

static void
test_subscribing_needs_a_bond(void **state)
{
	struct fixture *fixture = *state;
	g_autoptr(GError) error = NULL;

	connect_pen(fixture);
	scripted_bluez_fail(fixture->bluez, "StartNotify", "NotPermitted", "Not paired");
	assert_false(try_subscribe(fixture, &error));
	assert_error(error, STP_ERROR_DENIED, "stipplectl pens add");
	assert_int_equal(scripted_bluez_calls(fixture->bluez, "AcquireNotify"), 0);
}

static void
test_read(void **state)
{
	struct fixture *fixture = *state;
	g_autofree char *serial = NULL;
	g_autoptr(GError) error = NULL;

	connect_pen(fixture);
	assert_true(try_read(fixture, STP_CHANNEL_SERIAL, &serial, NULL));
	assert_string_equal(serial, SCRIPTED_SERIAL);

	assert_false(try_read(fixture, STP_CHANNEL_MODEL, NULL, &error));
	assert_error(error, STP_ERROR_NOT_FOUND, "model");
	g_clear_error(&error);
	scripted_bluez_fail(fixture->bluez, "ReadValue", "NotPermitted", "Not paired");
	assert_false(try_read(fixture, STP_CHANNEL_ELAPSED_TIME, NULL, &error));
	assert_error(error, STP_ERROR_DENIED, "stipplectl pens add");
	g_clear_error(&error);
	scripted_bluez_fail(fixture->bluez, "ReadValue", "Failed", "Operation failed with ATT error: 0x0e");
	assert_false(try_read(fixture, STP_CHANNEL_ELAPSED_TIME, NULL, &error));
	assert_error(error, STP_ERROR_LINK_FAILED, "0x0e");
	assert_int_equal(fixture->closings, 0);
}

static void
test_writes_keep_their_order(void **state)
{
	struct fixture *fixture = *state;
	GAsyncResult *results[4] = { NULL };
	g_autofree char *written = NULL;

	subscribe(fixture);
	for (guint i = 0; i < G_N_ELEMENTS(results); i++) {
		guint8 byte = (guint8)(i + 1);
		g_autoptr(GBytes) value = g_bytes_new(&byte, 1);

		stp_link_write_async(fixture->link, STP_CHANNEL_LOG_CONTROL, value, i % 2 == 0, NULL,
				     keep_result, &results[i]);
	}
	WAIT_FOR(results[3] != NULL);
	for (guint i = 0; i < G_N_ELEMENTS(results); i++) {
		assert_non_null(results[i]);
		assert_true(stp_link_write_finish(fixture->link, results[i], NULL));
		g_clear_object(&results[i]);
	}
	written = scripted_bluez_written(fixture->bluez);
	assert_string_equal(written, "request 01,command 02,request 03,command 04");
}

static void
test_the_link_drops(void **state)
{
	struct fixture *fixture = *state;
	GAsyncResult *results[2] = { NULL };
	g_autoptr(GBytes) value = g_bytes_new_static("\x10", 1);

	subscribe(fixture);
	scripted_bluez_fail(fixture->bluez, "WriteValue", NULL, NULL);
	for (int i = 0; i < 2; i++)
		stp_link_write_async(fixture->link, STP_CHANNEL_LOG_CONTROL, value, TRUE, NULL, keep_result,
				     &results[i]);
	WAIT_FOR(scripted_bluez_calls(fixture->bluez, "WriteValue") == 1);
	scripted_bluez_notify(fixture->bluez, "\x55", 1);
	scripted_bluez_drop_link(fixture->bluez);
	WAIT_FOR(fixture->closings > 0 && results[0] != NULL && results[1] != NULL);
	assert_received(fixture, 0, "log-data 55");
	assert_error(fixture->reason, STP_ERROR_LINK_FAILED, "was lost");
	for (int i = 0; i < 2; i++) {
		g_autoptr(GError) error = NULL;

		assert_false(stp_link_write_finish(fixture->link, results[i], &error));
		assert_error(error, STP_ERROR_LINK_FAILED, "was lost");
		g_clear_object(&results[i]);
	}
	assert_int_equal(fixture->closings, 1);
}

static void
test_the_services_go(void **state)
{
	struct fixture *fixture = *state;

	subscribe(fixture);
	scripted_bluez_drop_services(fixture->bluez);
	WAIT_FOR(fixture->closings > 0);
	assert_error(fixture->reason, STP_ERROR_LINK_FAILED, "services away");
	WAIT_FOR(!scripted_bluez_is_connected(fixture->bluez));
	assert_int_equal(fixture->closings, 1);
}

static void
test_the_adapter_goes_off(void **state)
{
	struct fixture *fixture = *state;

	subscribe(fixture);
	scripted_bluez_set_powered(fixture->bluez, FALSE);
	WAIT_FOR(fixture->closings > 0);
	assert_error(fixture->reason, STP_ERROR_NO_ADAPTER, "bluetoothctl power on");
}

static void
test_bluetoothd_ends(void **state)
{
	struct fixture *fixture = *state;

	subscribe(fixture);
	scripted_bluez_stop(fixture->bluez);
	WAIT_FOR(fixture->closings > 0);
	assert_error(fixture->reason, STP_ERROR_NO_BLUETOOTH, "service ended");
	g_clear_object(&fixture->link);
	g_clear_pointer(&fixture->last, stp_sighting_free);

	scripted_bluez_start(fixture->bluez);
	WAIT_FOR(stp_radio_get_state(fixture->radio) == STP_RADIO_SCANNING);
	subscribe(fixture);
	assert_int_equal(fixture->closings, 1);
}

static void
test_the_descriptor_ends(void **state)
{
	struct fixture *fixture = *state;

	subscribe(fixture);
	scripted_bluez_hang_up(fixture->bluez);
	WAIT_FOR(scripted_bluez_calls(fixture->bluez, "AcquireNotify") == 2);
	assert_int_equal(fixture->closings, 0);
	scripted_bluez_notify(fixture->bluez, "\x01", 1);
	assert_received(fixture, 0, "log-data 01");

	/* Once is an accident, twice is a fault. */
	scripted_bluez_hang_up(fixture->bluez);
	WAIT_FOR(fixture->closings > 0);
	assert_error(fixture->reason, STP_ERROR_LINK_FAILED, "again and again");
	WAIT_FOR(!scripted_bluez_is_connected(fixture->bluez));
}

static void
test_close(void **state)
{
	struct fixture *fixture = *state;

	subscribe(fixture);
	for (int i = 0; i < 2; i++) {
		g_autoptr(GAsyncResult) result = NULL;

		stp_link_close_async(fixture->link, keep_result, &result);
		WAIT_FOR(result != NULL);
		assert_true(stp_link_close_finish(fixture->link, result, NULL));
		assert_false(scripted_bluez_is_connected(fixture->bluez));
	}
	assert_error(fixture->reason, STP_ERROR_CANCELLED, "This host");
	assert_int_equal(fixture->closings, 1);
	assert_int_equal(scripted_bluez_calls(fixture->bluez, "Disconnect"), 1);
}

/* ---- pairing ---- */

static void
on_ask(guint request, const char *pen, const char *kind, guint32 passkey, gpointer user_data)
{
	struct fixture *fixture = user_data;

	assert_string_equal(pen, SCRIPTED_PEN);
	fixture->request = request;
	fixture->passkey = passkey;
	g_free(fixture->kind);
	fixture->kind = g_strdup(kind);
}

static gboolean
try_pair(struct fixture *fixture, gboolean accept, guint32 passkey, GError **error)
{
	g_autoptr(GAsyncResult) result = NULL;

	fixture->request = 0;
	stp_radio_pair_async(fixture->radio, SCRIPTED_PEN, on_ask, fixture, NULL, keep_result, &result);
	WAIT_FOR(fixture->request != 0 || result != NULL);
	if (fixture->request != 0) {
		stp_radio_answer_pairing(fixture->radio, fixture->request + 1, TRUE, 1);
		stp_radio_answer_pairing(fixture->radio, fixture->request, accept, passkey);
		stp_radio_answer_pairing(fixture->radio, fixture->request, accept, 999999);
	}
	WAIT_FOR(result != NULL);
	return stp_radio_pair_finish(fixture->radio, result, error);
}

static void
test_pairing_by_passkey(void **state)
{
	struct fixture *fixture = *state;
	g_autoptr(GError) error = NULL;

	hear(fixture);
	if (!try_pair(fixture, TRUE, SCRIPTED_PASSKEY, &error))
		fail_msg("%s", error->message);
	assert_string_equal(fixture->kind, "enter-passkey");
	assert_true(scripted_bluez_is_bonded(fixture->bluez));
	assert_int_equal(scripted_bluez_calls(fixture->bluez, "RequestDefaultAgent"), 0);
	WAIT_FOR(scripted_bluez_calls(fixture->bluez, "UnregisterAgent") == 1);

	/* Again: there is a bond, nobody is asked. */
	assert_true(try_pair(fixture, TRUE, 0, NULL));
	assert_int_equal(fixture->request, 0);
	assert_int_equal(scripted_bluez_calls(fixture->bluez, "Pair"), 1);

	connect_pen(fixture);
	assert_true(stp_link_get_authenticated(fixture->link));
	assert_true(fixture->last->bonded);
}

static void
test_pairing_by_comparison(void **state)
{
	struct fixture *fixture = *state;
	g_autoptr(GError) error = NULL;

	hear(fixture);
	scripted_bluez_set_pairing(fixture->bluez, SCRIPTED_COMPARISON);
	if (!try_pair(fixture, TRUE, 0, &error))
		fail_msg("%s", error->message);
	assert_string_equal(fixture->kind, "confirm-passkey");
	assert_int_equal(fixture->passkey, SCRIPTED_PASSKEY);
	assert_true(scripted_bluez_is_bonded(fixture->bluez));
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
	struct fixture *fixture = *state;

	hear(fixture);
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;

		assert_false(try_pair(fixture, cases[i].accept, cases[i].passkey, &error));
		assert_error(error, STP_ERROR_PAIRING_FAILED, cases[i].part);
		assert_false(scripted_bluez_is_bonded(fixture->bluez));
		assert_false(scripted_bluez_is_connected(fixture->bluez));
	}
	/* None of it is in the way of doing it right. */
	assert_true(try_pair(fixture, TRUE, SCRIPTED_PASSKEY, NULL));
}

static void
test_errors_of_pair(void **state)
{
	static const struct {
		const char *name, *part;
	} cases[] = {
		{ "AuthenticationCanceled", "broken off" },
		{ "AuthenticationRejected", "list of hosts" },
		{ "AuthenticationTimeout", "too long" },
		{ "ConnectionAttemptFailed", "reached" },
		{ "InProgress", "Another program" },
		{ "Failed", "Transport" },
	};
	struct fixture *fixture = *state;

	hear(fixture);
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;

		scripted_bluez_fail(fixture->bluez, "Pair", cases[i].name, "Transport error");
		assert_false(try_pair(fixture, TRUE, 0, &error));
		assert_error(error, STP_ERROR_PAIRING_FAILED, cases[i].part);
	}
}

static void
test_a_bond_without_a_code_is_taken_back(void **state)
{
	struct fixture *fixture = *state;
	g_autoptr(GError) error = NULL;

	hear(fixture);
	scripted_bluez_set_pairing(fixture->bluez, SCRIPTED_JUST_WORKS);
	assert_false(try_pair(fixture, TRUE, 0, &error));
	assert_error(error, STP_ERROR_PAIRING_FAILED, "without a code");
	assert_int_equal(fixture->request, 0);
	assert_false(scripted_bluez_is_bonded(fixture->bluez));
}

static void
test_pairing_is_cancelled(void **state)
{
	struct fixture *fixture = *state;
	g_autoptr(GCancellable) cancellable = g_cancellable_new();
	g_autoptr(GAsyncResult) result = NULL;
	g_autoptr(GError) error = NULL;

	hear(fixture);
	stp_radio_pair_async(fixture->radio, SCRIPTED_PEN, on_ask, fixture, cancellable, keep_result, &result);
	WAIT_FOR(fixture->request != 0);
	g_cancellable_cancel(cancellable);
	WAIT_FOR(result != NULL);
	assert_false(stp_radio_pair_finish(fixture->radio, result, &error));
	assert_error(error, STP_ERROR_CANCELLED, "cancelled");
	WAIT_FOR(scripted_bluez_calls(fixture->bluez, "UnregisterAgent") == 1);
	assert_true(try_pair(fixture, TRUE, SCRIPTED_PASSKEY, NULL));
}

static void
test_forget(void **state)
{
	struct fixture *fixture = *state;

	hear(fixture);
	assert_true(try_pair(fixture, TRUE, SCRIPTED_PASSKEY, NULL));
	for (int i = 0; i < 2; i++) {
		g_autoptr(GAsyncResult) result = NULL;

		stp_radio_forget_async(fixture->radio, SCRIPTED_PEN, NULL, keep_result, &result);
		WAIT_FOR(result != NULL);
		assert_true(stp_radio_forget_finish(fixture->radio, result, NULL));
		assert_false(scripted_bluez_is_bonded(fixture->bluez));
	}
}

#define SCANNING(test) cmocka_unit_test_setup_teardown(test, setup_scanning, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_no_bluetoothd_and_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_discovery_in_progress_is_no_error, setup, teardown),
		cmocka_unit_test(test_data_by_signals),
		SCANNING(test_no_adapter_and_power),
		SCANNING(test_sightings),
		SCANNING(test_unknown_pen),
		SCANNING(test_connect_survives_passing_failures),
		SCANNING(test_connect_gives_up),
		SCANNING(test_connect_is_cancelled),
		SCANNING(test_a_pen_that_lacks_something),
		SCANNING(test_bluetoothd_ends_while_connecting),
		SCANNING(test_data_by_descriptor),
		SCANNING(test_subscribing_needs_a_bond),
		SCANNING(test_read),
		SCANNING(test_writes_keep_their_order),
		SCANNING(test_the_link_drops),
		SCANNING(test_the_services_go),
		SCANNING(test_the_adapter_goes_off),
		SCANNING(test_bluetoothd_ends),
		SCANNING(test_the_descriptor_ends),
		SCANNING(test_close),
		SCANNING(test_pairing_by_passkey),
		SCANNING(test_pairing_by_comparison),
		SCANNING(test_pairing_goes_wrong),
		SCANNING(test_errors_of_pair),
		SCANNING(test_a_bond_without_a_code_is_taken_back),
		SCANNING(test_pairing_is_cancelled),
		SCANNING(test_forget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
