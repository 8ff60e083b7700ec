/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "store-jobs.h"

#include "clock.h"
#include "log.h"
#include "store-alerts.h"
#include "store-attempts.h"
#include "store-coverage.h"
#include "store-decoding.h"
#include "store-enrolment.h"
#include "store-findings.h"
#include "store-journal.h"
#include "store-live.h"
#include "store-pens.h"
#include "store-records.h"
#include "store-times.h"

static StpJob *
new_job(gboolean (*work)(StpJob *, StpDatabase *, GCancellable *, GError **), void (*clear)(StpJob *))
{
	StpJob *self = g_new0(StpJob, 1);

	self->work = work;
	self->clear = clear;
	self->made = g_ptr_array_new_with_free_func((GDestroyNotify)stp_finding_free);
	self->news.timed = g_ptr_array_new_with_free_func(g_free);
	return self;
}

void
stp_stored_outcome_free(StpStoredOutcome *outcome)
{
	if (outcome == NULL)
		return;
	g_free(outcome->session_id);
	g_free(outcome);
}

void
stp_job_free(StpJob *self)
{
	if (self->clear != NULL)
		self->clear(self);
	g_ptr_array_unref(self->made);
	stp_time_news_clear(&self->news);
	stp_stored_outcome_free(self->outcome);
	g_clear_error(&self->trouble);
	g_free(self);
}

/* In one transaction: all of it, or nothing. */
static gboolean
finish(StpDatabase *db, gboolean fine, GError **error)
{
	if (fine)
		return stp_database_commit(db, error);
	stp_database_rollback(db);
	return FALSE;
}

/* The journal of records under way: what fails there costs a second reading, and nobody a record. */
static void
shrug(const char *serial, gboolean fine, GError *error)
{
	if (!fine)
		stp_debug("store", serial, "the journal was left as it is: %s",
			  error != NULL ? error->message : "unknown");
	g_clear_error(&error);
}

/* ---- pens ---- */

static void
clear_pen(StpJob *self)
{
	stp_pen_row_free(self->u.pen);
}

static gboolean
put_pen(StpJob *self, StpDatabase *db, GCancellable *cancellable, GError **error)
{
	return stp_database_begin(db, error) &&
	       finish(db, stp_pens_put(db, self->u.pen, error) && stp_enrolment_put(db, self->u.pen, error), error);
}

static gboolean
put_identity(StpJob *self, StpDatabase *db, GCancellable *cancellable, GError **error)
{
	return stp_database_begin(db, error) &&
	       finish(db, stp_enrolment_put_identity(db, self->u.pen, error), error);
}

static gboolean
retire_pen(StpJob *self, StpDatabase *db, GCancellable *cancellable, GError **error)
{
	const StpPenRow *row = self->u.pen;

	return stp_database_begin(db, error) &&
	       finish(db, stp_enrolment_retire(db, row->serial, row->retired_how, row->retired_at, error), error);
}

StpJob *
stp_job_put_pen(const StpPenRow *row)
{
	StpJob *self = new_job(put_pen, clear_pen);
	StpPenRow *copy = g_new(StpPenRow, 1);

	*copy = *row;
	copy->serial = g_strdup(row->serial);
	copy->maker = g_strdup(row->maker);
	copy->model = g_strdup(row->model);
	copy->firmware = g_strdup(row->firmware);
	copy->hardware = g_strdup(row->hardware);
	copy->label = g_strdup(row->label);
	copy->address = g_strdup(row->address);
	self->u.pen = copy;
	return self;
}

StpJob *
stp_job_put_identity(const StpPenRow *row)
{
	StpJob *self = stp_job_put_pen(row);

	self->work = put_identity;
	return self;
}

StpJob *
stp_job_retire_pen(const char *serial, StpRetiredFlags how)
{
	StpJob *self = new_job(retire_pen, clear_pen);

	self->u.pen = g_new0(StpPenRow, 1);
	self->u.pen->serial = g_strdup(serial);
	self->u.pen->retired_how = how;
	self->u.pen->retired_at = stp_clock_wall();
	return self;
}

/* ---- what a pen says it has ---- */

static void
clear_state(StpJob *self)
{
	g_free(self->u.state.serial);
}

static gboolean
put_state(StpJob *self, StpDatabase *db, GCancellable *cancellable, GError **error)
{
	const StpContact *contact = self->u.state.met ? &self->u.state.contact : NULL;
	GError *local = NULL;
	gboolean tidy;

	if (!stp_database_begin(db, error) ||
	    !finish(db,
		    stp_times_put_state(db, self->u.state.serial, self->u.state.epoch, self->u.state.oldest,
					self->u.state.newest, contact, &self->news, error),
		    error))
		return FALSE;
	tidy = stp_journal_tidy(db, self->u.state.serial, self->u.state.epoch, self->u.state.oldest, &local);
	shrug(self->u.state.serial, tidy, local);
	return TRUE;
}

