/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/*
 * How pens are heard without and with advertisement monitors, and what becomes of an adapter that hears
 * nothing any more, over the fake BlueZ and a simulated pen.
 */

#include "bluez-watchdog.h"

#include "bluez-dbus.h"
#include "bluez-radio.h"
#include "power-mark.h"
#include "private-bus.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "await.h"

#define LONG_MS 60000
#define WINDOW_MS 100

/* A monitor's seconds last 10 ms: found after 0.1 s, lost after 0.65 s. */
#define MONITORS "--monitors", "--monitor-second", "10"

struct silence {
	PrivateBus *bus;
	PrivateChild *pens;
	GDBusConnection *connection;
	StpBluezClient *client;
	StpBluezAdapter *adapter;
	StpBluezMonitor *monitor;
	StpBluezSightings *sightings;
	StpBluezScanner *scanner;
	StpBluezWatchdog *watchdog;
	guint told, found, power_offs;
	char *mark;		/* of the watchdog; NULL: none */
	gboolean marked;	/* it was there whenever the adapter was switched off */
	gboolean in_sight;
};

static void
on_sighting(StpBluezSightings *sightings, const StpSighting *sighting, struct silence *world)
{
	world->told++;
	world->in_sight = sighting->in_sight;
}

static void
on_found(StpBluezMonitor *monitor, const char *path, struct silence *world)
{
	world->found++;
}

static void
on_properties(StpBluezClient *client, GDBusProxy *proxy, GVariant *changed, struct silence *world)
{
	gboolean powered = TRUE;

	if (stp_bluez_is(proxy, STP_BLUEZ_IFACE_ADAPTER) && g_variant_lookup(changed, "Powered", "b", &powered) &&
	    !powered) {
		world->power_offs++;
		world->marked = world->mark != NULL && g_file_test(world->mark, G_FILE_TEST_EXISTS);
	}
}

static void
air(struct silence *world, const char *method, GVariant *arguments)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply =
		g_dbus_connection_call_sync(world->connection, "org.bluez", "/org/bluez/fake",
					    "org.stipple1.test.Air1", method, arguments, NULL,
					    G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);

	if (reply == NULL)
		fail_msg("%s: %s", method, error->message);
}

/* It tells of itself by service data alone; where it may, the fake lists their UUID, too. */
static void
switch_pen_on(struct silence *world)
{
	const char *const pensim[] = { PENSIM, "--adapters=hci1", "--epoch=1", "--advert=data", NULL };
	g_autofree char *line = NULL;

	world->pens = private_bus_spawn(world->bus, pensim, NULL);
	line = private_child_wait_line(world->pens, "\"started\"", 10000);
	assert_non_null(line);
}

static void
switch_pen_off(struct silence *world)
{
	private_child_stop(world->pens, SIGTERM, 5000);
}

static void
begin(struct silence *world, const char *const *fake)
{
	*world = (struct silence){ .bus = private_bus_new() };
	assert_non_null(world->bus);
	assert_non_null(private_bus_spawn(world->bus, fake, NULL));
	assert_true(private_bus_wait_for_name(world->bus, "org.bluez", 10000));
	world->connection = private_bus_connect(world->bus, NULL);
	world->client = stp_bluez_client_new(world->connection);
	world->adapter = stp_bluez_adapter_new(world->client, "00:AA:01:00:00:42");
	world->monitor = stp_bluez_monitor_new(world->client, world->adapter);
	world->sightings = stp_bluez_sightings_new(world->client, world->adapter);
	stp_bluez_sightings_follow(world->sightings, world->monitor);
	world->scanner = stp_bluez_scanner_new(world->adapter, world->monitor);
	world->watchdog =
		stp_bluez_watchdog_new(world->client, world->adapter, world->scanner, world->sightings);
	g_signal_connect(world->sightings, "sighting", G_CALLBACK(on_sighting), world);
	g_signal_connect(world->monitor, "found", G_CALLBACK(on_found), world);
	g_signal_connect(world->client, "properties-changed", G_CALLBACK(on_properties), world);
	stp_bluez_scanner_set_times(world->scanner, WINDOW_MS, WINDOW_MS, 2 * WINDOW_MS);
}

static void
start(struct silence *world)
{
	stp_bluez_scanner_start(world->scanner);
	stp_bluez_client_start(world->client);
	WAIT_FOR(stp_bluez_scanner_get_state(world->scanner) == STP_RADIO_SCANNING);
}

