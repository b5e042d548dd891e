#include "dtls/record_filter.h"

#include <string.h>

#include "core/bytes.h"

enum verdict { DROP, PASS, HOLD };

/* One fragment: RFC 6347 4.2.2
 *  msg_type (1) | length (3) | message_seq (2) | fragment_offset (3) | fragment_length (3) | body
 */
struct fragment {
	uint8_t type;
	uint32_t length;
	uint16_t seq;
	uint32_t offset;
	uint32_t size;
	const uint8_t *body;
};

/* RFC 6347 4.1
 *  type (1) | version (2) | epoch (2) | sequence_number (6) | length (2) | fragment
 */
bool dtls_record_next(const uint8_t **data, size_t *size, struct dtls_record *out)
{
	struct bytes_reader r = bytes_reader(*data, *size);
	wlk_bytes body;

	out->start = *data;
	out->type = bytes_u8(&r);
	out->version = bytes_u16(&r);
	out->epoch = bytes_u16(&r);
	out->seq = bytes_be(&r, 6);
	body = bytes_slice(&r, bytes_u16(&r));
	if (!bytes_ok(&r))
		return false;
	out->body = body.data;
	out->size = body.size;
	*data = r.at;
	*size = r.left;
	return true;
}

void record_filter_init(struct record_filter *f, bool is_server)
{
	memset(f, 0, sizeof(*f));
	f->is_server = is_server;
	f->sealed_min = DTLS_SEALED_MIN_CHACHA20;
}

static bool fragment_next(struct bytes_reader *r, struct fragment *out)
{
	out->type = bytes_u8(r);
	out->length = bytes_u24(r);
	out->seq = bytes_u16(r);
	out->offset = bytes_u24(r);
	out->size = bytes_u24(r);
	out->body = bytes_take(r, out->size);
	return bytes_ok(r);
}

/*
 * Only messages that this direction of a full handshake knows. ClientHello is always first, because we send no cookies;
 * what comes before it belongs to a handshake of which this side knows nothing any more.
 */
static bool type_is_expected(const struct record_filter *f, const struct fragment *m)
{
	switch (m->type) {
	case DTLS_MESSAGE_CLIENT_HELLO:
		return f->is_server && m->seq == 0;
	case DTLS_MESSAGE_CLIENT_KEY_EXCHANGE:
	case DTLS_MESSAGE_CERTIFICATE_VERIFY:
		return f->is_server && f->messages[0].type;
	case DTLS_MESSAGE_CERTIFICATE:
		return !f->is_server || f->messages[0].type;
	case DTLS_MESSAGE_SERVER_HELLO:
	case DTLS_MESSAGE_HELLO_VERIFY_REQUEST:
	case DTLS_MESSAGE_SERVER_KEY_EXCHANGE:
	case DTLS_MESSAGE_CERTIFICATE_REQUEST:
	case DTLS_MESSAGE_SERVER_HELLO_DONE:
		return !f->is_server;
	default:
		return false;
	}
}

static bool lengths_are_sane(const struct fragment *m)
{
	if (m->length > DTLS_MESSAGE_MAX || m->offset > m->length || m->size > m->length - m->offset)
		return false;
	/* ServerHelloDone is the one empty message; a fragment of nothing of any other is a known way to loop a stack.
	 */
	return m->type == DTLS_MESSAGE_SERVER_HELLO_DONE ? m->length == 0 : m->size > 0;
}

/* A ClientHello that contradicts the one of this handshake: the peer lost its state and starts over. */
static bool is_other_client_hello(const struct record_filter *f, const struct fragment *m)
{
	const uint8_t *random = m->body + 2; /* behind client_version */

	if (m->type != DTLS_MESSAGE_CLIENT_HELLO || !f->messages[0].type)
		return false;
	if (m->length != f->messages[0].length)
		return true;
	return f->hello_seen && m->offset == 0 && m->size >= 2 + sizeof(f->hello_random) &&
	       memcmp(random, f->hello_random, sizeof(f->hello_random)) != 0;
}

static bool contradicts(const struct record_filter *f, const struct fragment *m)
{
	return m->seq < DTLS_MESSAGE_SEQ_MAX && f->messages[m->seq].type &&
	       (f->messages[m->seq].type != m->type || f->messages[m->seq].length != m->length);
}

/* Behind ServerHelloDone a client hears nothing more in epoch 0; a server that went on alone could not be called back.
 */
static bool is_behind_the_end(const struct record_filter *f, const struct fragment *m)
{
	for (size_t seq = 0; seq < m->seq; seq++) {
		if (f->messages[seq].type == DTLS_MESSAGE_SERVER_HELLO_DONE)
			return true;
	}
	return false;
}

static bool fits_the_budget(const struct record_filter *f, const struct fragment *m)
{
	if (m->seq >= DTLS_MESSAGE_SEQ_MAX || is_behind_the_end(f, m))
		return false;
	return f->messages[m->seq].type || m->length <= DTLS_MESSAGES_MAX - f->claimed;
}

