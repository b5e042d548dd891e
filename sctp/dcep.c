#include "sctp/dcep.h"

#include "core/bytes.h"

static bool type_known(uint8_t channel_type)
{
	return (channel_type & 0x7f) <= DCEP_PARTIAL_RELIABLE_TIMED;
}

/* RFC 8832 5.1
 *  0                   1                   2                   3
 * |  Type 0x03    | Channel Type  |            Priority           |
 * |                    Reliability Parameter                      |
 * |         Label Length          |       Protocol Length         |
 */
wlk_err dcep_open_parse(struct dcep_open *out, const uint8_t *data, size_t size)
{
	struct bytes_reader r = bytes_reader(data, size);
	struct dcep_open open;

	if (bytes_u8(&r) != DCEP_TYPE_OPEN)
		return WLK_ERR_PARSE;
	open.channel_type = bytes_u8(&r);
	open.priority = bytes_u16(&r);
	open.reliability = bytes_u32(&r);
	size_t label_size = bytes_u16(&r);
	size_t protocol_size = bytes_u16(&r);
	open.label = bytes_slice(&r, label_size);
	open.protocol = bytes_slice(&r, protocol_size);
	if (!bytes_done(&r) || !type_known(open.channel_type))
		return WLK_ERR_PARSE;
	if (label_size > DCEP_TEXT_MAX || protocol_size > DCEP_TEXT_MAX)
		return WLK_ERR_TOO_LARGE;
	*out = open;
	return WLK_OK;
}

size_t dcep_open_size(const struct dcep_open *open)
{
	return DCEP_OPEN_HEADER_SIZE + open->label.size + open->protocol.size;
}

wlk_err dcep_open_write(const struct dcep_open *open, uint8_t *out, size_t capacity)
{
	struct bytes_writer w = bytes_writer(out, capacity);

	if (open->label.size > UINT16_MAX || open->protocol.size > UINT16_MAX)
		return WLK_ERR_INVALID;
	bytes_put_u8(&w, DCEP_TYPE_OPEN);
	bytes_put_u8(&w, open->channel_type);
	bytes_put_u16(&w, open->priority);
	bytes_put_u32(&w, open->reliability);
	bytes_put_u16(&w, (uint16_t)open->label.size);
	bytes_put_u16(&w, (uint16_t)open->protocol.size);
	bytes_put(&w, open->label.data, open->label.size);
	bytes_put(&w, open->protocol.data, open->protocol.size);
	return bytes_writer_ok(&w) ? WLK_OK : WLK_ERR_NOSPACE;
}

bool dcep_is_ack(const uint8_t *data, size_t size)
{
	return size >= DCEP_ACK_SIZE && data[0] == DCEP_TYPE_ACK;
}

bool dcep_is_open(const uint8_t *data, size_t size)
{
	return size > 0 && data[0] == DCEP_TYPE_OPEN;
}
