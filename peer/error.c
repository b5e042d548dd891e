#include <stdarg.h>

#include "peer/object.h"

wlk_err peer_fail(wlk_peer_connection *pc, wlk_err err, const char *format, ...)
{
	va_list args;

	text_clear(&pc->last_error);
	va_start(args, format);
	text_vaddf(&pc->last_error, format, args);
	va_end(args);
	if (tap_current)
		record_failed(err);
	LOG_D(pc, "%s: %s", wlk_strerror(err), text_ok(&pc->last_error) ? pc->last_error.at : "");
	return err;
}

wlk_err peer_fail_sdp(wlk_peer_connection *pc, wlk_err err, const char *what, const struct sdp_error *sdp_err)
{
	if (sdp_err->line)
		return peer_fail(pc, err, "%s: line %zu: %s", what, sdp_err->line, sdp_err->message);
	return peer_fail(pc, err, "%s: %s", what, sdp_err->message);
}

const char *wlk_last_error(const wlk_peer_connection *pc)
{
	return pc->last_error.at && text_ok(&pc->last_error) ? pc->last_error.at : "";
}
