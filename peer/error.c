/* The story behind a code: in words, with the name that W3C has for it, and with the numbers of RTCError. */
#include "peer/error.h"

#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include "peer/object.h"

const char *wlk_error_detail_name(wlk_error_detail detail)
{
	static const char *const names[] = { "", "data-channel-failure", "dtls-failure", "fingerprint-failure", "sctp-failure",
					     "sdp-syntax-error" };

	return (size_t)detail < ARRAY_SIZE(names) ? names[detail] : "";
}

/* What W3C mostly throws where we answer |err|. */
static const char *usual_name(wlk_err err)
{
	switch (err) {
	case WLK_ERR_INVALID:
	case WLK_ERR_TOO_LARGE:
		return "TypeError";
	case WLK_ERR_STATE:
	case WLK_ERR_CLOSED:
		return "InvalidStateError";
	case WLK_ERR_NEGOTIATION:
		return "InvalidModificationError";
	case WLK_ERR_UNSUPPORTED:
		return "NotSupportedError";
	default:
		return "OperationError"; /* of RTCError too */
	}
}

void peer_error_init(struct peer_error *e)
{
	*e = (struct peer_error){ .parts = WLK_ERROR_INIT };
	text_init(&e->message);
	text_init(&e->line);
}

void peer_error_free(struct peer_error *e)
{
	text_free(&e->message);
	text_free(&e->line);
}

static const char *words(const struct text *text)
{
	return text->at && text_ok(text) ? text->at : "";
}

static WLK_PRINTF(4, 0) wlk_err fail(wlk_peer_connection *pc, wlk_err err, const char *name, const char *format, va_list args)
{
	struct peer_error *e = &pc->error;

	e->parts = (wlk_error)WLK_ERROR_INIT;
	e->parts.code = err;
	e->parts.name = name ? name : usual_name(err);
	text_clear(&e->line);
	text_clear(&e->message);
	text_vaddf(&e->message, format, args);
	if (tap_current)
		record_failed(err);
	LOG_D(pc, "%s: %s", wlk_strerror(err), words(&e->message));
	return err;
}

wlk_err peer_fail(wlk_peer_connection *pc, wlk_err err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fail(pc, err, NULL, format, args);
	va_end(args);
	return err;
}

wlk_err peer_fail_as(wlk_peer_connection *pc, wlk_err err, const char *name, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fail(pc, err, name, format, args);
	va_end(args);
	return err;
}

const char *peer_description_error_name(wlk_err err)
{
	bool refused = err == WLK_ERR_INVALID || err == WLK_ERR_NEGOTIATION || err == WLK_ERR_UNSUPPORTED;

	return refused ? "InvalidAccessError" : "OperationError";
}

wlk_err peer_fail_sdp(wlk_peer_connection *pc, wlk_err err, const char *what, const struct sdp_error *sdp_err)
{
	bool syntax = err == WLK_ERR_PARSE || err == WLK_ERR_TOO_LARGE;
	const char *name = peer_description_error_name(err);

	if (sdp_err->line)
		peer_fail_as(pc, err, name, "%s: line %zu: %s", what, sdp_err->line, sdp_err->message);
	else
		peer_fail_as(pc, err, name, "%s: %s", what, sdp_err->message);
	pc->error.parts.detail = syntax ? WLK_ERROR_DETAIL_SDP_SYNTAX_ERROR : WLK_ERROR_DETAIL_NONE;
	if (sdp_err->line)
		pc->error.parts.sdp_line_number = (int32_t)sdp_err->line;
	return err;
}

/* Lines end with LF or CRLF. */
static struct str line_of(const char *text, size_t number)
{
	const char *end;

	while (--number && (end = strchr(text, '\n')))
		text = end + 1;
	if (number)
		return (struct str){ "", 0 };
	return (struct str){ text, strcspn(text, "\r\n") };
}

wlk_err peer_fail_remote_sdp(wlk_peer_connection *pc, wlk_err err, const char *what, const struct sdp_error *sdp_err, const char *sdp)
{
	peer_fail_sdp(pc, err, what, sdp_err);
	if (sdp_err->line)
		text_add_str(&pc->error.line, line_of(sdp, sdp_err->line));
	return err;
}

void peer_note_failure(wlk_peer_connection *pc, const wlk_error *error)
{
	struct peer_error *e = &pc->error;

	e->parts = *error;
	text_clear(&e->line);
	text_clear(&e->message);
	text_add(&e->message, error->message);
}

char *peer_lend_error(const wlk_error *error)
{
	wlk_error *copy = wlk_malloc(sizeof(*copy));

	if (copy)
		*copy = *error;
	return (char *)copy;
}

wlk_err wlk_peer_connection_last_error(const wlk_peer_connection *pc, wlk_error *out)
{
	const struct peer_error *e = &pc->error;
	wlk_error full = e->parts;
	size_t size;

	if (!out || out->struct_size < offsetof(wlk_error, detail))
		return WLK_ERR_INVALID;
	if (!e->parts.code)
		return WLK_ERR_NOT_FOUND;
	full.message = words(&e->message);
	full.sdp_line = e->line.at && text_ok(&e->line) && e->line.size ? e->line.at : NULL;
	size = MIN(out->struct_size, sizeof(full));
	full.struct_size = size;
	memcpy(out, &full, size);
	return WLK_OK;
}

const char *wlk_last_error(const wlk_peer_connection *pc)
{
	return pc ? words(&pc->error.message) : "";
}
