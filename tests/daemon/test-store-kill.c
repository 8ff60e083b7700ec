/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/*
 * A collector that is killed at any moment: what it acknowledged is in the store, whole and
 * once, and the next one goes on from there.  (A killed process leaves what it wrote in the
 * system's cache; a power cut is another test.)
 */

#include "store-world.h"

#include <glib-unix.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test-seed.h"

#define ROUNDS 80
#define AT_ONCE 4

/* What record a number stands for, whoever asks: small, large, an event, or a part. */
static RecordPlan
plan_of(guint32 number)
{
	switch (number % 5) {
	case 0:
		return (RecordPlan){ .number = number, .type = STP_RECORD_EVENT };
	case 1:
		return (RecordPlan){ .number = number, .samples = 20000 };
	case 2:
		return (RecordPlan){ .number = number, .session = number, .not_last = TRUE };
	case 3:
		return (RecordPlan){ .number = number, .session = number - 1, .part = 1 };
	default:
		return (RecordPlan){ .number = number };
	}
}

/* ---- the one that is killed ---- */

typedef struct {
	StpStore *store;
	guint32 next;
	guint under_way;
} Writer;

typedef struct {
	Writer *writer;
	guint32 number;
	gboolean damaged;
} Ticket;

static void put_next(Writer *writer);

static void
on_stored(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autofree Ticket *ticket = user_data;
	g_autoptr(StpStoredOutcome) outcome = stp_store_put_record_finish(STP_STORE(source), result, NULL);

	ticket->writer->under_way--;
	if (outcome == NULL || outcome->acknowledge == ticket->damaged)
		_exit(1);
	/* This is the moment the pen is told. */
	if (outcome->acknowledge && write(STDOUT_FILENO, &ticket->number, sizeof(ticket->number)) < 0)
		_exit(1);
	put_next(ticket->writer);
}

static void
put_next(Writer *writer)
{
	while (writer->under_way < AT_ONCE) {
		Ticket *ticket = g_new(Ticket, 1);
		RecordPlan plan = plan_of(writer->next);
		g_autoptr(GBytes) raw = world_record(&plan);
		g_autoptr(GBytes) flipped = world_flip(raw);
		StpArrival arrival = world_arrival(&plan, raw);

		*ticket = (Ticket){ writer, writer->next, writer->next % 7 == 0 && writer->under_way == 0 };
		if (ticket->damaged)
			arrival.raw = flipped;
		else
			writer->next++;
		writer->under_way++;
		stp_store_put_record_async(writer->store, &arrival, NULL, on_stored, ticket);
		if (ticket->damaged) {
			/* Then the sound copy comes. */
			ticket = g_new(Ticket, 1);
			*ticket = (Ticket){ writer, writer->next++, FALSE };
			arrival.raw = raw;
			writer->under_way++;
			stp_store_put_record_async(writer->store, &arrival, NULL, on_stored, ticket);
		}
	}
}

static int
write_for_ever(const char *directory, const char *from)
{
	Writer writer = { .next = (guint32)strtoul(from, NULL, 10) };

	writer.store = stp_store_open(directory, NULL);
	if (writer.store == NULL)
		return 1;
	put_next(&writer);
	for (;;)
		g_main_context_iteration(NULL, TRUE);
}

/* ---- the same, with a journal of each record before it is whole ---- */

#define STEP 4096u
/* What the journal was said to hold: the record's number, and how many steps of it. */
#define NOTE(number, steps) ((number) * 1024u + (steps))

static void
wait_for(GAsyncResult **result)
{
	while (*result == NULL)
		g_main_context_iteration(NULL, TRUE);
}

static void
on_result(GObject *source, GAsyncResult *result, gpointer user_data)
{
	*(GAsyncResult **)user_data = g_object_ref(result);
}

static RecordPlan
journalled_plan(guint32 number)
{
	return (RecordPlan){ .number = number, .samples = 20000 };
}

static void
journal_steps(StpStore *store, guint32 number, GBytes *raw)
{
	gsize size = g_bytes_get_size(raw);

	for (guint32 step = 0; step < size / STEP; step++) {
		g_autoptr(GAsyncResult) result = NULL;
		g_autoptr(GBytes) part = g_bytes_new_from_bytes(raw, step * STEP, STEP);
		const StpPartial partial = {
			.serial = (char *)"P1",
			.epoch = 7,
			.number = number,
			.length = (guint32)size,
			.start = step * STEP,
			.bytes = part,
		};
		guint32 note = NOTE(number, step + 1);

		stp_store_put_partial_async(store, &partial, NULL, on_result, &result);
		wait_for(&result);
		if (!stp_store_put_partial_finish(store, result, NULL) ||
		    write(STDOUT_FILENO, &note, sizeof(note)) < 0)
			_exit(1);
	}
}

