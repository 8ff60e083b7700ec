/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT
 *
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
enum { MTU = 247, RANGES = 64 };

struct collector {
	int radio;
	int64_t asked_us;		/* when the pen was asked for its clock */
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
transmit(int radio, char characteristic, const uint8_t *bytes, size_t size)
{
	uint8_t datagram[1 + STP_CONTROL_SIZE_MAX] = { (uint8_t)characteristic };

	memcpy(datagram + 1, bytes, size);
	(void)send(radio, datagram, 1 + size, MSG_NOSIGNAL);
}

static const char *
path_of(uint32_t epoch, uint32_t record)
{
	static char path[32];

	snprintf(path, sizeof(path), "%u-%u.record", (unsigned)epoch, (unsigned)record);
	return path;
}

/* Whether the record is sound and stored for good: its bytes, their name, the folder with the name. */
static bool
keep(const struct stp_host_action *action)
{
	const char *path = path_of(action->u.record.epoch, action->u.record.entry.record);
	int file = open("record.part", O_WRONLY | O_CREAT | O_TRUNC, 0600), folder = open(".", O_RDONLY);

	return action->u.record.integrity == STP_OK
		&& write(file, action->u.record.raw, action->u.record.size) == (ssize_t)action->u.record.size
		&& fsync(file) == 0 && close(file) == 0 && rename("record.part", path) == 0
		&& fsync(folder) == 0 && close(folder) == 0;
}

/* Ask for what is not here.  There is no high-water mark: a hole is asked for again each time. */
static void
choose(struct collector *collector, struct stp_host *host, const struct stp_host_state *state)
{
	struct stp_ranges held, wanted;

	stp_ranges_init(&held, collector->held, RANGES);
	stp_ranges_init(&wanted, collector->wanted, RANGES);
	for (uint64_t record = state->oldest; record <= state->newest; record++) {
		bool here = access(path_of(state->epoch, (uint32_t)record), F_OK) == 0;

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
	if (action->kind == STP_HOST_WRITE || action->kind == STP_HOST_WRITE_COMMAND) {
		transmit(collector->radio, 'C', action->u.write.bytes, action->u.write.size);
	} else if (action->kind == STP_HOST_READ_TIME) {
		collector->asked_us = clock_us(CLOCK_MONOTONIC);
		transmit(collector->radio, 'T', action->u.write.bytes, 0);
	} else if (action->kind == STP_HOST_STATE) {
		choose(collector, host, &action->u.state);
	} else if (action->kind == STP_HOST_RECORD) {
		stp_host_stored(host, keep(action), NOW_MS); /* only now may it be acknowledged */
	} else if (action->kind == STP_HOST_GIVEN_UP) {
		fprintf(stderr, "one record: %s\n", stp_status_text(action->u.given_up.reason));
	} else if (action->kind == STP_HOST_FAILED) {
		fprintf(stderr, "%s\n", stp_status_text(action->u.failed.reason));
	}
	return action->kind != STP_HOST_DONE && action->kind != STP_HOST_FAILED;
}

/* Wait for a datagram or the engine's deadline; false when the pen is gone. */
static bool
hear(struct collector *collector, struct stp_host *host)
{
	uint8_t datagram[1 + STP_ATT_VALUE_MAX], *value = datagram + 1;
	struct pollfd wait = { .fd = collector->radio, .events = POLLIN };
	uint64_t due = stp_host_deadline(host), now = NOW_MS;
	ssize_t size;

	if (poll(&wait, 1, due == UINT64_MAX ? -1 : due > now ? (int)(due - now) : 0) == 0)
		stp_host_timeout(host, NOW_MS);
	else if ((size = recv(collector->radio, datagram, sizeof(datagram), 0) - 1) < 0)
		return false;
	else if (datagram[0] == 'C')
		stp_host_control(host, value, (size_t)size, NOW_MS);
	else if (datagram[0] == 'D')
		stp_host_data(host, value, (size_t)size, NOW_MS);
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
	struct stp_host *host;
	int ends[2];

	if (argc != 2 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return 64;
	if (fork() == 0)
		_exit(dup2(ends[1], STDIN_FILENO) < 0 || execl(argv[1], argv[1], (char *)NULL));
	close(ends[1]);
	collector.radio = ends[0];
	if ((host = stp_host_new(&(struct stp_host_config){ .collector_id = "EXAMPLE" })) == NULL)
		return 1;
	stp_host_start(host, MTU, NULL, NOW_MS);
	do
		stp_host_poll(host, &action);
	while (action.kind == STP_HOST_IDLE ? hear(&collector, host) : act(&collector, host, &action));
	stp_host_free(host);
	return action.kind == STP_HOST_DONE ? 0 : 1;
}
