#include <stipple/stipple.h>

extern void write_log_control(const uint8_t *bytes, size_t size, bool with_response);
extern bool store_durably(uint32_t epoch, uint32_t record, const uint8_t *raw, size_t size);

/* After stp_host_start(), and after every stp_host_control(), stp_host_data() and stp_host_timeout(). */
bool
carry_out(struct stp_host *host, const struct stp_range *wanted, size_t count, uint64_t now_ms)
{
	struct stp_host_action action;

	for (stp_host_poll(host, &action); action.kind != STP_HOST_IDLE; stp_host_poll(host, &action)) {
		if (action.kind == STP_HOST_WRITE || action.kind == STP_HOST_WRITE_COMMAND)
			write_log_control(action.u.write.bytes, action.u.write.size, action.kind == STP_HOST_WRITE);
		else if (action.kind == STP_HOST_READ_TIME)
			stp_host_time(host, NULL, 0, 0, 0, now_ms); /* or what Current Elapsed Time says */
		else if (action.kind == STP_HOST_STATE)
			stp_host_want(host, wanted, count, now_ms);
		else if (action.kind == STP_HOST_RECORD) /* it is acknowledged only once you said that it is safe */
			stp_host_stored(host, action.u.record.integrity == STP_OK
				&& store_durably(action.u.record.epoch, action.u.record.entry.record,
						 action.u.record.raw, action.u.record.size), now_ms);
		else if (action.kind == STP_HOST_DONE || action.kind == STP_HOST_FAILED)
			return false;
	}
	return true; /* call stp_host_timeout() when stp_host_deadline() comes */
}