static void
end(struct silence *world)
{
	run_pending();
	g_assert_finalize_object(world->watchdog);
	g_assert_finalize_object(world->scanner);
	g_assert_finalize_object(world->sightings);
	g_assert_finalize_object(world->monitor);
	g_assert_finalize_object(world->adapter);
	g_object_unref(world->client);
	g_object_unref(world->connection);
	private_bus_free(world->bus);
}

/* Not in the middle of the call that ends the first window. */
static void
wait_passive(struct silence *world)
{
	WAIT_FOR(stp_bluez_scanner_get_mode(world->scanner) == STP_SCAN_PASSIVE);
	WAIT_FOR(!stp_bluez_scanner_is_discovering(world->scanner) &&
		 !stp_bluez_scanner_sees_foreign(world->scanner));
}

static void
assert_duty_cycled(struct silence *world, const char *why)
{
	WAIT_FOR(strstr(stp_bluez_scanner_get_why(world->scanner), why) != NULL);
	assert_int_equal(stp_bluez_scanner_get_mode(world->scanner), STP_SCAN_DUTY_CYCLED);
	switch_pen_on(world);
	WAIT_FOR(world->in_sight);
}

/* ---- P40, P43: which way, and why ---- */

static gboolean
is_passive(StpRadio *radio)
{
	g_autoptr(GPtrArray) reports = stp_radio_get_adapters(radio);

	return reports->len == 1 && ((StpAdapterReport *)reports->pdata[0])->scan_mode == STP_SCAN_PASSIVE;
}

static void
p40_passive_scanning_sees_pens_come_and_go(void **state)
{
	const char *const fake[] = { FAKE_BLUEZ, MONITORS, "--advert-interval", "20", NULL };
	struct silence world;
	guint told;

	begin(&world, fake);
	start(&world);
	wait_passive(&world);
	assert_string_equal(stp_bluez_scanner_get_why(world.scanner), "");

	switch_pen_on(&world);
	WAIT_FOR(world.in_sight && world.found == 1);
	assert_false(stp_bluez_scanner_is_discovering(world.scanner));
	switch_pen_off(&world);
	WAIT_FOR(!world.in_sight);

	/* The same pen with the same news: nothing of its Device1 changes, but it is found. */
	told = world.told;
	switch_pen_on(&world);
	WAIT_FOR(world.told > told && world.in_sight);
	assert_false(stp_bluez_scanner_is_discovering(world.scanner));
	end(&world);
}

static void
p40_who_searches_gets_discovery_all_the_same(void **state)
{
	const char *const fake[] = { FAKE_BLUEZ, MONITORS, NULL };
	struct silence world;

	begin(&world, fake);
	start(&world);
	wait_passive(&world);
	stp_bluez_scanner_hold(world.scanner, FALSE);
	/* What was begun before the monitor was there runs out. */
	WAIT_FOR(!stp_bluez_scanner_is_discovering(world.scanner));
	stp_bluez_scanner_hold(world.scanner, TRUE);
	WAIT_FOR(stp_bluez_scanner_is_discovering(world.scanner));
	stp_bluez_scanner_release(world.scanner, TRUE);
	stp_bluez_scanner_release(world.scanner, FALSE);
	WAIT_FOR(!stp_bluez_scanner_is_discovering(world.scanner));
	end(&world);
}

static void
p40_without_monitors(void **state)
{
	const char *const fake[] = { FAKE_BLUEZ, "--advert-interval", "20", NULL };
	struct silence world;

	begin(&world, fake);
	start(&world);
	assert_duty_cycled(&world, "has no advertisement monitors");
	end(&world);
}

static void
p40_refused_monitor(void **state)
{
	const char *const fake[] = { FAKE_BLUEZ, MONITORS, "--advert-interval", "20", NULL };
	struct silence world;

	begin(&world, fake);
	air(&world, "FailMonitors", g_variant_new("(s)", "refused"));
	start(&world);
	assert_duty_cycled(&world, "refused the advertisement monitor");
	end(&world);

	begin(&world, fake);
	air(&world, "FailNext", g_variant_new("(sssu)", "AdvertisementMonitorManager1.RegisterMonitor",
					      "org.bluez.Error.Failed", "Failed to create Adv Monitor app", 1));
	start(&world);
	assert_duty_cycled(&world, "Failed to create Adv Monitor app");
	end(&world);
}

