/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/*
 * A simulated pen is found, paired, talked to and lost, over the fake BlueZ.  In the lab the same
 * runs over the real one: STIPPLE_LAB_PASSKEYS is then the directory in which stipple-pensim,
 * started on hci1 by the scenario, leaves its codes.
 */

#include "bluez-radio.h"
#include "private-bus.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stipple/control.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "await.h"

#define SERIAL "DP26-1001"

static PrivateBus *bus;			/* NULL in the lab */
static GDBusConnection *connection;
static StpRadio *radio;
static char *passkey_file, *pen;
static guint wrong_by;			/* added to the code that the pen shows */

struct talk {
	StpLink *link;
	GPtrArray *answers, *data;	/* GBytes */
	GError *reason;
};

static gboolean
tick(gpointer data)
{
	return G_SOURCE_CONTINUE;
}

static void
fault(const char *method, GVariant *arguments)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply =
		g_dbus_connection_call_sync(connection, "org.bluez", "/org/bluez/fake", "org.stipple1.test.Air1",
					    method, arguments, NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);

	if (reply == NULL)
		fail_msg("%s: %s", method, error->message);
}

static void
lab(const char *command)
{
	assert_int_equal(system(command), 0);
}

static int
start(void **state)
{
	const char *passkeys = g_getenv("STIPPLE_LAB_PASSKEYS");
	const char *const adapters[] = { "hci0", NULL };
	const StpBluezRadioOptions options = { .adapters = adapters };
	g_autoptr(GError) error = NULL;

	if (passkeys == NULL) {
		const char *const fake[] = { FAKE_BLUEZ, NULL };

		bus = private_bus_new();
		assert_non_null(bus);
		passkeys = private_bus_directory(bus);
		assert_non_null(private_bus_spawn(bus, fake, NULL));
		assert_true(private_bus_wait_for_name(bus, "org.bluez", 10000));

		const char *const pensim[] = { PENSIM, "--adapters=hci1", "--passkey-dir", passkeys, NULL };
		PrivateChild *child = private_bus_spawn(bus, pensim, NULL);
		g_autofree char *line = private_child_wait_line(child, "\"started\"", 10000);

		assert_non_null(line);
		connection = private_bus_connect(bus, &error);
	} else {
		connection = g_bus_get_sync(G_BUS_TYPE_SYSTEM, NULL, &error);
	}
	assert_non_null(connection);
	passkey_file = g_build_filename(passkeys, SERIAL, NULL);
	radio = stp_bluez_radio_new(connection, &options);
	stp_radio_start(radio);
	WAIT_FOR(stp_radio_get_state(radio) == STP_RADIO_SCANNING);
	return 0;
}

static int
stop(void **state)
{
	run_pending();
	g_assert_finalize_object(radio);
	g_clear_object(&connection);
	private_bus_free(bus);
	g_free(passkey_file);
	g_free(pen);
	return 0;
}

static gboolean
find_pen(void)
{
	g_autoptr(GPtrArray) list = stp_radio_get_sightings(radio);

	for (guint i = 0; i < list->len; i++) {
		const StpSighting *sighting = list->pdata[i];

		if (!sighting->in_sight || !sighting->has_status)
			continue;
		g_free(pen);
		pen = g_strdup(sighting->address);
		return TRUE;
	}
	return FALSE;
}

static void
answer(guint request, const char *address, const char *kind, guint32 passkey, gpointer user_data)
{
	g_autofree char *text = NULL;
	/* A file wakes no main loop, and a daemon that rests does not either. */
	guint poll = g_timeout_add(20, tick, NULL);

	assert_string_equal(address, pen);
	assert_string_equal(kind, "enter-passkey");
	WAIT_FOR(g_file_get_contents(passkey_file, &text, NULL, NULL) && strlen(text) >= 6);
	g_source_remove(poll);
	passkey = (guint32)g_ascii_strtoull(text, NULL, 10);
	stp_radio_answer_pairing(radio, request, TRUE, (passkey + wrong_by) % 1000000);
}

static gboolean
pair(GError **error)
{
	g_autoptr(GAsyncResult) result = NULL;

	g_unlink(passkey_file);
	stp_radio_pair_async(radio, pen, answer, NULL, NULL, keep_result, &result);
	WAIT_FOR(result != NULL);
	return stp_radio_pair_finish(radio, result, error);
}

static void
on_received(StpLink *link, int channel, GBytes *value, struct talk *talk)
{
	g_ptr_array_add(channel == STP_CHANNEL_LOG_CONTROL ? talk->answers : talk->data, g_bytes_ref(value));
}

static void
on_closed(StpLink *link, const GError *reason, struct talk *talk)
{
	assert_null(talk->reason);
	talk->reason = g_error_copy(reason);
}

