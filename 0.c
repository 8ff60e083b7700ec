#include <stipple/stipple.h>

extern const struct stp_pen_log flash_log; /* state, entry, read, save_slot: see stipple/pen.h */
extern void indicate_log_control(const uint8_t *bytes, size_t size);
extern void notify_log_data(const uint8_t *bytes, size_t size);

static struct stp_pen pen;

enum stp_status
power_up(uint32_t boot_id)
{
	struct stp_pen_config config = { .log = &flash_log, .boot_id = boot_id };

	return stp_pen_init(&pen, &config);
}

/* Connected: stp_pen_connected(&pen, mtu).  A write to Log Control Point: stp_pen_control(&pen, ...). */

/* Whenever the stack can take one more value. */
void
radio_is_ready(void)
{
	struct stp_pen_output out;

	stp_pen_poll(&pen, &out);
	if (out.kind == STP_PEN_INDICATE)
		indicate_log_control(out.bytes, out.size);
	else if (out.kind == STP_PEN_NOTIFY)
		notify_log_data(out.bytes, out.size);
}
