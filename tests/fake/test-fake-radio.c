/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
/* The fake's radio: discovery, connections, pairing, adapters that come and go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "test-fixture.h"

#define OTHER_UUID "0000180f-0000-1000-8000-00805f9b34fb"
#define ADAPTER	   "org.bluez.Adapter1"
#define DEVICE	   "org.bluez.Device1"

static void
assert_word(GError *error, const char *word)
{
	g_autofree char *actual = test_error_word(error);

	assert_non_null(actual);
	assert_string_equal(actual, word);
	g_error_free(error);
}

static void
set_filter(Fixture *fixture, const char *uuid)
{
	g_auto(GVariantBuilder) filter = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_VARDICT);
	const char *const uuids[] = { uuid, NULL };
	g_autoptr(GVariant) reply = NULL;

	g_variant_builder_add(&filter, "{sv}", "UUIDs", g_variant_new_strv(uuids, -1));
	reply = test_central_adapter(fixture->central, "SetDiscoveryFilter", g_variant_new("(a{sv})", &filter),
				     NULL);
	assert_non_null(reply);
}

static void
adapter_call(Fixture *fixture, const char *method, const char *word)
{
	GError *error = NULL;
	g_autoptr(GVariant) reply = test_central_adapter(fixture->central, method, NULL, &error);

	if (word)
		assert_word(error, word);
	else
		assert_non_null(reply);
}

static guint8
seen_status(Fixture *fixture)
{
	g_autofree char *path = test_device_path(PEN_ADDRESS);
	g_autoptr(GVariant) data = test_central_property(fixture->central, path, DEVICE, "ServiceData");
	g_autoptr(GVariant) value = data ? g_variant_lookup_value(data, TEST_SERVICE, NULL) : NULL;

	return value ? *(const guint8 *)g_variant_get_data(value) : 0xff;
}

static gboolean
status_is_seven(gpointer data)
{
	return seen_status(data) == 7;
}

static gboolean
has_rssi(gpointer data)
{
	g_autofree char *path = test_device_path(PEN_ADDRESS);
	g_autoptr(GVariant) rssi =
		test_central_property(((Fixture *)data)->central, path, DEVICE, "RSSI");

	return rssi != NULL;
}

static gboolean
has_no_rssi(gpointer data)
{
	return !has_rssi(data);
}

static void
test_finds_by_listed_uuid_only(void **state)
{
	Fixture *fixture = fixture_new("--advert-interval 10", "NoInputNoOutput", NULL);
	g_autofree char *path = test_device_path(PEN_ADDRESS);

	adapter_call(fixture, "StopDiscovery", "Failed");
	/* The battery service is in nobody's list. */
	set_filter(fixture, OTHER_UUID);
	adapter_call(fixture, "StartDiscovery", NULL);
	adapter_call(fixture, "StartDiscovery", "InProgress");
	test_pen_set_status(fixture->pen, 7);
	assert_false(private_wait(has_rssi, fixture, 100));

	set_filter(fixture, TEST_SERVICE);
	assert_true(test_central_wait_object(fixture->central, path, TRUE));
	assert_true(private_wait(status_is_seven, fixture, 5000));
	assert_true(has_rssi(fixture));
	adapter_call(fixture, "StopDiscovery", NULL);
	assert_true(private_wait(has_no_rssi, fixture, 5000));
	fixture_free(fixture);
}

static void
test_service_data_is_no_uuid_list(void **state)
{
	Fixture *fixture = fixture_new("--advert-interval 10 --bare-adverts", "NoInputNoOutput", NULL);
	g_autofree char *path = test_device_path(PEN_ADDRESS);
	g_autoptr(GVariant) reply = NULL;

	set_filter(fixture, TEST_SERVICE);
	adapter_call(fixture, "StartDiscovery", NULL);
	assert_false(private_wait(has_rssi, fixture, 100));
	/* Without a filter it is found, and its data are there. */
	reply = test_central_adapter(fixture->central, "SetDiscoveryFilter", g_variant_new("(a{sv})", NULL), NULL);
	assert_non_null(reply);
	assert_true(test_central_wait_object(fixture->central, path, TRUE));
	assert_int_equal(seen_status(fixture), 0);
	fixture_free(fixture);
}

