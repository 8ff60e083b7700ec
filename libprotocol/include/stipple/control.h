/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef STIPPLE_CONTROL_H
#define STIPPLE_CONTROL_H

/*
 * Log Control Point: requests (host to pen, written) and answers (pen to host,
 * indicated).  Each fits 20 bytes, so all of it works at an ATT MTU of 23.
 * Little endian.  Request: op, token, fields.  Answer: op | 0x80, token, status,
 * fields (only when the status is success, or where WIRE.md says otherwise).
 */

#include <stddef.h>
#include <stdint.h>

#include <stipple/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define STP_CONTROL_SIZE_MAX 20
#define STP_TOKEN_MIN 1
#define STP_TOKEN_MAX 15
#define STP_WINDOW_DEFAULT 64	/* segments in flight */
#define STP_WINDOW_MAX 128	/* a host's socket was seen to hold 167 datagrams of 244 bytes */
#define STP_COLLECTOR_ID_SIZE 8
/* The id's beginning, which names the collector to others; the rest is between it and the pen. */
#define STP_COLLECTOR_NAME_SIZE 4
#define STP_BOOT_ID_MAX 0xFFFFFFu	/* 24 bits: a restart a minute for 31 years */
#define STP_LIST_MAX 43690u	/* record numbers in one LIST: their entries just fit one answer */

/* The operations of Log Control Point. */
enum stp_op {
	STP_OP_HELLO = 0x10,	/* say who collects; get a slot */
	STP_OP_GET_STATE = 0x11,	/* epoch, oldest and newest record, boot id, flags */
	STP_OP_LIST = 0x12,	/* what records there are */
	STP_OP_READ = 0x13,	/* bytes of one record */
	STP_OP_CREDIT = 0x14,	/* more segments may come; has no answer */
	STP_OP_HASH = 0x15,	/* checksum of bytes of one record */
	STP_OP_ABORT = 0x16,	/* end the LIST or READ under way */
	STP_OP_ACK = 0x17,	/* these records are stored for good */
	STP_OP_ERASE_PREPARE = 0x18,	/* ask to erase; get a nonce */
	STP_OP_ERASE = 0x19,	/* erase what was prepared */
	STP_OP_SLOTS = 0x1A,	/* what a collector slot holds */
	STP_OP_DROP_SLOT = 0x1B,	/* forget a collector's slot */
};

/*
 * Status of an answer, of Log Control Point and of Pen Control Point alike: 1-9 as in the Record
 * Access Control Point, 0x40 on ours.
 */
enum stp_wire_status {
	STP_WIRE_SUCCESS = 1,	/* done */
	STP_WIRE_OP_NOT_SUPPORTED = 2,	/* the pen does not know the operation */
	STP_WIRE_INVALID_OPERAND = 5,	/* a field that the operation does not take */
	STP_WIRE_NO_RECORDS = 6,	/* none in that range */
	STP_WIRE_ABORT_FAILED = 7,	/* reserved: ABORT always succeeds */
	STP_WIRE_NOT_COMPLETED = 8,	/* the flash failed; LIST and READ ended early */
	STP_WIRE_WRONG_EPOCH = 0x40,	/* the log was begun anew: GET_STATE tells its epoch */
	STP_WIRE_BUSY = 0x41,		/* the motor runs; ask again later */
	STP_WIRE_NOT_AUTHORISED = 0x42,	/* the link is not encrypted and authenticated as it must be */
	STP_WIRE_RECORD_CORRUPT = 0x43,	/* the pen's own check of the record failed */
	STP_WIRE_WINDOW_TOO_LARGE = 0x44,	/* above the pen's max_window */
	STP_WIRE_SLOTS_FULL = 0x45,	/* no slot is left for another collector */
	STP_WIRE_BATTERY_LOW = 0x46,	/* charge the pen, then ask again */
	STP_WIRE_OVERWRITTEN = 0x47,	/* the record existed and is gone */
	STP_WIRE_NOT_ACKNOWLEDGED = 0x48, /* a collector lacks some of what should be erased */
	STP_WIRE_NOT_CONFIRMED = 0x49,	/* a person has to press the pen's button; ask again */
	STP_WIRE_STALE = 0x4A,		/* the nonce is not, or no longer, that of the preparation */
	STP_WIRE_WRONG_REVISION = 0x4B,	/* the configuration was changed meanwhile */
};

/* Flags of GET_STATE. */
enum stp_state_flag {
	STP_STATE_MOTOR_ON = 1u << 0,	/* records are not read meanwhile */
	STP_STATE_OVERRUN = 1u << 1,		/* records nobody had were overwritten */
	STP_STATE_CORRUPT_PRESENT = 1u << 2,	/* some record fails its own checksum */
	STP_STATE_TIME_LOST = 1u << 3,	/* the tick was lost: it began anew */
};

