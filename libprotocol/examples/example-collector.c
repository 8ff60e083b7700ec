/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT
 * example-collector PEN: a collector in 150 lines.  Runs the program PEN at the other end of a
 * socketpair, brings into the working folder the records not there yet, acknowledges those safely there.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <stipple/stipple.h>

#define NOW_MS ((uint64_t)clock_us(CLOCK_MONOTONIC) / 1000)
enum { MTU = 247, RANGES = 64, SPAN_MAX = 65536 /* no pen has room for more: one that says so is wrong */ };

struct collector {
	int radio[2];			/* this end, and the pen's */
	char serial[STP_SERIAL_MAX + 1];
	int64_t asked_us;		/* when the pen was last asked for anything */
	struct stp_range held[RANGES], wanted[RANGES];	/* the engine reads them until it is done */
};

static int64_t
clock_us(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void
transmit(struct collector *collector, char characteristic, const uint8_t *bytes, size_t size)
{
	uint8_t datagram[1 + STP_CONTROL_SIZE_MAX] = { (uint8_t)characteristic };

	memcpy(datagram + 1, bytes, size);
	collector->asked_us = clock_us(CLOCK_MONOTONIC);
	(void)send(collector->radio[0], datagram, 1 + size, MSG_NOSIGNAL);
}

static const char *
path_of(const char *serial, uint32_t epoch, uint32_t record)
{
	static char path[STP_SERIAL_MAX + 32]; /* all three, or records of two pens would be taken for one */

	snprintf(path, sizeof(path), "%s-%u-%u.record", serial, (unsigned)epoch, (unsigned)record);
	return path;
}

/* Whether the record is this pen's and stored for good: its bytes, their name, the folder with the name. */
static bool
keep(const char *serial, const uint8_t *raw, size_t size)
{
	struct stp_record_head head;
	int file = open("record.part", O_WRONLY | O_CREAT | O_TRUNC, 0600), folder = open(".", O_RDONLY);
	bool kept = stp_record_read_head(raw, size, &head) == STP_OK && strcmp(head.serial, serial) == 0
		&& write(file, raw, size) == (ssize_t)size && fsync(file) == 0
		&& rename("record.part", path_of(serial, head.epoch, head.number)) == 0 && fsync(folder) == 0;

	return close(file) == 0 && close(folder) == 0 && kept;
}

/* Ask for what is not here.  There is no high-water mark: a hole is asked for again each time. */
static void
choose(struct collector *collector, struct stp_host *host, const struct stp_host_state *state)
{
	struct stp_ranges held, wanted;

	stp_ranges_init(&held, collector->held, RANGES);
	stp_ranges_init(&wanted, collector->wanted, RANGES);
	for (uint64_t record = state->oldest, i = 0; record <= state->newest && i < SPAN_MAX; record++, i++) {
		bool here = access(path_of(collector->serial, state->epoch, (uint32_t)record), F_OK) == 0;

		if (stp_ranges_add(here ? &held : &wanted, (uint32_t)record, (uint32_t)record) != STP_OK)
			break; /* the next run asks for the rest */
	}
	stp_host_held(host, held.items, held.count, NOW_MS);
	stp_host_want(host, wanted.items, wanted.count, NOW_MS);
}

/* Carry out what the engine asks for, ignore what is not known; false when the dialogue is over. */
static bool
act(struct collector *collector, struct stp_host *host, const struct stp_host_action *action)
{
	if (action->kind == STP_HOST_WRITE || action->kind == STP_HOST_WRITE_COMMAND)
		transmit(collector, 'C', action->u.write.bytes, action->u.write.size);
	else if (action->kind == STP_HOST_READ_TIME)
		transmit(collector, 'T', action->u.write.bytes, 0);
	else if (action->kind == STP_HOST_STATE)
		choose(collector, host, &action->u.state);
	else if (action->kind == STP_HOST_RECORD)
		stp_host_stored(host, action->u.record.integrity == STP_OK /* only then may it be acknowledged */
			&& keep(collector->serial, action->u.record.raw, action->u.record.size), NOW_MS);
	else if (action->kind == STP_HOST_GIVEN_UP)
		fprintf(stderr, "one record: %s\n", stp_status_text(action->u.given_up.reason));
	else if (action->kind == STP_HOST_FAILED)
		fprintf(stderr, "%s\n", stp_status_text(action->u.failed.reason));
	return action->kind != STP_HOST_DONE && action->kind != STP_HOST_FAILED;
}

/* Wait for a datagram or the engine's deadline; false when the pen is gone. */
static bool
hear(struct collector *collector, struct stp_host *host)
{
	uint8_t datagram[1 + STP_ATT_VALUE_MAX], *value = datagram + 1;
	struct pollfd wait = { .fd = collector->radio[0], .events = POLLIN };
	uint64_t due = stp_host_deadline(host), now = NOW_MS;
	ssize_t size;

	if (poll(&wait, 1, due == UINT64_MAX ? -1 : due > now ? (int)(due - now) : 0) == 0)
		stp_host_timeout(host, NOW_MS);
	else if ((size = recv(collector->radio[0], datagram, sizeof(datagram), 0) - 1) < 0)
		return false;
	else if (datagram[0] == 'C')
		stp_host_control(host, value, (size_t)size, NOW_MS);
	else if (datagram[0] == 'D')
		stp_host_data(host, value, (size_t)size, NOW_MS);
	else if (datagram[0] == 'S' && memchr(value, '/', (size_t)size) == NULL) /* fit for path_of() */
		snprintf(collector->serial, sizeof(collector->serial), "%.*s", (int)size, (char *)value);
	else if (datagram[0] == 'T')
		stp_host_time(host, value, (size_t)size, clock_us(CLOCK_REALTIME),
			      (uint32_t)(clock_us(CLOCK_MONOTONIC) - collector->asked_us), NOW_MS);
	return true;
}

int
main(int argc, char **argv)
{
	static struct collector collector;
	struct stp_host_action action = { .kind = STP_HOST_IDLE };
	/* The id is that of the store: random, made with it once. */
	struct stp_host *host = stp_host_new(&(struct stp_host_config){ .collector_id = "EXAMPLE" });

	if (argc != 2 || host == NULL || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, collector.radio))
		return 64;
	if (fork() == 0)
		_exit(dup2(collector.radio[1], STDIN_FILENO) < 0 || execl(argv[1], argv[1], (char *)NULL));
	close(collector.radio[1]);
	transmit(&collector, 'S', (const uint8_t *)"", 0); /* whose log it is comes before what is in it */
	stp_host_start(host, MTU, NULL, NOW_MS);
	do
		stp_host_poll(host, &action);
	while (action.kind == STP_HOST_IDLE ? hear(&collector, host) : act(&collector, host, &action));
	stp_host_free(host);
	return action.kind == STP_HOST_DONE ? 0 : 1;
}
