/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "sync-findings.h"

#include "clock.h"
#include "error.h"
#include "log.h"

/* Wall and monotonic clock may drift apart by so much while the pen's clock is read. */
#define CLOCK_STEP_US 50000

struct words {
	gboolean keep;		/* with the coverage; the rest is normal life on a radio */
	const char *text, *hint;
};

static const struct words note_words[] = {
	[STP_NOTE_ANSWER_OUT_OF_TURN] = { TRUE, "The pen answered something nobody had asked.",
		"Nothing was lost. If it happens often, report the pen's firmware revision." },
	[STP_NOTE_ANSWER_MALFORMED] = { TRUE, "An answer of the pen made no sense and was ignored.",
		"Nothing was lost. If it happens often, report the pen's firmware revision." },
	[STP_NOTE_SEGMENT_STALE] = { FALSE, "Data of an earlier request arrived late and were ignored.",
		"Nothing to do." },
	[STP_NOTE_SEGMENT_MALFORMED] = { TRUE, "A piece of data made no sense and was ignored.",
		"Nothing was lost; it was fetched again. If it happens often, report the pen's "
		"firmware revision." },
	[STP_NOTE_SEGMENT_BEYOND] = { TRUE, "The pen sent more than it was asked for.",
		"The surplus was ignored. Report the pen's firmware revision." },
	[STP_NOTE_SEGMENT_CONFLICT] = { TRUE, "The pen sent the same piece twice, and differently.",
		"The record's checksum decides which one holds. Report the pen's firmware revision." },
	[STP_NOTE_HOLE] = { FALSE, "Some data were lost on the radio and are fetched again.",
		"Nothing to do." },
	[STP_NOTE_RANGE_CRC] = { FALSE, "Data arrived altered and are fetched again.",
		"Nothing to do." },
	[STP_NOTE_ENTRY_MALFORMED] = { TRUE, "A line of the pen's list of records made no sense.",
		"The record it stands for is missing until the pen lists it properly; have the pen's "
		"log checked." },
	[STP_NOTE_ACK_REFUSED] = { FALSE, "The pen did not take an acknowledgement.",
		"Nothing was lost; the record is in the store, and it is acknowledged later." },
	[STP_NOTE_SLOTS_FULL] = { TRUE, "The pen has no room for another collector.",
		"Records are fetched all the same, but the pen cannot know it. Retire a collector "
		"that no longer exists." },
	[STP_NOTE_PARTIAL_DIFFERS] = { TRUE,
		"What was fetched of a record before is not what the pen has of it now.",
		"It is fetched anew, and the older bytes are kept as evidence. Report the pen's firmware revision." },
	[STP_NOTE_SLOT_AHEAD] = { TRUE,
		"The pen believed that this store held records which it lacks: an older backup was restored.",
		"They are fetched again as far as the pen still has them; coverage names what is missing." },
	/* Kept by stp_sync_find_went_back(), which knows more. */
	[STP_NOTE_LOG_WENT_BACK] = { FALSE, "Nothing counts as held, as the pen's record numbers went back.",
		"Have the pen serviced." },
};

static void
on_kept(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autofree char *serial = user_data;
	g_autoptr(GError) error = NULL;

	if (!stp_store_put_finding_finish(STP_STORE(source), result, &error))
		stp_warning("sync", serial, "A finding could not be kept: %s", error->message);
}

static void
keep(StpStore *store, const char *serial, guint32 epoch, guint32 record, const char *kind,
     const char *text, const char *hint)
{
	gint64 now = stp_clock_wall();
	const StpFinding finding = {
		.serial = (char *)serial,
		.epoch = epoch,
		.record = record,
		.kind = (char *)kind,
		.text = (char *)text,
		.hint = (char *)hint,
		.since = now,
		.last = now,
		.count = 1,
	};

	if (record != 0)
		stp_warning("sync", serial, "%s: record %u: %s %s", kind, record, text, hint);
	else
		stp_warning("sync", serial, "%s: %s %s", kind, text, hint);
	stp_store_put_finding_async(store, &finding, NULL, on_kept, g_strdup(serial));
}

void
stp_sync_find_given_up(StpStore *store, const char *serial, const struct stp_host_action *action)
{
	const char *kind = stp_status_name(action->u.given_up.reason);
	g_autofree char *text = NULL;
	const char *hint = stp_status_hint(action->u.given_up.reason);

	if (action->u.given_up.reason == STP_ERR_REFUSED) {
		guint8 wire = action->u.given_up.wire_status;

		/* The store knows "corrupt": it stops asking after some tries. */
		if (wire == STP_WIRE_RECORD_CORRUPT)
			kind = "corrupt";
		else if (stp_wire_status_name(wire) != NULL)
			kind = stp_wire_status_name(wire);
		text = g_strdup(stp_wire_status_text(wire));
		hint = stp_wire_status_hint(wire);
	} else if (action->u.given_up.reason == STP_ERR_NOT_FOUND) {
		kind = "never-written";
		text = g_strdup("The pen has no record of this number, although it has later ones.");
		hint = "It may have lost power while writing, or every collector had the record and "
		       "it was overwritten. Compare with the treatment book.";
	} else {
		text = g_strdup_printf("The record could not be fetched. %s",
				       stp_status_text(action->u.given_up.reason));
	}
	keep(store, serial, action->u.given_up.epoch, action->u.given_up.record, kind, text, hint);
}

