/* A fresh certificate begins to be valid at the wall clock's time, which only net/ reads. */
#include "net/clock.h"
#include "peer/certificate.h"

wlk_err wlk_certificate_generate(wlk_certificate **out)
{
	return out ? certificate_generate(out, clock_unix() / 1000000) : WLK_ERR_INVALID;
}
