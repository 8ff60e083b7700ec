/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "fake-service.h"

/* What each command asks the daemon and prints of its answer. */

#define SESSION_7 \
	"{'id': <'SP-0001/0000002a/7'>, 'pen': <'SP-0001'>, 'epoch': <uint32 42>, 'number': <uint32 7>, " \
	"'start': <int64 1767225600000000>, 'start_uncertainty_ms': <uint32 12>, " \
	"'time_quality': <'anchored'>, 'zone': <'Europe/Berlin'>, 'offset_min': <60>, 'duration_ms': <uint32 1802250>, 'motor_on_ms': <uint32 900000>, " \
	"'strokes': <uint32 100000>, 'samples': <uint32 180000>, 'parts': <uint32 3>, 'complete': <true>, " \
	"'period_ms': <uint32 10>, 'set_depth_min_um': <uint32 250>, 'set_depth_max_um': <uint32 2500>, " \
	"'set_rate_dhz': <uint32 1200>, 'depth_max_um': <uint32 2520>, 'zones': <uint32 5>, " \
	"'passes': <uint32 3>, 'needles': <uint32 12>, 'cartridge': <'0a0b'>, 'firmware': <'=1+1'>, " \
	"'received': <int64 1767230000000000>, 'link': <'authenticated'>, 'chain': <'whole'>, " \
	"'seal': <'sealed'>, 'seal_record': <uint32 4>, 'records': <[uint32 1, 2, 3]>}"
#define SESSION_6 \
	"{'id': <'SP-0001/0000002a/6'>, 'pen': <'SP-0001'>, 'epoch': <uint32 42>, 'number': <uint32 6>, " \
	"'time_quality': <'unknown'>, 'duration_ms': <uint32 5000>, 'samples': <uint32 500>, " \
	"'complete': <false>, 'firmware': <'1.2.3'>}"

static int
setup(void **state)
{
	Fake *fake = fake_new();

	*state = fake;
	fake_add_pen(fake, "SP-0001", "Room 1");
	StpDbusPen1 *full = fake_add_pen(fake, "SP-0002", "Room 2");

	stp_dbus_pen1_set_sessions_left(full, 2);
	stp_dbus_pen1_set_warning(full, "It has room for two.");
	fake_add(fake->sessions, SESSION_7);
	fake_add(fake->sessions, SESSION_6);
	return 0;
}

static int
teardown(void **state)
{
	fake_free(*state);
	return 0;
}

static void
expect_part(Fake *fake, const char *words, int code, const char *part)
{
	g_auto(Outcome) outcome = fake_run(fake, NULL, words);

	if (outcome.code != code || (!strstr(outcome.out, part) && !strstr(outcome.err, part)))
		fail_msg("stipplectl %s: exit code %d, wanted %d and \"%s\"\n%s%s", words, outcome.code, code, part,
			 outcome.out, outcome.err);
}