static gboolean
discovers(gpointer data)
{
	g_autoptr(GVariant) value =
		test_central_property(((Fixture *)data)->central, "/org/bluez/hci0", ADAPTER, "Discovering");

	return value && g_variant_get_boolean(value);
}

static gboolean
discovers_not(gpointer data)
{
	return !discovers(data);
}

static void
test_discovery_ends_with_its_client(void **state)
{
	Fixture *fixture = fixture_new("", "NoInputNoOutput", NULL);
	TestCentral *other = test_central_new(fixture->bus, NULL);
	g_autoptr(GVariant) reply = test_central_adapter(other, "StartDiscovery", NULL, NULL);

	assert_non_null(reply);
	assert_true(private_wait(discovers, fixture, 5000));
	test_central_free(other);
	assert_true(private_wait(discovers_not, fixture, 5000));
	fixture_free(fixture);
}

static void
test_forgets_who_is_not_heard(void **state)
{
	Fixture *fixture = fixture_new("--temporary-timeout 150 --advert-interval 10", "NoInputNoOutput", NULL);
	g_autofree char *path = test_device_path(PEN_ADDRESS);

	assert_true(test_central_discover(fixture->central, PEN_ADDRESS, TEST_SERVICE));
	assert_true(test_central_wait_object(fixture->central, path, FALSE));
	/* Who was connected is kept. */
	assert_true(test_central_connect(fixture->central, PEN_ADDRESS, NULL));
	fixture_air(fixture, "DropLink", g_variant_new("(s)", "hci1"));
	assert_true(test_central_wait(fixture->central, PEN_ADDRESS, "Connected", FALSE));
	/* Its view of us was only ever temporary: once that is gone, ours must still be there. */
	assert_true(test_central_wait_object(fixture->central, HOST_AT_PEN, FALSE));
	assert_true(test_central_wait_object(fixture->central, path, TRUE));
	fixture_free(fixture);
}

static void
test_refuses_what_does_not_fit(void **state)
{
	Fixture *fixture = fixture_new("", NULL, NULL);
	TestPen *pen = test_pen_new(fixture->bus, PEN_ADAPTER, "NoInputNoOutput");
	GError *error = NULL;

	/* 128-bit UUID list and service data together are more than 31 bytes. */
	pen->lists_uuid = TRUE;
	assert_false(test_pen_advertise(pen, &error));
	assert_word(error, "Failed");
	test_pen_free(pen);
	fixture_free(fixture);
}

static void
test_both_ends_see_the_link(void **state)
{
	Fixture *fixture = fixture_new("", "NoInputNoOutput", NULL);
	g_autoptr(GVariant) reply = NULL;

	assert_true(test_central_connect(fixture->central, PEN_ADDRESS, NULL));
	assert_true(test_central_is(fixture->central, PEN_ADDRESS, "Connected"));
	assert_true(test_central_wait_object(fixture->central, HOST_AT_PEN, TRUE));
	/* The peripheral's end hangs up. */
	reply = test_call(fixture->pen->connection, HOST_AT_PEN, DEVICE, "Disconnect", NULL, NULL, NULL);
	assert_non_null(reply);
	assert_true(test_central_wait(fixture->central, PEN_ADDRESS, "Connected", FALSE));
	assert_false(test_central_is(fixture->central, PEN_ADDRESS, "ServicesResolved"));
	/* It advertises again by itself. */
	assert_true(test_central_connect(fixture->central, PEN_ADDRESS, NULL));
	fixture_free(fixture);
}

static void
test_connect_gives_up(void **state)
{
	Fixture *fixture = fixture_new("--connect-timeout 100", "NoInputNoOutput", NULL);
	GError *error = NULL;
	g_autoptr(GVariant) reply = NULL;

	assert_true(test_central_discover(fixture->central, PEN_ADDRESS, TEST_SERVICE));
	fixture_air(fixture, "PowerOff", g_variant_new("(s)", "hci1"));
	reply = test_central_device(fixture->central, PEN_ADDRESS, "Connect", &error);
	assert_null(reply);
	assert_non_null(strstr(error->message, "le-connection-abort-by-local"));
	assert_word(error, "Failed");
	fixture_free(fixture);
}