static void
p40_monitor_never_activated(void **state)
{
	const char *const fake[] = { FAKE_BLUEZ, MONITORS, "--advert-interval", "20", NULL };
	struct silence world;

	begin(&world, fake);
	air(&world, "FailMonitors", g_variant_new("(s)", "ignored"));
	start(&world);
	assert_duty_cycled(&world, "did not activate");
	end(&world);
}

static void
p40_released_monitor(void **state)
{
	const char *const fake[] = { FAKE_BLUEZ, MONITORS, "--advert-interval", "20", NULL };
	struct silence world;

	begin(&world, fake);
	start(&world);
	wait_passive(&world);
	air(&world, "ReleaseMonitors", g_variant_new("(s)", "hci0"));
	assert_duty_cycled(&world, "has released");
	end(&world);
}

/* Service data are all that such a pen tells: no filter on UUIDs sees it, the monitor's pattern does. */
static void
p43_monitor_sees_service_data(void **state)
{
	const char *const without[] = { FAKE_BLUEZ, "--bare-adverts", "--advert-interval", "20", NULL };
	const char *const with[] = { FAKE_BLUEZ, MONITORS, "--bare-adverts", "--advert-interval", "20", NULL };
	struct silence world;
	guint windows = 0;

	begin(&world, without);
	start(&world);
	switch_pen_on(&world);
	/* Two windows, from their beginning to their end. */
	while (windows++ < 2) {
		WAIT_FOR(stp_bluez_scanner_is_discovering(world.scanner));
		WAIT_FOR(!stp_bluez_scanner_is_discovering(world.scanner));
	}
	assert_int_equal(world.told, 0);
	end(&world);

	begin(&world, with);
	start(&world);
	switch_pen_on(&world);
	WAIT_FOR(world.in_sight);
	end(&world);
}

/* Another program's discovery is no trouble, but it is said. */
static void
p8_foreign_discovery_is_seen(void **state)
{
	const char *const fake[] = { FAKE_BLUEZ, MONITORS, NULL };
	struct silence world;
	g_autoptr(GDBusConnection) other = NULL;
	g_autoptr(GVariant) reply = NULL;

	begin(&world, fake);
	other = private_bus_connect(world.bus, NULL);
	start(&world);
	wait_passive(&world);
	reply = g_dbus_connection_call_sync(other, "org.bluez", "/org/bluez/hci0", STP_BLUEZ_IFACE_ADAPTER,
					    "StartDiscovery", NULL, NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL);
	assert_non_null(reply);
	WAIT_FOR(stp_bluez_scanner_sees_foreign(world.scanner));
	assert_int_equal(stp_bluez_scanner_get_state(world.scanner), STP_RADIO_SCANNING);
	g_dbus_connection_close_sync(other, NULL, NULL);
	WAIT_FOR(!stp_bluez_scanner_sees_foreign(world.scanner));
	end(&world);
}

/* The same of the whole radio, whose adapter was there before it. */
static void
p40_radio_says_which(void **state)
{
	const char *const fake[] = { FAKE_BLUEZ, MONITORS, NULL };
	const char *const adapters[] = { "hci0", NULL };
	g_autoptr(PrivateBus) bus = private_bus_new();
	g_autoptr(GDBusConnection) connection = NULL;
	g_autoptr(GPtrArray) reports = NULL;
	StpRadio *radio;

	assert_non_null(private_bus_spawn(bus, fake, NULL));
	assert_true(private_bus_wait_for_name(bus, "org.bluez", 10000));
	connection = private_bus_connect(bus, NULL);
	radio = stp_bluez_radio_new(connection, &(StpBluezRadioOptions){ .adapters = adapters });
	stp_radio_start(radio);
	WAIT_FOR(is_passive(radio));
	reports = stp_radio_get_adapters(radio);
	assert_string_equal(((StpAdapterReport *)reports->pdata[0])->scan_why, "");

	stp_radio_watch(radio, FALSE);
	WAIT_FOR(!is_passive(radio));
	run_pending();
	g_assert_finalize_object(radio);
}

/* ---- P12: silence ---- */