static void
status(void **state)
{
	Fake *fake = *state;

	fake_expect(fake, "status", 0,
	       "Daemon:    stippled 0.1.0\n"
	       "Collector: 0123456789abcdef\n"
	       "Radio:     scanning\n"
	       "Store:     ok\n"
	       "Pens:      2 enrolled\n"
	       "Sessions:  10 of these pens in the store\n");
	fake_expect(fake, "status --json", 0,
	       "{\"schema\":1,\"daemon\":{\"version\":\"0.1.0\",\"collector_id\":\"0123456789abcdef\"},"
	       "\"radio\":{\"state\":\"scanning\",\"hint\":null},\"store\":{\"state\":\"ok\",\"hint\":null},"
	       "\"adapters\":[],\"pens\":2,\"sessions\":10,\"alerts\":0,\"ok\":true}\n");
	fake_add(fake->adapters, "{'address': <'00:11:22:33:44:55'>, 'path': <'hci1'>, 'state': <'scanning'>, "
				 "'links': <uint32 1>, 'ceiling': <uint32 2>, 'waiting': <uint32 4>, "
				 "'scan_mode': <'duty-cycled'>, 'scan_why': <'BlueZ has no monitor'>, "
				 "'foreign_links': <uint32 1>, 'foreign_discovery': <true>, "
				 "'errors': <{'transient': uint32 9}>}");
	fake_add(fake->adapters, "{'address': <'00:11:22:33:44:66'>, 'state': <'in-use'>, 'links': <uint32 0>, "
				 "'ceiling': <uint32 3>, 'lease_holder': <'other, process 1'>, "
				 "'scan_mode': <'none'>, 'errors': <@a{su} {}>}");
	expect_part(fake, "status", 0,
		    "Adapter:   00:11:22:33:44:55 (hci1), scanning, 1 of 2 links, 4 waiting; looks for pens: "
		    "duty-cycled (BlueZ has no monitor); 1 connection of other programs; another program scans; "
		    "failed tries: 9 transient\n"
		    "Adapter:   00:11:22:33:44:66, in-use, 0 of 3 links; looks for pens: none; used by other, process 1\n");
	expect_part(fake, "status --json=short", 0, "\"foreign_discovery\":true,\"errors\":{\"transient\":9}}");
	stp_dbus_manager1_set_radio_state(fake->manager, "no-adapter");
	stp_dbus_manager1_set_radio_hint(fake->manager, "Plug an adapter in.");
	expect_part(fake, "status", 1, "Radio:     no-adapter: Plug an adapter in.\n");
}

static void
pens_list(void **state)
{
	Fake *fake = *state;

	fake_expect(fake, "pens list", 0,
	       "SERIAL  LABEL  MODEL   STATE BATTERY LAST SEEN                  LAST SYNC SESSIONS COVERAGE   ROOM FOR\n"
	       "SP-0001 Room 1 Pen One idle     80 % 2026-01-01 01:00:00 +01:00 never            5   99.9 % \n"
	       "SP-0002 Room 2 Pen One idle     80 % 2026-01-01 01:00:00 +01:00 never            5   99.9 % 2 sessions\n");
	expect_part(fake, "pens show SP-0002", 0, "Room for:  2 sessions\nWarning:   It has room for two.\n");
	fake_remove_pen(fake, "SP-0002");
	fake_expect(fake, "--json=short pens list", 0,
	       "{\"schema\":1,\"pens\":[{\"serial\":\"SP-0001\",\"label\":\"Room 1\",\"maker\":\"Acme\","
	       "\"model\":\"Pen One\",\"firmware\":\"1.2.3\",\"hardware\":null,"
	       "\"address\":\"C0:00:00:00:00:01\",\"state\":\"idle\",\"battery\":80,"
	       "\"last_seen\":\"2026-01-01T00:00:00.000000Z\",\"last_seen_us\":1767225600000000,"
	       "\"last_sync\":null,\"last_sync_us\":null,\"sessions\":5,\"coverage\":99.959999999999994,"
	       "\"progress\":{\"wanted\":0,\"done\":0,\"bytes\":0,\"bytes_per_s\":0},\"last_error\":null,"
	       "\"last_error_hint\":null,\"warning\":null,\"sessions_left\":null,\"seconds_left\":null}]}\n");
	fake_add(fake->sightings, "{'address': <'C0:00:00:00:00:05'>, 'name': <'Pen\\u001b 5'>, "
				  "'rssi': <int16 -60>, 'last_seen': <int64 1767225600000000>, "
				  "'enrolled': <false>}");
	fake_add(fake->sightings, "{'address': <'C0:00:00:00:00:01'>, 'enrolled': <true>}");
	expect_part(fake, "pens list --all", 0,
		    "\nIn sight, not enrolled:\n"
		    "NAME   ADDRESS            SIGNAL PAIRING LAST SEEN\n"
		    "Pen? 5 C0:00:00:00:00:05 -60 dBm unknown 2026-01-01 01:00:00 +01:00\n");
	expect_part(fake, "pens add", 0, "stipplectl pens add ADDRESS");
}