static int
journal_for_ever(const char *directory, const char *from)
{
	StpStore *store = stp_store_open(directory, NULL);

	if (store == NULL)
		return 1;
	for (guint32 number = (guint32)strtoul(from, NULL, 10);; number++) {
		RecordPlan plan = journalled_plan(number);
		g_autoptr(GBytes) raw = world_record(&plan);
		StpArrival arrival = world_arrival(&plan, raw);
		g_autoptr(GAsyncResult) result = NULL;
		g_autoptr(StpStoredOutcome) outcome = NULL;

		journal_steps(store, number, raw);
		stp_store_put_record_async(store, &arrival, NULL, on_result, &result);
		wait_for(&result);
		outcome = stp_store_put_record_finish(store, result, NULL);
		if (outcome == NULL || !outcome->acknowledge)
			return 1;
	}
}

/* ---- the one that kills ---- */

static pid_t
start(const char *how, const char *directory, guint32 from, int *acknowledged)
{
	g_autofree char *number = g_strdup_printf("%u", from);
	int ends[2];
	pid_t child;

	assert_true(g_unix_open_pipe(ends, FD_CLOEXEC, NULL));
	child = fork();
	if (child == 0) {
		dup2(ends[1], STDOUT_FILENO);
		execl("/proc/self/exe", "test-store-kill", how, directory, number, NULL);
		_exit(1);
	}
	close(ends[1]);
	*acknowledged = ends[0];
	return child;
}

/* Kill it some time after so many acknowledgements; all it gave are noted. */
static void
kill_after(pid_t child, int acknowledged, guint count, guint64 spin, GHashTable *told)
{
	int status = 0;
	guint32 number;
	gboolean killed = FALSE;

	for (guint n = 0;; n++) {
		if (n == count && !killed) {
			for (volatile guint64 i = 0; i < spin; i++)
				;
			assert_int_equal(kill(child, SIGKILL), 0);
			killed = TRUE;
		}
		if (read(acknowledged, &number, sizeof(number)) != sizeof(number))
			break;
		g_hash_table_add(told, GUINT_TO_POINTER(number));
	}
	close(acknowledged);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
}

static void
check_bytes(World *world, guint32 number)
{
	RecordPlan plan = plan_of(number);
	g_autoptr(GBytes) expected = world_record(&plan);
	g_autofree char *id = g_strdup_printf("P1/%u", plan.session != 0 ? plan.session : number);
	g_autoptr(StpSession) session = NULL;
	g_autoptr(GPtrArray) records = NULL;
	guint found = 0;

	if (plan.type == STP_RECORD_EVENT)
		return;
	session = world_session(world, id);
	records = stp_store_get_session_records(world->store, session, TRUE, NULL);
	for (guint i = 0; i < records->len; i++)
		found += g_bytes_equal(g_ptr_array_index(records, i), expected);
	assert_int_equal(found, 1);
}

static void
check_all(const char *directory, GHashTable *told, guint32 *next)
{
	World world = { .directory = (char *)directory };
	GHashTableIter iter;
	gpointer key;
	g_autoptr(GArray) missing = NULL;
	g_autoptr(GPtrArray) coverage = NULL;

	world_reopen(&world);
	assert_string_equal(stp_store_get_hint(world.store), "");
	missing = stp_store_get_missing(world.store, "P1", 7, 1, 1000000, NULL);
	g_hash_table_iter_init(&iter, told);
	while (g_hash_table_iter_next(&iter, &key, NULL)) {
		guint32 number = GPOINTER_TO_UINT(key);

		if (number < *next)
			continue;	/* looked at in an earlier round */
		for (guint i = 0; i < missing->len; i++) {
			struct stp_range range = g_array_index(missing, struct stp_range, i);

			assert_false(number >= range.from && number <= range.to);
		}
		check_bytes(&world, number);
	}
	/* Records come in order, so there are no holes; the last one may be stored but not told. */
	assert_int_equal(missing->len, 1);
	*next = g_array_index(missing, struct stp_range, 0).from;
	assert_true(*next - 1 >= g_hash_table_size(told));
	coverage = stp_store_get_coverage(world.store, "P1", NULL);
	if (coverage->len > 0) {
		const StpCoverage *only = g_ptr_array_index(coverage, 0);

		assert_int_equal(only->held, *next - 1);
	}
	world_close(&world);
	assert_int_equal(world_sql_int(&world, "SELECT count(*) FROM record WHERE parser = 0"), 0);
	assert_int_equal(world_sql_int(&world, "SELECT count(*) FROM record"), *next - 1);
	assert_int_equal(world_sql_int(&world, "SELECT count(*) FROM record_raw"), *next - 1);
	assert_int_equal(world_sql_int(&world, "SELECT count(*) FROM record WHERE verdict <> 0"), 0);
	assert_int_equal(world_sql_int(&world, "SELECT count(*) FROM pragma_integrity_check"
					       " WHERE integrity_check <> 'ok'"), 0);
	g_clear_pointer(&world.last_finding, g_free);
}