/* A pen was heard, and then the adapter falls deaf. */
static void
fall_deaf(struct silence *world, const char *const *fake, const char *till)
{
	begin(world, fake);
	stp_bluez_watchdog_set_times(world->watchdog, 300, 200, 10);
	start(world);
	switch_pen_on(world);
	WAIT_FOR(world->in_sight && world->found == 1);
	air(world, "Deafen", g_variant_new("(ss)", "hci0", till));
}

static const char *const deaf_passively[] = { FAKE_BLUEZ, MONITORS, "--advert-interval", "20", NULL };

static void
p12_a_new_beginning_helps(void **state)
{
	struct silence world;
	guint told;

	fall_deaf(&world, deaf_passively, "scan");
	WAIT_FOR(!world.in_sight);
	told = world.told;
	WAIT_FOR(world.told > told && world.in_sight);
	assert_int_equal(world.power_offs, 0);
	assert_false(stp_bluez_watchdog_is_silent(world.watchdog));
	end(&world);
}

static void
p12_power_helps(void **state)
{
	struct silence world;
	guint told;

	fall_deaf(&world, deaf_passively, "power");
	world.mark = stp_power_mark_path(private_bus_directory(world.bus), "00:AA:01:00:00:42");
	stp_bluez_watchdog_set_mark(world.watchdog, world.mark);
	WAIT_FOR(!world.in_sight);
	told = world.told;
	WAIT_FOR(world.told > told && world.in_sight);
	assert_int_equal(world.power_offs, 1);
	/* Killed in between, this process would leave word. */
	assert_true(world.marked);
	assert_false(g_file_test(world.mark, G_FILE_TEST_EXISTS));
	assert_false(stp_bluez_watchdog_is_silent(world.watchdog));
	wait_passive(&world);
	g_free(world.mark);
	end(&world);
}

static void
p12_nothing_helps(void **state)
{
	struct silence world;

	fall_deaf(&world, deaf_passively, "ever");
	WAIT_FOR(stp_bluez_watchdog_is_silent(world.watchdog));
	assert_int_equal(world.power_offs, 1);
	/* It ends by itself. */
	air(&world, "Deafen", g_variant_new("(ss)", "hci0", ""));
	WAIT_FOR(!stp_bluez_watchdog_is_silent(world.watchdog));
	end(&world);
}

/* A thing that is no pen, on hci2. */
static void
advertise_something(struct silence *world, GDBusConnection *connection)
{
	const char *const uuids[] = { "0000180d-0000-1000-8000-00805f9b34fb", NULL };
	g_autoptr(BluezLEAdvertisement1) advert = bluez_leadvertisement1_skeleton_new();
	g_autoptr(GAsyncResult) result = NULL;
	g_autoptr(GVariant) reply = NULL;

	bluez_leadvertisement1_set_type_(advert, "peripheral");
	bluez_leadvertisement1_set_service_uuids(advert, uuids);
	assert_true(g_dbus_interface_skeleton_export(G_DBUS_INTERFACE_SKELETON(advert), connection, "/thing", NULL));
	g_dbus_connection_call(connection, "org.bluez", "/org/bluez/hci2", "org.bluez.LEAdvertisingManager1",
			       "RegisterAdvertisement", g_variant_new("(oa{sv})", "/thing", NULL), NULL,
			       G_DBUS_CALL_FLAGS_NONE, -1, NULL, keep_result, &result);
	WAIT_FOR(result != NULL);
	reply = g_dbus_connection_call_finish(connection, result, NULL);
	assert_non_null(reply);
	g_dbus_interface_skeleton_unexport(G_DBUS_INTERFACE_SKELETON(advert));
}

/* Somebody else is heard: the pens have just left. */
static void
p12_pens_that_left_are_no_silence(void **state)
{
	const char *const fake[] = { FAKE_BLUEZ, "--adapters", "3", MONITORS, "--advert-interval", "20", NULL };
	struct silence world;
	g_autoptr(GDBusConnection) other = NULL;

	begin(&world, fake);
	other = private_bus_connect(world.bus, NULL);
	stp_bluez_watchdog_set_times(world.watchdog, 300, 20000, 10);
	start(&world);
	switch_pen_on(&world);
	WAIT_FOR(world.in_sight && world.found == 1);
	advertise_something(&world, other);
	switch_pen_off(&world);
	WAIT_FOR(!world.in_sight);
	/* The probe begins, hears the thing, and ends; there is no second one. */
	WAIT_FOR(stp_bluez_scanner_is_discovering(world.scanner));
	wait_passive(&world);
	assert_int_equal(world.power_offs, 0);
	assert_false(stp_bluez_watchdog_is_silent(world.watchdog));
	end(&world);
}