static void
no_pens(void **state)
{
	Fake *fake = *state;

	fake_remove_pen(fake, "SP-0001");
	fake_remove_pen(fake, "SP-0002");
	expect_part(fake, "pens list", 0, "No pen is enrolled");
	fake_expect(fake, "pens list --json", 0, "{\"schema\":1,\"pens\":[]}\n");
	expect_part(fake, "pens add", 2, "No pen that could be added is in sight");
	expect_part(fake, "sync", 2, "No pen is enrolled");
	fake_expect(fake, "coverage --json", 0, "{\"schema\":1,\"complete\":true,\"coverage\":[]}\n");
}

static void
pens_by_any_name(void **state)
{
	Fake *fake = *state;
	StpDbusPen1 *pen = fake_add_pen(fake, "XX-0002", "0001");

	stp_dbus_pen1_set_last_error(pen, "The link was lost.");
	stp_dbus_pen1_set_last_error_hint(pen, "Bring the pen closer.");
	expect_part(fake, "pens show SP-0001", 0, "Serial:    SP-0001\n");
	expect_part(fake, "pens show 'Room 2'", 0, "SP-0002\n");
	/* A label goes before the end of a serial number. */
	expect_part(fake, "pens show 0001", 0, "XX-0002\n");
	expect_part(fake, "pens show 0001", 0, "Last error: The link was lost.\nWhat to do: Bring the pen closer.\n");
	expect_part(fake, "pens show P-0002", 0, "SP-0002\n");
	expect_part(fake, "pens show 0002", 64, "\"0002\" could be any of 2 pens.");
	expect_part(fake, "pens show 9999", 3, "No enrolled pen has the label \"9999\" or a serial number that ends so.");
	expect_part(fake, "pens show SP-0001 --json", 0, "{\"schema\":1,\"pen\":{\"serial\":\"SP-0001\"");
	fake_expect(fake, "pens show nobody --json", 3,
	       "{\"schema\":1,\"error\":{\"code\":\"not-found\",\"message\":\"No enrolled pen has the label "
	       "\\\"nobody\\\" or a serial number that ends so.\",\"hint\":\"'stipplectl pens list' shows the pens.\"}}\n");
}

/* One that was retired is not as unknown as one that never was. */
static void
pens_retired(void **state)
{
	Fake *fake = *state;

	fake_add(fake->coverage, "{'pen': <'SP-0003'>}");
	expect_part(fake, "pens show SP-0003", 3, "Pen SP-0003 is not enrolled any more; its records are in the store.");
}

static void
pens_slots(void **state)
{
	Fake *fake = *state;
	g_autofree char *calls = NULL;

	fake_add(fake->slots, "{'index': <uint32 0>, 'name': <'01234567'>, 'ours': <true>, 'mark': <uint32 9>}");
	fake_add(fake->slots, "{'index': <uint32 2>, 'name': <'89abcdef'>, 'ours': <false>, 'mark': <uint32 4>}");
	fake_expect(fake, "pens slots SP-0001", 0,
	       "COLLECTOR WHOSE    HAS UP TO\n"
	       "01234567  this one         9\n"
	       "89abcdef  another          4\n");
	expect_part(fake, "pens slots SP-0001 --drop nobody", 3, "Pen SP-0001 has no collector nobody.");
	/* What is in use here would be taken again at once. */
	expect_part(fake, "pens slots SP-0001 --drop 01234567 --yes", 1, "Collector 01234567 is this one");
	fake_expect(fake, "pens slots SP-0001 --drop 89ABCDEF --json", 0, "{\"schema\":1,\"freed\":\"89abcdef\"}\n");
	fake_expect(fake, "pens slots SP-0001 --drop 89abcdef", 0, "The slot of collector 89abcdef in pen SP-0001 is free.\n");
	calls = fake_calls(fake);
	assert_null(strstr(calls, "DropSlot('SP-0001', 0"));
	assert_non_null(strstr(calls, "DropSlot('SP-0001', 2, '89abcdef')"));
}

static void
pens_remove(void **state)
{
	Fake *fake = *state;

	fake_expect(fake, "pens remove 'Room 1'", 0,
	       "Pen SP-0001 is no longer enrolled; its records stay in the store.\n");
	fake_expect(fake, "pens remove --force 0002 --json", 0, "{\"schema\":1,\"removed\":\"SP-0002\"}\n");

	g_autofree char *calls = fake_calls(fake);

	assert_string_equal(calls, "RemovePen('SP-0001', false)\nRemovePen('SP-0002', true)\n");
}

