/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef PEN_INTERNAL_H
#define PEN_INTERNAL_H

/* What the parts of the pen engine share. */

#include <stipple/pen.h>

/* Begin a LIST or READ whose request was decoded; on anything but SUCCESS nothing was begun. */
uint8_t stp_pen_begin_list(struct stp_pen *pen, const struct stp_request *request);
uint8_t stp_pen_begin_read(struct stp_pen *pen, const struct stp_request *request);
void stp_pen_add_credit(struct stp_pen *pen, const struct stp_request *request);

/*
 * Write the next segment to pen->value; its size, or 0 when none may be sent now.  When the
 * stream came to its end, *ended is set and the answer's fields are those of the stream.
 */
size_t stp_pen_next_segment(struct stp_pen *pen, bool *ended);

/* Find or make the collector's slot, kept before this returns SUCCESS. */
uint8_t stp_pen_take_slot(struct stp_pen *pen, const uint8_t collector_id[STP_COLLECTOR_ID_SIZE]);
uint8_t stp_pen_slots_free(const struct stp_pen *pen);
/* The mark of the connected collector's slot in the log's epoch; 0: none. */
uint32_t stp_pen_mark(const struct stp_pen *pen);
/* Note records as acknowledged in the connected collector's slot, kept before this returns SUCCESS. */
uint8_t stp_pen_acknowledge(struct stp_pen *pen, const struct stp_request *request);

#endif
