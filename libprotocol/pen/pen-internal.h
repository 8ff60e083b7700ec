/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef PEN_INTERNAL_H
#define PEN_INTERNAL_H

/* What the parts of the pen engine share. */

#include <string.h>

#include <stipple/pen.h>

/* How many records one call looks at before it lets the firmware do something else. */
#define STP_PEN_LOOKUPS_MAX 64

#define STP_PEN_NO_SLOT 0xFF

/*
 * Begin a LIST, READ, HASH, ERASE_PREPARE or ERASE whose request was decoded; on anything but SUCCESS
 * nothing was begun.
 */
uint8_t stp_pen_begin_list(struct stp_pen *pen, const struct stp_request *request);
uint8_t stp_pen_begin_read(struct stp_pen *pen, const struct stp_request *request);
uint8_t stp_pen_begin_hash(struct stp_pen *pen, const struct stp_request *request);
uint8_t stp_pen_begin_erase(struct stp_pen *pen, const struct stp_request *request);
void stp_pen_add_credit(struct stp_pen *pen, const struct stp_request *request);
void stp_pen_end_stream(struct stp_pen *pen);

enum stp_pen_step {
	STP_PEN_STEP_PAUSE,		/* nothing can be done now: for want of credits, or beside the motor */
	STP_PEN_STEP_WORKING,	/* a piece was done */
	STP_PEN_STEP_SEGMENT,	/* there is a segment in pen->value */
	STP_PEN_STEP_ENDED,		/* *reply holds all but op and token, which the caller knows */
};

/* Go on with what is under way, whatever it is; its answer waits when it ENDED. */
enum stp_pen_step stp_pen_work(struct stp_pen *pen, size_t *size);
/* The same for each kind. */
enum stp_pen_step stp_pen_work_stream(struct stp_pen *pen, struct stp_answer *reply, size_t *size);
enum stp_pen_step stp_pen_work_hash(struct stp_pen *pen, struct stp_answer *reply);
enum stp_pen_step stp_pen_work_erase(struct stp_pen *pen, struct stp_answer *reply);

/* As many bytes of entries as there are and fit; 0 that are not the last: look again. */
enum stp_status stp_pen_fill_list(struct stp_pen *pen, uint8_t *payload, size_t capacity, size_t *size,
				  bool *last);

/* What the firmware says of its log; what an older one does not say is 0. */
static inline void
stp_pen_ask_log(const struct stp_pen *pen, struct stp_pen_log_state *state)
{
	memset(state, 0, sizeof(*state));
	pen->config.log->state(pen->config.user, state);
}

/* What forbids LIST, READ and HASH, at their start as well as in their middle. */
uint8_t stp_pen_obstacle(const struct stp_pen *pen, const struct stp_pen_log_state *state, uint32_t epoch);
/* Whether the motor leaves room for one more segment now, and that it was sent. */
bool stp_pen_may_pass(const struct stp_pen *pen, const struct stp_pen_log_state *state);
void stp_pen_has_passed(struct stp_pen *pen, const struct stp_pen_log_state *state);

/* SUCCESS or RECORD_CORRUPT: offset and length lie within the record. */
uint8_t stp_pen_find_range(const struct stp_pen *pen, const struct stp_pen_log_state *state, uint32_t record,
			   uint32_t offset, uint32_t length);
/* What a log callback's failure means for the record that is read. */
uint8_t stp_pen_read_failure(const struct stp_pen_log_state *state, uint32_t record, enum stp_status status);

/* Find or make the collector's slot, kept before this returns SUCCESS. */
uint8_t stp_pen_take_slot(struct stp_pen *pen, const uint8_t collector_id[STP_COLLECTOR_ID_SIZE]);
/* At power-up: a slot that has what the log never had starts over, kept. */
void stp_pen_check_slots(struct stp_pen *pen);
uint8_t stp_pen_slots_free(const struct stp_pen *pen);
/* The mark of the connected collector's slot in the log's epoch; 0: none. */
uint32_t stp_pen_mark(const struct stp_pen *pen);
/* Note records as acknowledged in the connected collector's slot, kept before this returns SUCCESS. */
uint8_t stp_pen_acknowledge(struct stp_pen *pen, const struct stp_request *request);
uint8_t stp_pen_tell_slot(const struct stp_pen *pen, uint8_t index, struct stp_answer *reply);
uint8_t stp_pen_drop_slot(struct stp_pen *pen, const struct stp_request *request);

/*
 * The acknowledged numbers of a slot at or above number: the run of them that ends first.  False: there is
 * none.  A slot that was last used in another epoch has acknowledged nothing.
 */
bool stp_pen_slot_run(const struct stp_pen_slot *slot, uint32_t epoch, uint32_t number, struct stp_range *run);
/* Likewise of what every used slot has acknowledged; false, too, when no slot is used. */
bool stp_pen_common_run(const struct stp_pen *pen, uint32_t epoch, uint32_t number, struct stp_range *run);
/* Numbers from first on may have become acknowledged; 0: anything may. */
void stp_pen_reset_spare(struct stp_pen *pen, uint32_t first);

/* Wait for a person, instead of what was waited for before. */
void stp_pen_wish_for(struct stp_pen *pen, enum stp_pen_wish wish);
/* A preparation has to expire, and its nonce must not be foreseen: whether the firmware gave what it takes. */
bool stp_pen_can_prepare(const struct stp_pen *pen);
/* Likewise wait, with a nonce, which is returned. */
uint32_t stp_pen_prepare(struct stp_pen *pen, enum stp_pen_wish wish);
void stp_pen_forget_wish(struct stp_pen *pen);

/* Answer what could not be decoded with what is known of it: writes three bytes, returns their number. */
uint8_t stp_pen_refuse(uint8_t *out, const uint8_t *bytes, size_t size, enum stp_status why);
/* Whatever waits to be sent. */
void stp_pen_forget_outputs(struct stp_pen *pen);

/* The settings, when there are some: */
uint16_t stp_pen_settings_revision(const struct stp_pen *pen);
/* What the engine itself goes by. */
void stp_pen_apply_settings(struct stp_pen *pen);
/* CONFIG_SET, kept before this returns SUCCESS. */
uint8_t stp_pen_change_setting(struct stp_pen *pen, const struct stp_panel_request *request);

#endif
