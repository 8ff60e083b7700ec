/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef STIPPLE_STATUS_H
#define STIPPLE_STATUS_H

/* Statuses, and the marks of what is public. */

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define STP_API __attribute__((visibility("default")))
#define STP_MUST_CHECK __attribute__((warn_unused_result))
#else
#define STP_API
#define STP_MUST_CHECK
#endif

/*
 * What every fallible call of the library returns.  On anything but STP_OK
 * the call's outputs are untouched.
 */
enum stp_status {
	STP_OK = 0,	/* it worked */
	STP_ERR_ARGUMENT,	/* the caller broke the call's contract */
	STP_ERR_SPACE,		/* the caller's buffer is too small */
	STP_ERR_TRUNCATED,	/* the bytes end before the structure does */
	STP_ERR_MALFORMED,	/* the bytes contradict the format */
	STP_ERR_RANGE,		/* a value lies outside its protocol range */
	STP_ERR_CRC,		/* a checksum does not hold */
	STP_ERR_UNKNOWN,	/* a type, operation or codec this version does not know */
	STP_ERR_TURN,		/* a well-formed message nobody asked for */
	STP_ERR_IDENTITY,	/* a record that says it is another one */
	STP_ERR_MEMORY,		/* an allocation failed or hit its cap (host side only) */
	STP_ERR_NOT_FOUND,	/* no such record, slot or entry */
	STP_ERR_TIMEOUT,	/* the other side did not answer in time */
	STP_ERR_REFUSED,	/* the other side answered with an error status */
	STP_ERR_IO,		/* the caller's flash or storage callback failed */
	STP_ERR_ORPHAN,		/* it continues something that was not given before it */
	STP_STATUS_COUNT	/* how many there are; not a status */
};

/* A stable lower-case word for logs and JSON, e.g. "crc"; never NULL. */
STP_API const char *stp_status_name(enum stp_status status);

/* One sentence for people: what happened; never NULL. */
STP_API const char *stp_status_text(enum stp_status status);

/* One sentence for people: what to do next; never NULL. */
STP_API const char *stp_status_hint(enum stp_status status);

#ifdef __cplusplus
}
#endif

#endif
