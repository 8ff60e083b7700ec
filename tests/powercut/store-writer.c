/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/*
 * store-writer write|lie|check STORE ACKNOWLEDGED REPORT: the one whose power is cut.
 *
 * write: put records into the store for ever, and append the number of each to ACKNOWLEDGED at the
 * moment when a pen would be told.  lie: the same on a disk that never writes through, which must
 * lose some; else the cut proves nothing.  check: look for each acknowledged record in the store
 * and write to REPORT how many were acknowledged and how many are not as they were sent.
 */

#include "store-world.h"

#include <fcntl.h>
#include <linux/random.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "faulty-vfs.h"

#define AT_ONCE 4

/* What record a number stands for: small, large, or an event. */
static RecordPlan
plan_of(guint32 number)
{
	switch (number % 5) {
	case 0:
		return (RecordPlan){ .number = number, .type = STP_RECORD_EVENT };
	case 1:
		return (RecordPlan){ .number = number, .samples = 20000 };
	default:
		return (RecordPlan){ .number = number };
	}
}

/* A machine that has just begun has no randomness, and waits for it; this one's need not be good. */
static void
credit_randomness(void)
{
	/* struct rand_pool_info: bits, bytes, and the bytes. */
	int seed[2 + 16] = { 512, 16 * (int)sizeof(int), (int)g_get_real_time(), (int)g_get_monotonic_time() };
	int fd = open("/dev/random", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (ioctl(fd, RNDADDENTROPY, seed) != 0)
		g_printerr("store-writer: no randomness\n");
	close(fd);
}

/* ---- writing ---- */

typedef struct {
	StpStore *store;
	int acknowledged;
	guint32 next;
	guint under_way;
} Writer;

typedef struct {
	Writer *writer;
	guint32 number;
} Ticket;

static void
on_stored(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autofree Ticket *ticket = user_data;
	g_autoptr(GError) error = NULL;
	g_autoptr(StpStoredOutcome) outcome = stp_store_put_record_finish(STP_STORE(source), result, &error);

	if (outcome == NULL || !outcome->acknowledge)
		g_error("record %u: %s", ticket->number, error != NULL ? error->message : "not acknowledged");
	/* This is the moment the pen is told. */
	if (write(ticket->writer->acknowledged, &ticket->number, sizeof(ticket->number)) < 0)
		g_error("the acknowledgement cannot be written");
	ticket->writer->under_way--;
}

static void
write_for_ever(Writer *writer)
{
	for (;;) {
		while (writer->under_way < AT_ONCE) {
			RecordPlan plan = plan_of(writer->next);
			g_autoptr(GBytes) raw = world_record(&plan);
			StpArrival arrival = world_arrival(&plan, raw);
			Ticket *ticket = g_new(Ticket, 1);

			*ticket = (Ticket){ writer, writer->next++ };
			writer->under_way++;
			stp_store_put_record_async(writer->store, &arrival, NULL, on_stored, ticket);
		}
		g_main_context_iteration(NULL, TRUE);
	}
}

/* ---- checking ---- */

static gboolean
is_held(GArray *held, guint32 number)
{
	for (guint i = 0; i < held->len; i++) {
		struct stp_range range = g_array_index(held, struct stp_range, i);

		if (number >= range.from && number <= range.to)
			return TRUE;
	}
	return FALSE;
}

static gboolean
is_as_sent(StpStore *store, guint32 number)
{
	RecordPlan plan = plan_of(number);
	g_autoptr(GBytes) sent = NULL;
	g_autofree char *id = g_strdup_printf("P1/%u", number);
	g_autoptr(StpSession) session = NULL;
	g_autoptr(GPtrArray) records = NULL;

	if (plan.type == STP_RECORD_EVENT)
		return TRUE;
	sent = world_record(&plan);
	session = stp_store_get_session(store, id, NULL);
	records = session != NULL ? stp_store_get_session_records(store, session, TRUE, NULL) : NULL;
	return records != NULL && records->len == 1 && g_bytes_equal(g_ptr_array_index(records, 0), sent);
}

static int
check(StpStore *store, const char *acknowledged, const char *report)
{
	g_autofree char *told = NULL;
	g_autofree char *text = NULL;
	g_autoptr(GArray) held = NULL;
	gsize size = 0;
	guint lost = 0, count;

	if (!g_file_get_contents(acknowledged, &told, &size, NULL))
		return 1;
	count = (guint)(size / sizeof(guint32));
	/* No pen at all: none of its records is held. */
	held = stp_store_get_held(store, "P1", 7, 1, G_MAXUINT32 - 1, NULL);
	for (guint i = 0; i < count; i++) {
		guint32 number;

		memcpy(&number, told + i * sizeof(number), sizeof(number));
		lost += held == NULL || !is_held(held, number) || !is_as_sent(store, number);
	}
	text = g_strdup_printf("%u %u %s\n", count, lost,
			       *stp_store_get_hint(store) != '\0' ? "set-aside" : "sound");
	return g_file_set_contents(report, text, -1, NULL) ? 0 : 1;
}

int
main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	Writer writer = { .next = 1, .acknowledged = -1 };

	if (argc != 5) {
		g_printerr("usage: store-writer write|lie|check STORE ACKNOWLEDGED REPORT\n");
		return 64;
	}
	credit_randomness();
	faulty_vfs_install();
	writer.store = stp_store_open(argv[2], &error);
	if (writer.store == NULL) {
		g_printerr("store-writer: %s\n", error->message);
		return 1;
	}
	stp_store_set_reserve(writer.store, 0);
	if (g_str_equal(argv[1], "check"))
		return check(writer.store, argv[3], argv[4]);
	/* From here on, so that the store itself is there. */
	faulty_vfs_lie(g_str_equal(argv[1], "lie"));
	writer.acknowledged = open(argv[3], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (writer.acknowledged < 0)
		return 1;
	write_for_ever(&writer);
	return 0;
}
