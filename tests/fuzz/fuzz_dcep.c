/* DCEP: what parses is written back byte for byte, and texts are within their limits (R31). */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sctp/dcep.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dcep_open open;
	uint8_t *out;

	if (dcep_is_ack(data, size) && dcep_is_open(data, size))
		abort();
	if (dcep_open_parse(&open, data, size) != WLK_OK)
		return 0;
	if (!dcep_is_open(data, size) || open.label.size > DCEP_TEXT_MAX || open.protocol.size > DCEP_TEXT_MAX)
		abort();
	if (dcep_open_size(&open) != size)
		abort();
	out = malloc(size);
	if (!out)
		return 0;
	if (dcep_open_write(&open, out, size - 1) != WLK_ERR_NOSPACE || dcep_open_write(&open, out, size) != WLK_OK ||
	    memcmp(out, data, size) != 0)
		abort();
	free(out);
	return 0;
}