static void
sessions_list(void **state)
{
	Fake *fake = *state;

	fake_expect(fake, "sessions list", 0,
	       "SESSION            START                         DURATION SAMPLES    SET DEPTH DEEPEST ZONES PASSES COMPLETE\n"
	       "SP-0001/0000002a/7 2026-01-01 01:00:00 +01:00 30 min 02 s  180000 0.25-2.50 mm 2.52 mm     5      3 yes\n"
	       "SP-0001/0000002a/6 unknown                          5.0 s     500      unknown unknown     0      0 no\n");
	fake_expect(fake, "sessions list --format=csv", 0,
	       "id,pen,epoch,number,start,start_uncertainty_ms,time_quality,duration_ms,motor_on_ms,strokes,samples,"
	       "period_ms,set_depth_min_um,set_depth_max_um,set_rate_dhz,depth_max_um,depth_p50_um,zones,passes,"
	       "needles,cartridge,firmware,complete,zone,offset_min\n"
	       "SP-0001/0000002a/7,SP-0001,42,7,2026-01-01T00:00:00.000000Z,12,anchored,1802250,900000,100000,"
	       "180000,10,250,2500,1200,2520,,5,3,12,0a0b,\"'=1+1\",true,Europe/Berlin,60\n"
	       "SP-0001/0000002a/6,SP-0001,42,6,,,unknown,5000,,,500,,,,,,,,,,,1.2.3,false,,\n");
	expect_part(fake, "sessions list --json", 0, "\"start\":null,\"start_us\":null");
	expect_part(fake, "sessions list --json", 0,
		    "\"start\":\"2026-01-01T00:00:00.000000Z\",\"start_us\":1767225600000000,");
	expect_part(fake, "sessions list --limit 1", 0, "There are older ones");
	expect_part(fake, "sessions list --limit 1 --json", 0, "\"more\":true}");
	expect_part(fake, "sessions list --format=xml", 64, "--format takes table or csv, not \"xml\".");
	expect_part(fake, "sessions list --since=soon", 64, "--since does not understand \"soon\".");
}

static void
sessions_are_filtered_and_paged(void **state)
{
	Fake *fake = *state;

	fake->page = 1;
	expect_part(fake, "sessions list --all --pen='Room 1' --since=2026-01-01 --until=2026-01-02T00:00Z", 0,
		    "SP-0001/0000002a/6");
	g_autofree char *calls = fake_calls(fake);

	assert_non_null(strstr(calls, "'since': <int64 1767222000000000>"));
	assert_non_null(strstr(calls, "'until': <int64 1767312000000000>"));
	assert_non_null(strstr(calls, "'pen': <'SP-0001'>"));
	assert_non_null(strstr(calls, ", 500, 0)\n"));
	assert_non_null(strstr(calls, ", 500, 1)\n"));
}

static void
sessions_show(void **state)
{
	Fake *fake = *state;

	expect_part(fake, "sessions show SP-0001/0000002a/7", 0,
		    "Start:           2026-01-01 01:00:00 +01:00, give or take 12 ms (anchored)\n");
	expect_part(fake, "sessions show SP-0001/0000002a/7", 0,
		    "Start known:     by contacts since the pen was switched on, with this computer's clock known to be right\n"
		    "Time zone:       Europe/Berlin\n");
	expect_part(fake, "sessions show SP-0001/0000002a/6", 0, "Start known:     not known: nobody met the pen");
	expect_part(fake, "sessions show SP-0001/0000002a/7", 0, "Records:         1, 2, 3\n");
	expect_part(fake, "sessions show SP-0001/0000002a/6", 0, "Start:           unknown\n");
	expect_part(fake, "sessions show SP-0001/0000002a/6", 0, "Complete:        no: parts are missing");
	expect_part(fake, "sessions show SP-0001/0000002a/7", 0,
		    "Chain:           whole: each record names the one before it\n"
		    "Seal:            sealed, not verified; see VERIFYING in stipplectl(1)\n");
	expect_part(fake, "sessions show SP-0001/0000002a/7 --json", 0, "\"chain\":\"whole\",\"seal\":\"sealed\"");
	/* A daemon that did not look says nothing. */
	expect_part(fake, "sessions show SP-0001/0000002a/6 --json", 0,
		    "\"chain\":null,\"seal\":null,\"seal_record\":null");
	expect_part(fake, "sessions show SP-0001/9 --json", 3, "\"code\":\"not-found\"");
}