StpJob *
stp_job_put_state(const char *serial, guint32 epoch, guint32 oldest, guint32 newest,
		  const StpContact *contact)
{
	StpJob *self = new_job(put_state, clear_state);

	self->u.state.serial = g_strdup(serial);
	self->u.state.epoch = epoch;
	self->u.state.oldest = oldest;
	self->u.state.newest = newest;
	self->u.state.met = contact != NULL;
	if (contact != NULL)
		self->u.state.contact = *contact;
	return self;
}

/* ---- records ---- */

static void
clear_arrival(StpJob *self)
{
	g_free((char *)self->u.arrival.serial);
	g_free((char *)self->u.arrival.zone);
	g_bytes_unref(self->u.arrival.raw);
}

static gboolean
put_record(StpJob *self, StpDatabase *db, GCancellable *cancellable, GError **error)
{
	g_auto(StpLook) look = { STP_OK, NULL };
	const StpArrival *arrival = &self->u.arrival;
	GError *local = NULL;
	gboolean forgotten;
	StpKept kept;

	stp_digester_start(self->digester, self->u.arrival.raw);
	if (!stp_database_begin(db, error) ||
	    !finish(db, stp_records_keep(db, &self->u.arrival, &kept, self->made, error), error))
		return FALSE;

	/* From here on it is safe; the pen may be told whatever else happens. */
	self->outcome = g_new0(StpStoredOutcome, 1);
	self->outcome->how = kept.how;
	self->outcome->acknowledge = kept.acknowledge;
	self->outcome->verdict = kept.integrity;
	forgotten = stp_journal_forget(db, arrival->serial, arrival->epoch, arrival->number, &local);
	shrug(arrival->serial, forgotten, local);
	if (kept.record == 0)
		return TRUE;
	if (stp_decoding_look(db, kept.record, self->u.arrival.raw, self->digester, &look, self->made,
			      &self->trouble)) {
		self->outcome->verdict = look.verdict;
		self->outcome->session_id = g_steal_pointer(&look.session_id);
	} else {
		self->outcome->verdict = STP_ERR_IO;
	}
	return TRUE;
}

StpJob *
stp_job_put_record(const StpArrival *arrival)
{
	StpJob *self = new_job(put_record, clear_arrival);

	self->u.arrival = *arrival;
	self->u.arrival.serial = g_strdup(arrival->serial);
	self->u.arrival.raw = g_bytes_ref(arrival->raw);
	self->u.arrival.zone = g_strdup(arrival->zone);
	return self;
}

/* ---- the record under way ---- */

static void
clear_partial(StpJob *self)
{
	stp_partial_free(self->u.partial);
}

static gboolean
put_partial(StpJob *self, StpDatabase *db, GCancellable *cancellable, GError **error)
{
	return stp_database_begin(db, error) && finish(db, stp_journal_put(db, self->u.partial, error), error);
}

static gboolean
refute_partial(StpJob *self, StpDatabase *db, GCancellable *cancellable, GError **error)
{
	return stp_database_begin(db, error) && finish(db, stp_journal_refute(db, self->u.partial, error), error);
}

static StpJob *
about_partial(const StpPartial *partial, gboolean (*todo)(StpJob *, StpDatabase *, GCancellable *, GError **))
{
	StpJob *self = new_job(todo, clear_partial);
	StpPartial *copy = g_new(StpPartial, 1);

	*copy = *partial;
	copy->serial = g_strdup(partial->serial);
	copy->bytes = g_bytes_ref(partial->bytes);
	self->u.partial = copy;
	self->optional = TRUE;
	return self;
}

StpJob *
stp_job_put_partial(const StpPartial *partial)
{
	return about_partial(partial, put_partial);
}

StpJob *
stp_job_refute_partial(const StpPartial *partial)
{
	return about_partial(partial, refute_partial);
}

/* ---- findings ---- */

static void
clear_finding(StpJob *self)
{
	stp_finding_free(self->u.finding);
}

static gboolean
note_finding(StpJob *self, StpDatabase *db, GError **error)
{
	const StpFinding *finding = self->u.finding;
	StpNote note = {
		.serial = finding->serial,
		.epoch = finding->epoch,
		.record = finding->record,
		.kind = finding->kind,
		.text = finding->text,
		.hint = finding->hint,
		.at = finding->last != 0 ? finding->last : stp_clock_wall(),
		.kept = finding->kept,
	};

	if (!stp_pens_ensure(db, finding->serial, &note.pen, error))
		return FALSE;
	if (finding->record != 0 && !stp_epoch_ensure(db, note.pen, finding->epoch, error))
		return FALSE;
	return stp_findings_note(db, &note, self->made, error);
}

static gboolean
put_finding(StpJob *self, StpDatabase *db, GCancellable *cancellable, GError **error)
{
	return stp_database_begin(db, error) && finish(db, note_finding(self, db, error), error);
}

StpJob *
stp_job_put_finding(const StpFinding *finding)
{
	StpJob *self = new_job(put_finding, clear_finding);
	StpFinding *copy = g_new(StpFinding, 1);

	*copy = *finding;
	copy->serial = g_strdup(finding->serial);
	copy->kind = g_strdup(finding->kind);
	copy->text = g_strdup(finding->text != NULL ? finding->text : "");
	copy->hint = g_strdup(finding->hint != NULL ? finding->hint : "");
	self->u.finding = copy;
	return self;
}