static void
test_pairs_by_passkey(void **state)
{
	Fixture *fixture = fixture_new("", "DisplayOnly", "KeyboardDisplay");
	g_autoptr(GVariant) value = NULL;
	GError *error = NULL;
	g_autofree char *word = NULL;

	assert_null(fixture_pair(fixture));
	assert_true(fixture->pen->shown);
	assert_true(test_central_is(fixture->central, PEN_ADDRESS, "Paired"));
	assert_true(test_central_is(fixture->central, PEN_ADDRESS, "Bonded"));
	value = test_central_chr(fixture->central, PEN_ADDRESS, TEST_SECRET, "ReadValue", no_options(), NULL,
				 &error);
	assert_null(error);
	assert_non_null(value);
	word = fixture_pair(fixture);
	assert_string_equal(word, "AuthenticationFailed");
	/* CancelPairing where there is nothing to cancel takes the bond. */
	g_clear_pointer(&value, g_variant_unref);
	value = test_central_device(fixture->central, PEN_ADDRESS, "CancelPairing", &error);
	assert_null(value);
	assert_word(error, "DoesNotExist");
	assert_true(test_central_wait(fixture->central, PEN_ADDRESS, "Bonded", FALSE));
	assert_true(test_central_wait(fixture->central, PEN_ADDRESS, "Connected", FALSE));
	fixture_free(fixture);
}

static void
test_refuses_a_wrong_passkey(void **state)
{
	Fixture *fixture = fixture_new("", "DisplayOnly", "KeyboardOnly");
	g_autofree char *word = NULL;

	fixture->central->offset = 1;
	word = fixture_pair(fixture);
	assert_string_equal(word, "AuthenticationFailed");
	assert_false(test_central_is(fixture->central, PEN_ADDRESS, "Bonded"));
	assert_true(test_central_is(fixture->central, PEN_ADDRESS, "Connected"));
	/* The next try goes well. */
	fixture->central->offset = 0;
	fixture->pen->shown = FALSE;
	assert_null(fixture_pair(fixture));
	fixture_free(fixture);
}

static void
test_pairs_by_comparison(void **state)
{
	Fixture *fixture = fixture_new("", "KeyboardDisplay", "KeyboardDisplay");
	g_autofree char *word = NULL;
	g_autoptr(GVariant) value = NULL;

	fixture->pen->refuse = TRUE;
	word = fixture_pair(fixture);
	assert_string_equal(word, "AuthenticationFailed");
	fixture->pen->refuse = FALSE;
	assert_null(fixture_pair(fixture));
	assert_int_equal(fixture->central->compared, fixture->pen->passkey);
	assert_int_equal(fixture->pen->asked, 2);
	value = test_central_chr(fixture->central, PEN_ADDRESS, TEST_SECRET, "ReadValue", no_options(), NULL, NULL);
	assert_non_null(value);
	fixture_free(fixture);
}

static void
test_just_works_is_not_authenticated(void **state)
{
	Fixture *fixture = fixture_new("", "NoInputNoOutput", "NoInputNoOutput");
	g_autoptr(GVariant) guarded = NULL, secret = NULL;
	GError *error = NULL;

	assert_null(fixture_pair(fixture));
	guarded = test_central_chr(fixture->central, PEN_ADDRESS, TEST_GUARDED, "ReadValue", no_options(), NULL,
				   NULL);
	assert_non_null(guarded);
	/* As seen in the lab: ATT 0x0e, and the link is gone. */
	secret = test_central_chr(fixture->central, PEN_ADDRESS, TEST_SECRET, "ReadValue", no_options(), NULL,
				  &error);
	assert_null(secret);
	assert_non_null(strstr(error->message, "0x0e"));
	assert_word(error, "Failed");
	assert_true(test_central_wait(fixture->central, PEN_ADDRESS, "Connected", FALSE));
	fixture_free(fixture);
}

static void
test_reading_may_pair(void **state)
{
	Fixture *fixture = fixture_new("", "NoInputNoOutput", "NoInputNoOutput");
	g_autoptr(GVariant) value = NULL;

	assert_true(test_central_connect(fixture->central, PEN_ADDRESS, NULL));
	assert_false(test_central_is(fixture->central, PEN_ADDRESS, "Bonded"));
	value = test_central_chr(fixture->central, PEN_ADDRESS, TEST_GUARDED, "ReadValue", no_options(), NULL, NULL);
	assert_non_null(value);
	assert_true(test_central_is(fixture->central, PEN_ADDRESS, "Bonded"));
	fixture_free(fixture);
}

