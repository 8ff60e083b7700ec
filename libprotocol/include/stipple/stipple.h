/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef STIPPLE_STIPPLE_H
#define STIPPLE_STIPPLE_H

/*
 * The whole of libstipple.  Each header can be included by itself.
 *
 * Rules of the whole library:
 *
 * Errors.  What can fail returns enum stp_status, or, in the engines, yields an action or an
 * output that says so.  After a failure outputs are untouched unless the call says otherwise.
 * Every status has a word, a text and a hint (status.h).  Nothing prints, exits or asserts.
 *
 * Threads.  There is no global state.  An object (an engine, an encoder, a writer, a set, a
 * decoded record) is used by one thread at a time; different objects are independent.
 * Functions that take only bytes and plain structs can be called from anywhere, interrupts included.
 *
 * Memory.  Bytes and structs are the caller's, before and after, unless a call says otherwise.
 * The library allocates in the calls that end in _new(), in stp_record_decode() and
 * stp_record_validate(), and a collector's engine where the first record of a size is listed or read.
 *
 * Growth.  The soname stays as long as programs compiled before still run.
 *  - Structs that are one message or one value of the wire do not change: stp_request, stp_answer,
 *    stp_panel_request, stp_panel_answer, stp_live, stp_event_hint, stp_cartridge,
 *    stp_config_item, stp_counter, stp_entry, stp_segment, stp_elapsed_time, stp_time_anchor, stp_range,
 *    stp_sample, stp_seal, stp_seal_statement, and stp_pen_slot, which firmware keeps in flash.
 *  - Structs that may grow cross the border with their size.  A function that takes or fills one
 *    is an inline function here, and stp_..._sized() in the library, which it tells the size of the
 *    struct as the program knows it.  Set them up with { 0 } or designated initialisers: a field
 *    that is added later stands behind all that were there, padding included, and its zero means "as
 *    before".  A field set by a newer program that an older library does not know of is
 *    refused with STP_ERR_ARGUMENT.
 *  - Structs that are the state of an object and that the caller places, stp_pen, stp_block_encoder,
 *    stp_block_decoder, stp_record_writer, stp_chain, stp_live_tracker, keep their size: what is added
 *    takes of the room called later.  Their fields are the library's unless a comment says otherwise.
 *  - Programs ignore values of enums that they do not know.
 *  - struct stp_record, stp_host, stp_errand, stp_panel: made and known by the library alone.
 */

#include <stipple/cartridge.h>
#include <stipple/chain.h>
#include <stipple/configuration.h>
#include <stipple/control.h>
#include <stipple/crc32c.h>
#include <stipple/diagnostics.h>
#include <stipple/elapsed-time.h>
#include <stipple/errand.h>
#include <stipple/gatt.h>
#include <stipple/host.h>
#include <stipple/live.h>
#include <stipple/panel.h>
#include <stipple/pen-control.h>
#include <stipple/pen-event.h>
#include <stipple/pen.h>
#include <stipple/ranges.h>
#include <stipple/record.h>
#include <stipple/seal.h>
#include <stipple/segment.h>
#include <stipple/status.h>
#include <stipple/telemetry.h>

#endif