/* A request, host to pen.  The union member is the one named like the operation; others have none. */
struct stp_request {
	enum stp_op op;
	uint8_t token;			/* 1..15 */
	union {
		struct { uint8_t collector_id[STP_COLLECTOR_ID_SIZE]; } hello;
		struct { uint32_t epoch, from, to; uint8_t window; } list;
		struct { uint32_t epoch, record, offset, length; uint8_t window; } read;
		struct { uint8_t segments; } credit;
		struct { uint32_t epoch, record, offset, length; } hash;
		struct { uint8_t slot; uint32_t epoch, from, to; } ack;
		struct { uint32_t epoch, up_to; } erase_prepare;
		struct { uint32_t epoch, up_to, nonce; } erase;
		struct { uint8_t index; } slots;
		struct { uint8_t index; uint8_t name[STP_COLLECTOR_NAME_SIZE]; } drop_slot;
	} u;
};

/* An answer, pen to host.  LIST and READ have u.sent, the others the member named like the operation. */
struct stp_answer {
	enum stp_op op;			/* without the 0x80 */
	uint8_t token;			/* that of the request */
	uint8_t status;			/* enum stp_wire_status; unknown values are kept */
	union {
		/* mark: all numbers up to it are acknowledged in this slot and epoch; 0: none */
		struct { uint8_t slot, slots_free; uint32_t mark; } hello;
		struct {
			uint32_t epoch, oldest, newest;	/* oldest > newest: the log is empty */
			uint32_t boot_id;		/* 24 bits */
			uint8_t free_percent, flags;	/* enum stp_state_flag */
		} state;
		/*
		 * LIST and READ: how many bytes were sent on Log Data for this token, and the
		 * CRC-32C over them; valid whatever the status (0, 0 when nothing was sent).
		 */
		struct {
			uint32_t sent, crc32c;
			uint32_t oldest;	/* LIST only: numbers below it are gone */
		} sent;
		struct { uint32_t crc32c; } hash;	/* valid with RECORD_CORRUPT, too */
		struct { uint8_t ranges_free; } ack;
		struct { uint32_t nonce; } erase_prepare;
		/* The mark is in that slot's epoch, which may be an older one than the log's. */
		struct { uint8_t name[STP_COLLECTOR_NAME_SIZE]; uint32_t mark, epoch; } slots;
	} u;
};

/*
 * Write a request; *size receives its length.
 * STP_ERR_RANGE: a field outside what WIRE.md allows.  A decoded window may be up to 255: a pen
 * answers one above its own with STP_WIRE_WINDOW_TOO_LARGE.  Requests have one size: shorter is
 * STP_ERR_TRUNCATED, longer STP_ERR_MALFORMED.  Answers may be longer: later revisions append.
 */
STP_API STP_MUST_CHECK enum stp_status
stp_request_encode(const struct stp_request *request, uint8_t out[STP_CONTROL_SIZE_MAX], size_t *size);
/* Read a request; what stp_request_encode() says of errors holds. */
STP_API STP_MUST_CHECK enum stp_status
stp_request_decode(const uint8_t *bytes, size_t size, struct stp_request *out);
/* Write an answer; *size receives its length.  Errors as of stp_request_encode(). */
STP_API STP_MUST_CHECK enum stp_status
stp_answer_encode(const struct stp_answer *answer, uint8_t out[STP_CONTROL_SIZE_MAX], size_t *size);
/* Read an answer, which may be longer than is known here.  Errors as of stp_request_encode(). */
STP_API STP_MUST_CHECK enum stp_status
stp_answer_decode(const uint8_t *bytes, size_t size, struct stp_answer *out);

/* A word for logs and JSON, e.g. "wrong-epoch"; "status-0x7f" is the caller's job: NULL when unknown. */
STP_API const char *stp_wire_status_name(uint8_t status);
/* One sentence for people: what happened; never NULL. */
STP_API const char *stp_wire_status_text(uint8_t status);
/* One sentence for people: what to do next; never NULL. */
STP_API const char *stp_wire_status_hint(uint8_t status);
/* "list"; NULL when unknown. */
STP_API const char *stp_op_name(enum stp_op op);

/* Flags of a line of LIST. */
enum stp_entry_flag {
	STP_ENTRY_CORRUPT = 1u << 0,	/* the pen knows that its copy fails its checksum */
	STP_ENTRY_CHAINED = 1u << 1,	/* the record carries the hash of the one before */
	STP_ENTRY_ACKNOWLEDGED = 1u << 2, /* in the slot of the collector that asks */
};

/* One line of LIST, 24 bytes. */
struct stp_entry {
	uint32_t record;
	uint32_t boot_id;
	uint64_t start_tick_ms;		/* 48 bits */
	uint8_t type;			/* enum stp_record_type; unknown values are kept */
	uint8_t flags;			/* enum stp_entry_flag */
	uint32_t length;		/* bytes of the raw record, 1..STP_RECORD_SIZE_MAX */
	uint32_t crc32c;		/* the raw record's own checksum, its last four bytes */
};
#define STP_ENTRY_SIZE 24

/* Write a line of LIST.  The fields are not checked. */
STP_API void stp_entry_encode(const struct stp_entry *entry, uint8_t out[STP_ENTRY_SIZE]);
/*
 * Read a line of LIST.  STP_ERR_TRUNCATED: fewer than 24 bytes; STP_ERR_MALFORMED: more;
 * STP_ERR_RANGE: record 0, or a length that no record has.
 */
STP_API STP_MUST_CHECK enum stp_status
stp_entry_decode(const uint8_t *bytes, size_t size, struct stp_entry *out);

#ifdef __cplusplus
}
#endif

#endif