/* Somebody has a connection over the adapter: it is not switched off. */
static void
p12_a_connection_is_not_cut(void **state)
{
	const char *const fake[] = { FAKE_BLUEZ, "--adapters", "3", "--advert-interval", "20", NULL };
	static const char thing[] = "/org/bluez/hci0/dev_00_AA_01_02_00_42";
	g_autoptr(GDBusConnection) other = NULL;
	g_autoptr(GDBusProxy) device = NULL;
	g_autoptr(GVariant) found = NULL;
	g_autoptr(GVariant) connected = NULL;
	struct silence world;
	guint windows = 0;

	begin(&world, fake);
	other = private_bus_connect(world.bus, NULL);
	start(&world);
	advertise_something(&world, other);
	found = g_dbus_connection_call_sync(other, "org.bluez", "/org/bluez/hci0", STP_BLUEZ_IFACE_ADAPTER,
					    "StartDiscovery", NULL, NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL);
	assert_non_null(found);
	WAIT_FOR((device = stp_bluez_client_find(world.client, thing, STP_BLUEZ_IFACE_DEVICE)) != NULL);
	connected = g_dbus_connection_call_sync(other, "org.bluez", thing, STP_BLUEZ_IFACE_DEVICE, "Connect", NULL,
						NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL);
	assert_non_null(connected);
	WAIT_FOR(stp_bluez_is_connected(device));

	/* Somebody waited; now windows measure the time. */
	stp_bluez_watchdog_set_times(world.watchdog, 1, 1, 1);
	stp_bluez_scanner_hold(world.scanner, TRUE);
	stp_bluez_scanner_release(world.scanner, TRUE);
	while (windows++ < 3) {
		WAIT_FOR(stp_bluez_scanner_is_discovering(world.scanner));
		WAIT_FOR(!stp_bluez_scanner_is_discovering(world.scanner));
	}
	assert_int_equal(world.power_offs, 0);
	assert_false(stp_bluez_watchdog_is_silent(world.watchdog));
	end(&world);
}

/* Without anything to expect it leaves the adapter alone. */
static void
p12_nobody_expected(void **state)
{
	struct silence world;
	guint windows = 0;

	begin(&world, (const char *const[]){ FAKE_BLUEZ, NULL });
	stp_bluez_watchdog_set_times(world.watchdog, 1, 1, 1);
	start(&world);
	while (windows++ < 3) {
		WAIT_FOR(stp_bluez_scanner_is_discovering(world.scanner));
		WAIT_FOR(!stp_bluez_scanner_is_discovering(world.scanner));
	}
	assert_int_equal(world.power_offs, 0);
	assert_false(stp_bluez_watchdog_is_silent(world.watchdog));

	/* Somebody waits. */
	stp_bluez_scanner_hold(world.scanner, TRUE);
	WAIT_FOR(stp_bluez_watchdog_is_silent(world.watchdog));
	WAIT_FOR(world.power_offs == 1);
	end(&world);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(p40_passive_scanning_sees_pens_come_and_go),
		cmocka_unit_test(p40_who_searches_gets_discovery_all_the_same),
		cmocka_unit_test(p40_without_monitors),
		cmocka_unit_test(p40_refused_monitor),
		cmocka_unit_test(p40_monitor_never_activated),
		cmocka_unit_test(p40_released_monitor),
		cmocka_unit_test(p8_foreign_discovery_is_seen),
		cmocka_unit_test(p40_radio_says_which),
		cmocka_unit_test(p43_monitor_sees_service_data),
		cmocka_unit_test(p12_a_new_beginning_helps),
		cmocka_unit_test(p12_power_helps),
		cmocka_unit_test(p12_nothing_helps),
		cmocka_unit_test(p12_pens_that_left_are_no_silence),
		cmocka_unit_test(p12_a_connection_is_not_cut),
		cmocka_unit_test(p12_nobody_expected),
	};

	return cmocka_run_group_tests_name("bluez-silence", tests, NULL, NULL);
}