void
stp_sync_find_note(StpStore *store, const char *serial, guint32 epoch,
		   const struct stp_host_action *action)
{
	guint note = action->u.note.note;
	const char *kind = stp_note_name(action->u.note.note);

	if (note >= G_N_ELEMENTS(note_words) || note_words[note].text == NULL) {
		stp_warning("sync", serial, "%s", kind);
		return;
	}
	if (note_words[note].keep)
		keep(store, serial, epoch, action->u.note.record, kind, note_words[note].text,
		     note_words[note].hint);
	else
		stp_info("sync", serial, "%s: record %u: %s", kind, action->u.note.record,
			 note_words[note].text);
}

void
stp_sync_find_state(StpStore *store, const char *serial, const struct stp_host_state *state)
{
	if (state->flags & STP_STATE_OVERRUN)
		keep(store, serial, state->epoch, 0, "overrun",
		     "The pen overwrote records that no collector had acknowledged.",
		     "They are gone. Sync this pen more often; coverage names the numbers that are missing.");
	if (state->flags & STP_STATE_TIME_LOST)
		stp_debug("sync", serial, "the pen lost its wall clock; its tick is used");
}

gboolean
stp_sync_clock_held(const char *serial, gint64 asked_us, gint64 utc_us, gint64 took_us)
{
	if (ABS(utc_us - asked_us - took_us) <= CLOCK_STEP_US)
		return TRUE;
	stp_notice("sync", serial,
		   "This computer's clock was set while the pen's was read; the pen's sessions get their time at "
		   "the next contact.");
	return FALSE;
}

void
stp_sync_find_span(StpStore *store, const char *serial, guint32 epoch, guint32 oldest, guint32 newest)
{
	g_autofree char *text = g_strdup_printf(
		"The pen says that it holds records %u to %u, more than a pen can hold.", oldest, newest);

	keep(store, serial, epoch, 0, "span", text,
	     "Records near both ends are fetched all the same. Have the pen's log checked.");
}

void
stp_sync_find_went_back(StpStore *store, const char *serial, guint32 epoch, guint32 highest, guint32 newest)
{
	g_autofree char *text = g_strdup_printf(
		"The pen says that its newest record is %u, but record %u of the same log is in the store: its numbers "
		"went back.", newest, highest);

	keep(store, serial, epoch, 0, stp_note_name(STP_NOTE_LOG_WENT_BACK), text,
	     "The pen's memory was probably replaced or reset without beginning a new log. Have it serviced. Nothing "
	     "stored is lost; what the pen has is fetched anew, and kept beside it where it differs.");
}

void
stp_sync_find_other_record(StpStore *store, const char *serial, guint32 epoch, guint32 record)
{
	const struct words *words = &note_words[STP_NOTE_PARTIAL_DIFFERS];

	keep(store, serial, epoch, record, stp_note_name(STP_NOTE_PARTIAL_DIFFERS), words->text, words->hint);
}

void
stp_sync_find_chain(StpStore *store, const char *serial, guint32 epoch)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) coverage = stp_store_get_coverage(store, serial, &error);

	for (guint i = 0; coverage != NULL && i < coverage->len; i++) {
		const StpCoverage *entry = g_ptr_array_index(coverage, i);

		if (entry->epoch == epoch && entry->chain == STP_CHAIN_BREAKS)
			keep(store, serial, epoch, entry->chain_breaks_at, "chain-broken",
			     "The record does not name the one before it, as all of this pen do.",
			     "One of the two is not what the pen wrote, or one between was taken out. All are kept. "
			     "Compare with the pen, and ask its maker.");
	}
	if (error != NULL)
		stp_warning("sync", serial, "The chain of records was not looked at: %s", error->message);
}

GError *
stp_sync_stopped(void)
{
	return g_error_new(STP_ERROR, STP_ERROR_CANCELLED,
		"The sync was stopped. What arrived is kept; the rest is fetched later, or with the next 'stipplectl sync'.");
}

GError *
stp_sync_failure(const struct stp_host_action *action)
{
	const char *op = stp_op_name(action->u.failed.op);
	const char *wire = stp_wire_status_name(action->u.failed.wire_status);

	if (action->u.failed.reason == STP_ERR_REFUSED) {
		if (action->u.failed.wire_status == STP_WIRE_BUSY)
			return g_error_new(STP_ERROR, STP_ERROR_BUSY,
				"The pen is in use. Its log is fetched when the motor has stopped; "
				"nothing needs to be done.");
		return g_error_new(STP_ERROR, STP_ERROR_PROTOCOL_FAILED,
			"The pen refused %s (%s). Try again; if it stays so, report the pen's "
			"firmware revision.", op, wire != NULL ? wire : "an unknown status");
	}
	if (action->u.failed.reason == STP_ERR_TIMEOUT)
		return g_error_new(STP_ERROR, STP_ERROR_LINK_FAILED,
			"The pen did not answer %s in time. Bring it closer and check its battery; "
			"the rest is fetched at the next contact.", op);
	return g_error_new(STP_ERROR, STP_ERROR_PROTOCOL_FAILED, "%s at %s: %s",
			   stp_status_text(action->u.failed.reason), op,
			   stp_status_hint(action->u.failed.reason));
}
