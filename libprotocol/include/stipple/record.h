/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef STIPPLE_RECORD_H
#define STIPPLE_RECORD_H

/*
 * A record as it lies in the pen's flash, travels, and is stored for good:
 *
 *   protobuf message "Record" (proto/stipple.proto) | CRC-32C over it, 4 bytes LE
 *
 * Its identity is (serial, log epoch, record number); time and address never are.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stipple/seal.h>
#include <stipple/segment.h>	/* STP_RECORD_SIZE_MAX */
#include <stipple/status.h>
#include <stipple/telemetry.h>

#ifdef __cplusplus
extern "C" {
#endif

#define STP_FIRMWARE_MAX 32
#define STP_RECORD_TRAILER_SIZE 4
#define STP_SESSION_TAG_SIZE 8
/* What unpacking one record may allocate at most. */
#define STP_RECORD_MEMORY_MAX (8u * 1024u * 1024u)

/* What a record is about. */
enum stp_record_type {
	STP_RECORD_SESSION = 1,	/* a session, or a part of one */
	STP_RECORD_EVENT = 2,	/* an alarm or another event of the pen */
	STP_RECORD_SEAL = 3,	/* a signed statement about the records before it */
};

/* Who a record is: serial, epoch and number are its identity. */
struct stp_record_head {
	char serial[STP_SERIAL_MAX + 1];
	uint32_t epoch;
	uint32_t number;	/* from 1 */
	uint32_t boot_id;
	uint64_t start_tick_ms;
	uint8_t type;		/* enum stp_record_type; unknown values are kept */
	uint16_t schema_rev;
	char firmware[STP_FIRMWARE_MAX + 1];
	bool has_prev_hash;	/* false in the first record of an epoch, and in pens that do not chain */
	/*
	 * SHA-256 of the whole record, trailer and all, that the pen wrote before this one in the
	 * same epoch.  A pen hashes a record while it writes it to flash, and keeps the
	 * result for the next one.
	 */
	uint8_t prev_hash[STP_RECORD_HASH_SIZE];
};

/* What a session part says of itself beside its samples. */
struct stp_session_part {
	uint32_t session_no;	/* counts the pen's sessions in this epoch, from 1 */
	uint16_t part;		/* from 0 */
	bool last;		/* no part follows */
	uint16_t period_ms;	/* nominal, 5..1000 */
	uint32_t duration_ms;	/* of this part */
	uint32_t motor_on_ms;
	uint32_t strokes;
	uint32_t sample_count;	/* over all blocks of this part, 0..17280000: a day at 5 ms */
	uint16_t set_depth_min_um, set_depth_max_um;	/* what the operator chose; STP_ABSENT unknown */
	uint16_t set_rate_dhz;
	uint8_t needles;	/* of the cartridge, 0 unknown */
	uint8_t cartridge_uid[16];
	uint8_t cartridge_uid_size;	/* 0: no cartridge id */
	bool has_session_tag;
	uint8_t session_tag[STP_SESSION_TAG_SIZE];	/* what a host gave the session to be known by */
};

/* What happened; arg is named beside it.  Codes from 0x8000 are the maker's own. */
enum stp_event_code {
	STP_EVENT_SESSION_START = 1,		/* session number */
	STP_EVENT_SESSION_END = 2,		/* session number */
	STP_EVENT_PASS_START = 3,		/* pass */
	STP_EVENT_PASS_END = 4,		/* pass */
	STP_EVENT_ZONE_CHANGE = 5,		/* zone */
	STP_EVENT_CARTRIDGE_IN = 6,		/* 0 */
	STP_EVENT_CARTRIDGE_OUT = 7,		/* 0 */
	STP_EVENT_CARTRIDGE_REFUSED = 8,	/* 0 */
	STP_EVENT_DEPTH_LIMIT = 9,		/* depth, um */
	STP_EVENT_DEPTH_DEVIATION = 10,		/* difference, um */
	STP_EVENT_STALL = 11,		/* 0 */
	STP_EVENT_SPEED_SAG = 12,		/* percent below the set rate */
	STP_EVENT_OVER_CURRENT = 13,		/* mA */
	STP_EVENT_OVER_TEMPERATURE = 14,	/* degrees Celsius */
	STP_EVENT_BATTERY_LOW = 15,		/* percent */
	STP_EVENT_POWER_LOSS = 16,		/* 0 */
	STP_EVENT_CLOCK_SET = 17,		/* seconds, absolute */
	STP_EVENT_FLASH_ERROR = 18,		/* 0 */
	STP_EVENT_LOG_OVERRUN = 19,		/* how many */
	STP_EVENT_SELF_TEST = 20,		/* 0 passed, else the maker's code */
	STP_EVENT_POWER_UP = 21,		/* enum stp_power_up_reason */
};

/* The argument of STP_EVENT_POWER_UP. */
enum stp_power_up_reason {
	STP_POWER_UP_POWER = 0,		/* it was switched on */
	STP_POWER_UP_RESET = 1,	/* its firmware began anew */
	STP_POWER_UP_WATCHDOG = 2,	/* its firmware hung */
	STP_POWER_UP_BROWN_OUT = 3,	/* its supply broke down */
	STP_POWER_UP_UPDATE = 4,	/* of its firmware */
};

/* An event of the pen. */
struct stp_event {
	uint32_t event_no;
	uint16_t code;		/* enum stp_event_code; unknown values are kept */
	uint32_t arg;
	uint8_t severity;	/* 0 info, 1 caution, 2 warning, 3 fault */
	uint64_t utc_ms;	/* since 1970, below 2^48: the pen's own idea of UTC then; 0 unknown */
	uint32_t utc_uncertainty_ms;	/* 0 unknown; needs utc_ms */
};

/* ---- reading (host side; allocates through protobuf-c under a cap) ---- */

struct stp_record;

/* The trailer's checksum over everything before it.  No allocation. */
STP_API STP_MUST_CHECK enum stp_status
stp_record_check(const uint8_t *raw, size_t size, uint32_t *crc32c);

/* stp_record_read_head() for a struct of that size; see stipple.h. */
STP_API STP_MUST_CHECK enum stp_status
stp_record_read_head_sized(const uint8_t *raw, size_t size, struct stp_record_head *head, size_t head_size);

/*
 * Check, and read only who the record says it is; works for record types this
 * library does not know.  No allocation.
 */
STP_MUST_CHECK static inline enum stp_status
stp_record_read_head(const uint8_t *raw, size_t size, struct stp_record_head *head)
{
	return stp_record_read_head_sized(raw, size, head, sizeof(*head));
}

/*
 * Check and unpack.  *out is freed with stp_record_free(); raw may go away before.
 * STP_ERR_UNKNOWN: the record is whole, but of a type this library does not know; a later
 * schema revision of a known type decodes, its unknown fields are skipped.
 * STP_ERR_RANGE: a field lies outside its protocol range.
 * STP_ERR_MEMORY: no memory, or unpacking would take more than STP_RECORD_MEMORY_MAX.
 * The blocks are not looked into: that is stp_block_decode()'s or stp_record_validate()'s job.
 */
STP_API STP_MUST_CHECK enum stp_status
stp_record_decode(const uint8_t *raw, size_t size, struct stp_record **out);
/* NULL is allowed. */
STP_API void stp_record_free(struct stp_record *record);

/* Who the record says it is; lives as long as the record. */
STP_API const struct stp_record_head *stp_record_head(const struct stp_record *record);
/* NULL when the record is of another type; lives as long as the record. */
STP_API const struct stp_session_part *stp_record_session(const struct stp_record *record);
/* NULL when the record is of another type; lives as long as the record. */
STP_API const struct stp_event *stp_record_event(const struct stp_record *record);
/* NULL when the record is of another type; lives as long as the record. */
STP_API const struct stp_seal *stp_record_seal(const struct stp_record *record);
/* How many telemetry blocks the record has. */
STP_API size_t stp_record_block_count(const struct stp_record *record);
/* The bytes of one telemetry block; they live as long as the record. */
STP_API const uint8_t *stp_record_block(const struct stp_record *record, size_t index, size_t *size);

/* What stp_record_validate() found first. */
struct stp_record_fault {
	enum stp_status status;
	int32_t block;		/* index of the telemetry block at fault; -1: the record itself */
	const char *reason;	/* a few words in English, static, e.g. "a value is out of range" */
};

/* stp_record_validate() for a struct of that size; see stipple.h. */
STP_API STP_MUST_CHECK enum stp_status
stp_record_validate_sized(const uint8_t *raw, size_t size, struct stp_record_fault *fault,
			  size_t fault_size);

/*
 * Everything that can be checked about a record by itself: checksum, head, type, every
 * block, the sample count the session part claims, and that time never goes back from
 * block to block.  Returns the first failure, described in *fault (which may be NULL;
 * STP_OK leaves it untouched).  Allocates like stp_record_decode(), plus
 * one block's samples.
 */
STP_MUST_CHECK static inline enum stp_status
stp_record_validate(const uint8_t *raw, size_t size, struct stp_record_fault *fault)
{
	return stp_record_validate_sized(raw, size, fault, sizeof(*fault));
}

/*
 * The seal of a record of that type, without allocation.  STP_ERR_UNKNOWN: the record is of another
 * type; STP_ERR_MALFORMED, STP_ERR_RANGE: its seal is missing, or not as WIRE.md has it.
 * The statement is not looked into: that is stp_seal_statement_decode()'s job.
 */
STP_API STP_MUST_CHECK enum stp_status
stp_record_read_seal(const uint8_t *raw, size_t size, struct stp_seal *out);

/* ---- writing (pen side; no allocation, into the caller's buffer) ---- */

/* A record being written; set up by stp_record_begin(). */
struct stp_record_writer {
	uint8_t *bytes;
	size_t capacity, size;
	enum stp_status failed;	/* the first failure sticks; stp_record_finish() returns it */
	uint64_t later[2];
};

/* stp_record_begin() for a head of that size; see stipple.h. */
STP_API void stp_record_begin_sized(struct stp_record_writer *writer, uint8_t *bytes, size_t capacity,
				    const struct stp_record_head *head, size_t head_size);
/* stp_record_put_session() for a struct of that size; see stipple.h. */
STP_API void stp_record_put_session_sized(struct stp_record_writer *writer,
					  const struct stp_session_part *part, size_t part_size);
/* stp_record_put_event() for a struct of that size; see stipple.h. */
STP_API void stp_record_put_event_sized(struct stp_record_writer *writer, const struct stp_event *event,
					size_t event_size);

/*
 * Begin a record in the caller's bytes, which must live until stp_record_finish().  What is
 * wrong with the head, as with what is put, is told by stp_record_finish().
 */
static inline void
stp_record_begin(struct stp_record_writer *writer, uint8_t *bytes, size_t capacity,
		 const struct stp_record_head *head)
{
	stp_record_begin_sized(writer, bytes, capacity, head, sizeof(*head));
}

/* What a session part says of itself, once, before its blocks. */
static inline void
stp_record_put_session(struct stp_record_writer *writer, const struct stp_session_part *part)
{
	stp_record_put_session_sized(writer, part, sizeof(*part));
}

/* The event, once. */
static inline void
stp_record_put_event(struct stp_record_writer *writer, const struct stp_event *event)
{
	stp_record_put_event_sized(writer, event, sizeof(*event));
}

/*
 * The statement, as it was signed, and its signature, once.  The statement's prev_hash is the
 * head's.
 */
STP_API void stp_record_put_seal(struct stp_record_writer *writer, const struct stp_seal *seal);

/* A telemetry block, as stp_block_encoder_finish() left it; blocks come in the order of time. */
STP_API void stp_record_put_block(struct stp_record_writer *writer, const uint8_t *block, size_t size);
/* Append the trailer; *size receives the length of the raw record. */
STP_API STP_MUST_CHECK enum stp_status
stp_record_finish(struct stp_record_writer *writer, size_t *size);

#ifdef __cplusplus
}
#endif

#endif