static void
p38_what_was_acknowledged_is_stored(void **state)
{
	g_autofree char *directory = world_directory();
	g_autoptr(GHashTable) told = g_hash_table_new(NULL, NULL);
	struct session_random random = { test_seed() };
	guint32 next = 1;

	for (guint round = 0; round < ROUNDS; round++) {
		int acknowledged = -1;
		/* Some are sent again, which must not double them. */
		guint32 from = next > 3 ? next - session_random_below(&random, 3) : next;
		pid_t child = start("--write", directory, from, &acknowledged);

		kill_after(child, acknowledged, session_random_below(&random, 8),
			   session_random_below(&random, 4) ? session_random_below(&random, 1000000)
							    : session_random_below(&random, 10000000),
			   told);
		check_all(directory, told, &next);
	}
	print_message("# %u records stored, %u acknowledged, %u kills\n", next - 1, g_hash_table_size(told), ROUNDS);
	assert_true(next > ROUNDS);
	world_remove(directory);
}

/* Of what the journal was said to hold nothing is missing, unless the record itself is there by now. */
static guint32
check_journal(const char *directory, GHashTable *told, guint *kept_rounds)
{
	World world = { .directory = (char *)directory };
	g_autoptr(GPtrArray) names = NULL;
	g_autoptr(StpPartial) partial = NULL;
	g_autoptr(GArray) missing = NULL;
	GHashTableIter iter;
	gpointer key;
	guint32 last = 0, next;

	world_reopen(&world);
	assert_string_equal(stp_store_get_hint(world.store), "");
	missing = stp_store_get_missing(world.store, "P1", 7, 1, 1000000, NULL);
	assert_int_equal(missing->len, 1);
	next = g_array_index(missing, struct stp_range, 0).from;
	names = stp_store_list_partials(world.store, "P1", NULL);
	assert_non_null(names);
	for (guint i = 0; i < names->len; i++) {
		const StpPartial *name = g_ptr_array_index(names, i);
		RecordPlan plan = journalled_plan(name->number);
		g_autoptr(GBytes) raw = world_record(&plan);
		g_autoptr(StpPartial) one = stp_store_get_partial(world.store, "P1", 7, name->number, NULL);

		/* Crashes may have come between a record and the end of its journal. */
		assert_true(name->number <= next);
		assert_non_null(one);
		assert_memory_equal(g_bytes_get_data(one->bytes, NULL), g_bytes_get_data(raw, NULL),
				    g_bytes_get_size(one->bytes));
	}
	partial = stp_store_get_partial(world.store, "P1", 7, next, NULL);
	g_hash_table_iter_init(&iter, told);
	while (g_hash_table_iter_next(&iter, &key, NULL))
		last = MAX(last, GPOINTER_TO_UINT(key));
	assert_true(last < NOTE(next + 1, 0));
	if (last >= NOTE(next, 0)) {
		assert_non_null(partial);
		assert_int_equal(partial->number, next);
		assert_true(g_bytes_get_size(partial->bytes) >= (last - NOTE(next, 0)) * STEP);
		(*kept_rounds)++;
	}
	/* The next contact tidies that up. */
	world_put_state(&world, "P1", 7, 1, 1000000, NULL);
	g_clear_pointer(&names, g_ptr_array_unref);
	names = stp_store_list_partials(world.store, "P1", NULL);
	assert_int_equal(names->len, partial != NULL);
	world_close(&world);
	assert_int_equal(world_sql_int(&world, "SELECT count(*) FROM pragma_integrity_check"
					       " WHERE integrity_check <> 'ok'"), 0);
	return next;
}

static void
what_was_journalled_is_kept(void **state)
{
	g_autofree char *directory = world_directory();
	g_autoptr(GHashTable) told = g_hash_table_new(NULL, NULL);
	struct session_random random = { test_seed() };
	guint32 next = 1;
	guint kept_rounds = 0;

	for (guint round = 0; round < ROUNDS / 2; round++) {
		int acknowledged = -1;
		pid_t child = start("--journal", directory, next, &acknowledged);

		/* This one begins the record under way again. */
		g_hash_table_remove_all(told);
		kill_after(child, acknowledged, session_random_below(&random, 40), session_random_below(&random, 2000000),
			   told);
		next = check_journal(directory, told, &kept_rounds);
	}
	print_message("# %u records stored, %u of %u kills in the middle of one\n", next - 1, kept_rounds, ROUNDS / 2);
	assert_true(kept_rounds > 0);
	world_remove(directory);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(p38_what_was_acknowledged_is_stored),
		cmocka_unit_test(what_was_journalled_is_kept),
	};

	if (argc == 4 && g_str_equal(argv[1], "--write"))
		return write_for_ever(argv[2], argv[3]);
	if (argc == 4 && g_str_equal(argv[1], "--journal"))
		return journal_for_ever(argv[2], argv[3]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
