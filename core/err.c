#include "core/err.h"

const char *wlk_strerror(wlk_err err)
{
	switch (err) {
	case WLK_OK:
		return "ok";
	case WLK_ERR_INVALID:
		return "invalid argument";
	case WLK_ERR_STATE:
		return "not allowed in this state";
	case WLK_ERR_NOMEM:
		return "out of memory";
	case WLK_ERR_AGAIN:
		return "try again later";
	case WLK_ERR_NOSPACE:
		return "buffer too small";
	case WLK_ERR_PARSE:
		return "malformed input";
	case WLK_ERR_NEGOTIATION:
		return "descriptions do not fit together";
	case WLK_ERR_UNSUPPORTED:
		return "not supported";
	case WLK_ERR_CRYPTO:
		return "cryptographic failure";
	case WLK_ERR_IO:
		return "input/output error";
	case WLK_ERR_CLOSED:
		return "closed";
	case WLK_ERR_TOO_LARGE:
		return "too large";
	case WLK_ERR_NOT_FOUND:
		return "not found";
	case WLK_ERR_TIMEOUT:
		return "timed out";
	}
	return "unknown error";
}