static void
coverage(void **state)
{
	Fake *fake = *state;

	fake_add(fake->coverage, "{'pen': <'SP-0002'>, 'epoch': <uint32 42>, 'current': <true>, 'first': <uint32 1>, "
				 "'last': <uint32 20>, 'held': <uint32 20>, 'missing': <uint32 0>, "
				 "'damaged': <uint32 0>, 'percent': <100.0>}");
	fake_expect(fake, "coverage", 0,
	       "PEN     EPOCH    RECORDS HELD MISSING DAMAGED COVERAGE\n"
	       "SP-0002 0000002a    1-20   20       0       0    100 %\n");
	fake_add(fake->coverage,
		 "{'pen': <'SP-0001'>, 'epoch': <uint32 7>, 'current': <false>, 'first': <uint32 1>, "
		 "'last': <uint32 1000>, 'held': <uint32 996>, 'missing': <uint32 3>, 'damaged': <uint32 1>, "
		 "'percent': <99.96>, 'holes': <[(uint32 4, uint32 6, 'overwritten'), (9, 9, 'corrupt')]>, "
		 "'findings': <[{'record': <uint32 9>, 'kind': <'crc'>, 'text': <'The checksum does not hold.'>, "
		 "'hint': <'Have the flash checked.'>, 'since': <int64 1767225600000000>, 'count': <uint32 2>, "
		 "'kept': <true>}]>}");
	fake_expect(fake, "coverage SP-0001", 6,
	       "PEN     EPOCH           RECORDS HELD MISSING DAMAGED COVERAGE\n"
	       "SP-0001 00000007 (past)  1-1000  996       3       1   99.9 %\n"
	       "\nMissing:\n"
	       "  SP-0001, epoch 00000007, records 4-6: overwritten in the pen before they were collected; "
	       "they are lost\n"
	       "  SP-0001, epoch 00000007, record 9: damaged as the pen sent them; fetched again by itself\n"
	       "\nFindings:\n"
	       "  SP-0001, epoch 00000007, record 9: crc (2 times): The checksum does not hold. "
	       "Have the flash checked. The raw bytes are kept.\n");
	fake_add(fake->coverage, "{'pen': <'SP-0002'>, 'epoch': <uint32 43>, 'current': <true>, 'percent': <100.0>, "
				 "'sessions_left': <uint32 2>, 'warning': <'It has room for two.'>}");
	expect_part(fake, "coverage 'Room 2'", 0, "\nSoon to be lost:\n  It has room for two.\n");
	expect_part(fake, "coverage --json", 6, "\"sessions_left\":2,\"warning\":\"It has room for two.\"");
	expect_part(fake, "coverage --json", 6, "\"chain_broken_at\":null,\"sessions_left\":null,\"warning\":null");
	expect_part(fake, "coverage --json", 6, "\"holes\":[{\"from\":4,\"to\":6,\"cause\":\"overwritten\"}");
	expect_part(fake, "coverage 'Room 2'", 0, "100 %");
	/* A pen that is no longer enrolled still has records. */
	fake_remove_pen(fake, "SP-0001");
	expect_part(fake, "coverage SP-0001", 6, "99.9 %");
	expect_part(fake, "coverage SP-0404", 3, "SP-0404");
}

static void
color_is_only_where_wanted(void **state)
{
	Fake *fake = *state;

	stp_dbus_manager1_set_store_state(fake->manager, "full");
	expect_part(fake, "status --color=always", 1, "\033[31mfull\033[0m");
	g_auto(Outcome) plain = fake_run(fake, NULL, "status");

	assert_null(strchr(plain.out, '\033'));
	expect_part(fake, "pens list --color=always", 0, "\033[31m");
}