static void
open_link(struct talk *talk)
{
	g_autoptr(GAsyncResult) result = NULL;
	g_autoptr(GError) error = NULL;

	*talk = (struct talk){ 0 };
	talk->answers = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	talk->data = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	stp_radio_connect_async(radio, pen, NULL, keep_result, &result);
	WAIT_FOR(result != NULL);
	talk->link = stp_radio_connect_finish(radio, result, &error);
	if (talk->link == NULL)
		fail_msg("connect: %s", error->message);
	g_signal_connect(talk->link, "received", G_CALLBACK(on_received), talk);
	g_signal_connect(talk->link, "closed", G_CALLBACK(on_closed), talk);
}

static void
end_talk(struct talk *talk)
{
	g_autoptr(GAsyncResult) result = NULL;

	stp_link_close_async(talk->link, keep_result, &result);
	WAIT_FOR(result != NULL);
	assert_true(stp_link_close_finish(talk->link, result, NULL));
	g_clear_object(&result);
	run_pending();
	g_assert_finalize_object(talk->link);
	g_ptr_array_unref(talk->answers);
	g_ptr_array_unref(talk->data);
	g_clear_error(&talk->reason);
}

static void
subscribe(struct talk *talk)
{
	g_autoptr(GAsyncResult) result = NULL;
	g_autoptr(GError) error = NULL;

	stp_link_subscribe_async(talk->link, NULL, keep_result, &result);
	WAIT_FOR(result != NULL);
	if (!stp_link_subscribe_finish(talk->link, result, &error))
		fail_msg("subscribe: %s", error->message);
}

static GBytes *
read_value(struct talk *talk, StpChannel channel)
{
	g_autoptr(GAsyncResult) result = NULL;
	g_autoptr(GError) error = NULL;
	GBytes *value;

	stp_link_read_async(talk->link, channel, NULL, keep_result, &result);
	WAIT_FOR(result != NULL);
	value = stp_link_read_finish(talk->link, result, &error);
	if (value == NULL)
		fail_msg("read %s: %s", stp_channel_name(channel), error->message);
	return value;
}

static void
ask(struct talk *talk, const struct stp_request *request, struct stp_answer *out)
{
	guint8 bytes[STP_CONTROL_SIZE_MAX];
	size_t size;
	g_autoptr(GBytes) value = NULL;
	g_autoptr(GAsyncResult) result = NULL;
	g_autoptr(GError) error = NULL;
	guint before = talk->answers->len;

	assert_int_equal(stp_request_encode(request, bytes, &size), STP_OK);
	value = g_bytes_new(bytes, size);
	stp_link_write_async(talk->link, STP_CHANNEL_LOG_CONTROL, value, TRUE, NULL, keep_result, &result);
	WAIT_FOR(result != NULL);
	if (!stp_link_write_finish(talk->link, result, &error))
		fail_msg("write: %s", error->message);
	WAIT_FOR(talk->answers->len > before);
	assert_int_equal(stp_answer_decode(g_bytes_get_data(talk->answers->pdata[before], NULL),
					   g_bytes_get_size(talk->answers->pdata[before]), out),
			 STP_OK);
	assert_int_equal(out->op, request->op);
	assert_int_equal(out->status, STP_WIRE_SUCCESS);
}

static gsize
payload(struct talk *talk)
{
	gsize sum = 0;

	for (guint i = 0; i < talk->data->len; i++)
		sum += g_bytes_get_size(talk->data->pdata[i]) - 4;
	return sum;
}

/* Bring home the list of the pen's records: both subscriptions carry something. */
static void
talk_to_pen(struct talk *talk)
{
	struct stp_request hello = { .op = STP_OP_HELLO, .token = 1, .u.hello.collector_id = "collect" };
	struct stp_request state = { .op = STP_OP_GET_STATE, .token = 2 };
	struct stp_request list = { .op = STP_OP_LIST, .token = 3 };
	struct stp_answer told;

	ask(talk, &hello, &told);
	ask(talk, &state, &told);
	assert_in_range(told.u.state.newest, told.u.state.oldest, 1000);
	list.u.list.epoch = told.u.state.epoch;
	list.u.list.from = told.u.state.oldest;
	list.u.list.to = told.u.state.newest;
	list.u.list.window = STP_WINDOW_DEFAULT;
	ask(talk, &list, &told);
	assert_int_equal(told.u.sent.sent,
			 (list.u.list.to - list.u.list.from + 1) * STP_ENTRY_SIZE);
	WAIT_FOR(payload(talk) >= told.u.sent.sent);
	assert_int_equal(payload(talk), told.u.sent.sent);
}

static void
test_found(void **state)
{
	guint poll = g_timeout_add(20, tick, NULL);

	WAIT_FOR(find_pen());
	g_source_remove(poll);
}