static void
test_pairing_takes_only_so_long(void **state)
{
	Fixture *fixture = fixture_new("--pair-timeout 100", "DisplayOnly", "KeyboardOnly");
	const gboolean never = FALSE;
	g_autofree char *word = NULL;

	fixture->central->passkey_shown = &never;
	word = fixture_pair(fixture);
	assert_string_equal(word, "AuthenticationCanceled");
	assert_true(test_central_wait(fixture->central, PEN_ADDRESS, "Connected", FALSE));
	fixture_free(fixture);
}

static void
test_a_one_sided_bond_does_not_connect(void **state)
{
	Fixture *fixture = fixture_new("", "DisplayOnly", "KeyboardOnly");
	g_autoptr(GVariant) reply = NULL, removed = NULL;
	g_autofree char *path = test_device_path(PEN_ADDRESS);
	GError *error = NULL;

	assert_null(fixture_pair(fixture));
	fixture_air(fixture, "ForgetBond", g_variant_new("(ss)", "hci1", HOST_ADDRESS));
	fixture_air(fixture, "DropLink", g_variant_new("(s)", "hci0"));
	assert_true(test_central_wait(fixture->central, PEN_ADDRESS, "Connected", FALSE));
	reply = test_central_device(fixture->central, PEN_ADDRESS, "Connect", &error);
	assert_null(reply);
	assert_word(error, "Failed");
	assert_true(test_central_is(fixture->central, PEN_ADDRESS, "Bonded"));

	/* The repair: forget here too, and pair again. */
	removed = test_central_adapter(fixture->central, "RemoveDevice", g_variant_new("(o)", path), NULL);
	assert_non_null(removed);
	assert_true(test_central_wait_object(fixture->central, path, FALSE));
	fixture->pen->shown = FALSE;
	assert_null(fixture_pair(fixture));
	fixture_free(fixture);
}

static void
test_pairs_only_when_pairable(void **state)
{
	Fixture *fixture = fixture_new("", "DisplayOnly", "KeyboardOnly");
	g_autoptr(GVariant) reply = test_call(
		fixture->pen->connection, PEN_ADAPTER, "org.freedesktop.DBus.Properties", "Set",
		g_variant_new("(ssv)", ADAPTER, "Pairable", g_variant_new_boolean(FALSE)), NULL, NULL);
	g_autofree char *word = NULL;

	assert_non_null(reply);
	word = fixture_pair(fixture);
	assert_string_equal(word, "AuthenticationFailed");
	assert_false(fixture->pen->shown);
	fixture_free(fixture);
}

static void
test_no_bond_is_replaced_without_a_person(void **state)
{
	Fixture *fixture = fixture_new("", "NoInputNoOutput", "NoInputNoOutput");
	g_autofree char *word = NULL;

	assert_null(fixture_pair(fixture));
	fixture_air(fixture, "ForgetBond", g_variant_new("(ss)", "hci0", PEN_ADDRESS));
	word = fixture_pair(fixture);
	assert_string_equal(word, "AuthenticationFailed");
	fixture_free(fixture);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds_by_listed_uuid_only),
		cmocka_unit_test(test_service_data_is_no_uuid_list),
		cmocka_unit_test(test_discovery_ends_with_its_client),
		cmocka_unit_test(test_forgets_who_is_not_heard),
		cmocka_unit_test(test_refuses_what_does_not_fit),
		cmocka_unit_test(test_both_ends_see_the_link),
		cmocka_unit_test(test_connect_gives_up),
		cmocka_unit_test(test_pairs_by_passkey),
		cmocka_unit_test(test_refuses_a_wrong_passkey),
		cmocka_unit_test(test_pairs_by_comparison),
		cmocka_unit_test(test_just_works_is_not_authenticated),
		cmocka_unit_test(test_reading_may_pair),
		cmocka_unit_test(test_pairing_takes_only_so_long),
		cmocka_unit_test(test_pairs_only_when_pairable),
		cmocka_unit_test(test_no_bond_is_replaced_without_a_person),
		cmocka_unit_test(test_a_one_sided_bond_does_not_connect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