/* What is not there is null, and no text is empty, whatever is asked. */
static void
one_rule_for_what_is_not_there(void **state)
{
	static const char *const questions[] = { "status", "pens list --all", "pens show SP-0001", "sessions list",
						 "sessions show SP-0001/6", "coverage", "syncs", "alerts list --all",
						 "pens list --retired", "pens show nobody", "sync" };
	Fake *fake = *state;

	fake_add(fake->sightings, "{'address': <'C0:00:00:00:00:05'>, 'name': <''>, 'enrolled': <false>}");
	fake_add(fake->coverage, "{'pen': <'SP-0001'>, 'findings': <[{'record': <uint32 1>, 'hint': <''>}]>}");
	fake_add(fake->syncs, "{'pen': <'SP-0001'>, 'error': <''>, 'link_end': <''>}");
	fake_add(fake->alerts, "{'kind': <'store-full'>, 'subject': <''>, 'level': <'notice'>}");
	fake_add(fake->retired, "{'serial': <'SP-0003'>, 'label': <''>}");
	for (gsize i = 0; i < G_N_ELEMENTS(questions); i++) {
		g_autofree char *words = g_strconcat(questions[i], " --json", NULL);
		g_auto(Outcome) outcome = fake_run(fake, NULL, words);

		assert_non_null(strstr(outcome.out, "{\"schema\":1,"));
		if (strstr(outcome.out, "\"\""))
			fail_msg("%s has an empty text:\n%s", words, outcome.out);
	}
}

static void
arguments(void **state)
{
	Fake *fake = *state;

	expect_part(fake, "", 64, "a command is missing");
	expect_part(fake, "pens", 64, "'stipplectl pens --help'");
	expect_part(fake, "pens frobnicate", 64, "There is no command \"pens frobnicate\".");
	expect_part(fake, "pens show", 64, "Something is missing on the command line.");
	expect_part(fake, "pens show a b", 64, "\"b\" is one word too many.");
	expect_part(fake, "pens list --bogus", 64, "--bogus");
	expect_part(fake, "pens list --json=yaml", 64, "--json takes short or pretty");
	expect_part(fake, "sessions list --limit=0", 64, "--limit takes a number from 1 up.");
	expect_part(fake, "sessions list --limit=many", 64, "many");
	expect_part(fake, "status --color=blue", 64, "--color takes auto, always or never.");
	expect_part(fake, "--color status", 64, "--color takes auto, always or never.");
	expect_part(fake, "pens show -- -SP", 3, "\"-SP\"");
	expect_part(fake, "--json pens list", 0, "{\"schema\":1,\"pens\"");
	expect_part(fake, "-j pens list", 0, "{\"schema\":1,\"pens\"");
	expect_part(fake, "pens --no-pager list --json=pretty", 0, "{\n  \"schema\" : 1,");
	expect_part(fake, "--version", 0, "stipplectl ");
	expect_part(fake, "--json --version", 0, "{\"schema\":1,\"version\":\"");
	expect_part(fake, "help", 0, "usage: stipplectl [OPTION...] COMMAND");
	expect_part(fake, "help pens add", 0, "usage: stipplectl pens add [OPTION...] [WHICH]");
	expect_part(fake, "pens --help", 0, "usage: stipplectl pens list|show|add|repair|slots|remove");
	expect_part(fake, "sync --help", 0, "--no-wait");
	expect_part(fake, "help nothing", 64, "There is no command \"nothing\".");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(status), TEST(pens_list), TEST(no_pens), TEST(pens_by_any_name), TEST(pens_retired),
		TEST(pens_slots), TEST(pens_remove),
		TEST(sessions_list), TEST(sessions_are_filtered_and_paged), TEST(sessions_show), TEST(coverage),
		TEST(color_is_only_where_wanted), TEST(one_rule_for_what_is_not_there), TEST(arguments),
	};

	return cmocka_run_group_tests_name("cli-commands", tests, NULL, NULL);
}