/* ---- attempts ---- */

static void
clear_attempt(StpJob *self)
{
	g_free((char *)self->u.attempt.serial);
	g_free((char *)self->u.attempt.stage);
	g_free((char *)self->u.attempt.error);
	g_free((char *)self->u.attempt.notify);
	g_free((char *)self->u.attempt.link_end);
	g_free((char *)self->u.attempt.link_end_text);
}

/* Once for all that came in this sync. */
static gboolean
note_attempt(StpJob *self, StpDatabase *db, GError **error)
{
	const StpAttempt *attempt = &self->u.attempt;
	gboolean whole = (attempt->error == NULL || *attempt->error == '\0') &&
			 g_strcmp0(attempt->stage, "done") == 0 &&
			 attempt->damaged == 0 && attempt->given_up == 0;
	gint64 pen;

	if (!stp_attempts_put(db, attempt, error) || !stp_pens_ensure(db, attempt->serial, &pen, error) ||
	    !stp_times_settle(db, pen, &self->news, error))
		return FALSE;
	for (guint i = 0; i < G_N_ELEMENTS(attempt->lives); i++) {
		if (!stp_live_put_tally(db, pen, &attempt->lives[i], error))
			return FALSE;
	}
	return stp_live_compare(db, pen, attempt->serial, self->made, error) &&
	       (!whole || stp_live_reconcile(db, pen, attempt->serial, self->made, error));
}

static gboolean
put_attempt(StpJob *self, StpDatabase *db, GCancellable *cancellable, GError **error)
{
	gboolean done = stp_database_begin(db, error) && finish(db, note_attempt(self, db, error), error);

	/* A sync is over; it may be long until the next. */
	stp_database_trim(db);
	return done;
}

StpJob *
stp_job_put_attempt(const StpAttempt *attempt)
{
	StpJob *self = new_job(put_attempt, clear_attempt);

	self->u.attempt = *attempt;
	self->u.attempt.serial = g_strdup(attempt->serial);
	self->u.attempt.stage = g_strdup(attempt->stage);
	self->u.attempt.error = g_strdup(attempt->error);
	self->u.attempt.notify = g_strdup(attempt->notify);
	self->u.attempt.link_end = g_strdup(attempt->link_end);
	self->u.attempt.link_end_text = g_strdup(attempt->link_end_text);
	return self;
}

/* ---- alerts ---- */

static void
clear_alert(StpJob *self)
{
	stp_alert_free(self->u.alert);
}

static gboolean
put_alert(StpJob *self, StpDatabase *db, GCancellable *cancellable, GError **error)
{
	return stp_database_begin(db, error) && finish(db, stp_alerts_put(db, self->u.alert, error), error);
}

StpJob *
stp_job_put_alert(const StpAlert *alert)
{
	StpJob *self = new_job(put_alert, clear_alert);

	self->u.alert = stp_alert_copy(alert);
	/* What tells of a full disk must find room, and whether it does says nothing about the store. */
	self->optional = TRUE;
	self->small = TRUE;
	return self;
}

/* ---- the pens' own clocks ---- */

static void
clear_clock(StpJob *self)
{
	g_free(self->u.clock.serial);
}

static gboolean
put_clock_set(StpJob *self, StpDatabase *db, GCancellable *cancellable, GError **error)
{
	return stp_database_begin(db, error) &&
	       finish(db, stp_times_put_clock_set(db, self->u.clock.serial, &self->u.clock.set, error), error);
}

StpJob *
stp_job_put_clock_set(const char *serial, const StpClockSet *set)
{
	StpJob *self = new_job(put_clock_set, clear_clock);

	self->u.clock.serial = g_strdup(serial);
	self->u.clock.set = *set;
	return self;
}

/* ---- upkeep ---- */

static gboolean
reparse(StpJob *self, StpDatabase *db, GCancellable *cancellable, GError **error)
{
	return stp_decoding_reparse(db, cancellable, error);
}

StpJob *
stp_job_reparse(void)
{
	return new_job(reparse, NULL);
}

static void
clear_salvage(StpJob *self)
{
	stp_salvage_clear(&self->u.salvage);
}

static gboolean
salvage(StpJob *self, StpDatabase *db, GCancellable *cancellable, GError **error)
{
	return stp_salvage_slice(db, &self->u.salvage, error) && stp_decoding_catch_up(db, &self->trouble);
}

StpJob *
stp_job_salvage(void)
{
	StpJob *self = new_job(salvage, clear_salvage);

	/* Nobody waits for it; what keeps it from going on is noticed by whoever does. */
	self->optional = TRUE;
	return self;
}

static gboolean
probe(StpJob *self, StpDatabase *db, GCancellable *cancellable, GError **error)
{
	static const char sql[] = "UPDATE setting SET value = value WHERE name = 'collector-id'";

	return stp_database_begin(db, error) && finish(db, stp_database_run(db, sql, NULL, error), error);
}

StpJob *
stp_job_probe(void)
{
	return new_job(probe, NULL);
}