static void
test_features_need_no_bond(void **state)
{
	struct talk talk;
	g_autoptr(GBytes) value = NULL;
	struct stp_features features;

	open_link(&talk);
	assert_false(stp_link_get_authenticated(talk.link));
	value = read_value(&talk, STP_CHANNEL_FEATURES);
	assert_int_equal(stp_features_decode(g_bytes_get_data(value, NULL), g_bytes_get_size(value), &features),
			 STP_OK);
	assert_int_equal(features.schema_rev, STP_SCHEMA_REV);
	end_talk(&talk);
}

static void
test_a_wrong_code(void **state)
{
	g_autoptr(GError) error = NULL;

	wrong_by = 1;
	assert_false(pair(&error));
	assert_error(error, STP_ERROR_PAIRING_FAILED, "code was wrong");
}

static void
test_the_right_code(void **state)
{
	g_autoptr(GError) error = NULL;

	wrong_by = 0;
	if (!pair(&error))
		fail_msg("%s", error->message);
}

static void
test_talk(void **state)
{
	struct talk talk;
	g_autoptr(GBytes) serial = NULL;
	g_autoptr(GBytes) battery = NULL;
	g_autoptr(GBytes) clock = NULL;

	open_link(&talk);
	assert_true(stp_link_get_authenticated(talk.link));
	serial = read_value(&talk, STP_CHANNEL_SERIAL);
	assert_int_equal(g_bytes_get_size(serial), strlen(SERIAL));
	assert_memory_equal(g_bytes_get_data(serial, NULL), SERIAL, strlen(SERIAL));
	battery = read_value(&talk, STP_CHANNEL_BATTERY);
	assert_int_equal(g_bytes_get_size(battery), 1);
	clock = read_value(&talk, STP_CHANNEL_ELAPSED_TIME);
	assert_true(g_bytes_get_size(clock) >= 9);
	subscribe(&talk);
	assert_int_equal(stp_link_get_mtu(talk.link), 517);
	talk_to_pen(&talk);
	assert_null(talk.reason);
	end_talk(&talk);
}

static void
test_the_link_drops(void **state)
{
	struct talk talk;

	open_link(&talk);
	subscribe(&talk);
	talk_to_pen(&talk);
	if (bus != NULL)
		fault("DropLink", g_variant_new("(s)", "hci1"));
	else
		lab("echo loss hci1 > /run/radio");
	WAIT_FOR(talk.reason != NULL);
	assert_error(talk.reason, STP_ERROR_LINK_FAILED, "was lost");
	end_talk(&talk);

	open_link(&talk);
	subscribe(&talk);
	talk_to_pen(&talk);
	end_talk(&talk);
}

static void
test_bluetoothd_restarts(void **state)
{
	struct talk talk;
	guint poll = g_timeout_add(20, tick, NULL);

	open_link(&talk);
	subscribe(&talk);
	if (bus != NULL)
		fault("Restart", g_variant_new("(u)", 300));
	else
		lab("kill -9 $(pidof bluetoothd)");
	WAIT_FOR(talk.reason != NULL);
	/* Which one depends on whether its objects or its name go first. */
	assert_true(g_error_matches(talk.reason, STP_ERROR, STP_ERROR_NO_BLUETOOTH) ||
		    g_error_matches(talk.reason, STP_ERROR, STP_ERROR_NO_ADAPTER) ||
		    g_error_matches(talk.reason, STP_ERROR, STP_ERROR_LINK_FAILED));
	end_talk(&talk);
	WAIT_FOR(stp_radio_get_state(radio) == STP_RADIO_NO_BLUETOOTH);
	if (bus == NULL)
		lab("/run/lab/bluetoothd > /dev/null 2>&1 &");
	WAIT_FOR(stp_radio_get_state(radio) == STP_RADIO_SCANNING);

	/* The pen comes back to the air by itself, and the bond has outlived it. */
	WAIT_FOR(find_pen());
	g_source_remove(poll);
	open_link(&talk);
	assert_true(stp_link_get_authenticated(talk.link));
	subscribe(&talk);
	talk_to_pen(&talk);
	end_talk(&talk);
}

static void
test_forget(void **state)
{
	g_autoptr(GAsyncResult) result = NULL;

	stp_radio_forget_async(radio, pen, NULL, keep_result, &result);
	WAIT_FOR(result != NULL);
	assert_true(stp_radio_forget_finish(radio, result, NULL));
}

int
main(void)
{
	/* One story, in this order. */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found),
		cmocka_unit_test(test_features_need_no_bond),
		cmocka_unit_test(test_a_wrong_code),
		cmocka_unit_test(test_the_right_code),
		cmocka_unit_test(test_talk),
		cmocka_unit_test(test_the_link_drops),
		cmocka_unit_test(test_bluetoothd_restarts),
		cmocka_unit_test(test_forget),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