static void note_claim(struct record_filter *f, const struct fragment *m)
{
	if (!f->messages[m->seq].type) {
		f->messages[m->seq].type = m->type;
		f->messages[m->seq].length = m->length;
		f->claimed += m->length;
	}
	if (m->type == DTLS_MESSAGE_CLIENT_HELLO && m->offset == 0 && m->size >= 2 + sizeof(f->hello_random) &&
	    !f->hello_seen) {
		memcpy(f->hello_random, m->body + 2, sizeof(f->hello_random));
		f->hello_seen = true;
	}
}

/* A plaintext handshake record may carry several fragments; it passes only as a whole. */
static enum verdict judge_handshake(struct record_filter *f, const struct dtls_record *record,
				    struct record_verdict *out)
{
	struct bytes_reader r = bytes_reader(record->body, record->size);
	struct record_filter after = *f; /* so that two fragments of one record are checked against each other */
	struct fragment m;

	if (record->size == 0)
		return DROP;
	while (r.left) {
		if (!fragment_next(&r, &m) || !type_is_expected(&after, &m) || !lengths_are_sane(&m))
			return DROP;
		if (is_other_client_hello(&after, &m)) {
			out->other_client_hello = true;
			return DROP;
		}
		if (contradicts(&after, &m)) {
			out->conflict = true;
			return DROP;
		}
		if (!fits_the_budget(&after, &m))
			return DROP;
		note_claim(&after, &m);
	}
	if (f->phase != RECORD_PHASE_PLAIN)
		return DROP; /* OpenSSL reads epoch 1 by now */
	*f = after;
	return PASS;
}

static enum verdict judge_plain(struct record_filter *f, const struct dtls_record *record, struct record_verdict *out)
{
	if (f->phase == RECORD_PHASE_ESTABLISHED)
		return DROP;
	switch (record->type) {
	case DTLS_RECORD_CHANGE_CIPHER_SPEC:
		return f->phase == RECORD_PHASE_PLAIN && record->size == 1 && record->body[0] == 1 ? PASS : DROP;
	case DTLS_RECORD_ALERT:
		/* level 2 is fatal; close_notify (0) counts too (RFC 5246 7.2) */
		if (record->size == 2 && (record->body[0] == 2 || record->body[1] == 0)) {
			out->alert = true;
			out->alert_description = record->body[1];
		}
		return DROP;
	case DTLS_RECORD_HANDSHAKE:
		return judge_handshake(f, record, out);
	default:
		return DROP;
	}
}

static enum verdict judge_sealed(const struct record_filter *f, const struct dtls_record *record)
{
	if (record->type == DTLS_RECORD_CHANGE_CIPHER_SPEC || record->size < f->sealed_min)
		return DROP;
	if (f->phase == RECORD_PHASE_ESTABLISHED)
		return PASS;
	if (f->phase == RECORD_PHASE_SEALED && record->type != DTLS_RECORD_APPLICATION_DATA)
		return PASS;
	return HOLD;
}

static enum verdict judge(struct record_filter *f, const struct dtls_record *record, struct record_verdict *out)
{
	if (record->type < DTLS_RECORD_CHANGE_CIPHER_SPEC || record->type > DTLS_RECORD_APPLICATION_DATA)
		return DROP;
	if (record->version != 0xfeff && record->version != 0xfefd)
		return DROP;
	if (record->epoch == 0)
		return judge_plain(f, record, out);
	return record->epoch == 1 ? judge_sealed(f, record) : DROP;
}

static size_t append(uint8_t *out, size_t at, const struct dtls_record *record)
{
	size_t size = DTLS_RECORD_HEADER + record->size;

	memcpy(out + at, record->start, size);
	return at + size;
}

static void renumber(struct record_filter *f, uint8_t *header)
{
	struct bytes_writer w = bytes_writer(header + 5, 6);

	bytes_put_be(&w, f->next_seq++, 6);
}

void record_filter_run(struct record_filter *f, const uint8_t *data, size_t size, uint8_t *pass, uint8_t *hold,
		       struct record_verdict *out)
{
	struct dtls_record record;

	memset(out, 0, sizeof(*out));
	while (size) {
		if (!dtls_record_next(&data, &size, &record)) {
			out->dropped++;
			return;
		}
		switch (judge(f, &record, out)) {
		case PASS:
			if (record.epoch == 0) {
				size_t start = out->pass_size;

				out->pass_size = append(pass, start, &record);
				renumber(f, pass + start);
			} else {
				out->pass_size = append(pass, out->pass_size, &record);
			}
			break;
		case HOLD:
			out->hold_size = append(hold, out->hold_size, &record);
			break;
		case DROP:
			out->dropped++;
			break;
		}
	}
}

bool record_filter_all_pass(const struct record_filter *f, const uint8_t *data, size_t size)
{
	struct dtls_record record;

	assert(f->phase == RECORD_PHASE_ESTABLISHED && "only a session passes datagrams without a copy");
	while (size) {
		if (!dtls_record_next(&data, &size, &record) || record.epoch != 1 ||
		    (record.version != 0xfeff && record.version != 0xfefd) ||
		    record.type > DTLS_RECORD_APPLICATION_DATA || record.type <= DTLS_RECORD_CHANGE_CIPHER_SPEC ||
		    record.size < f->sealed_min)
			return false;
	}
	return true;
}
