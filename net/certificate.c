/* A fresh certificate begins to be valid at the wall clock's time, which only net/ reads. */
#include "net/clock.h"
#include "peer/certificate.h"

wlk_err wlk_certificate_generate(wlk_certificate **out)
{
	return wlk_certificate_generate_with(NULL, out);
}

wlk_err wlk_certificate_generate_with(const wlk_certificate_options *options, wlk_certificate **out)
{
	return certificate_generate(out, options, clock_unix() / 1000000);
}
