/* Decides which records of a datagram OpenSSL may see (R13), because epoch 0 is not authenticated and OpenSSL trusts
 * it. */
#ifndef DTLS_RECORD_FILTER_H
#define DTLS_RECORD_FILTER_H

#include "core/err.h"

/* ContentType, RFC 5246 6.2.1 */
enum {
	DTLS_RECORD_CHANGE_CIPHER_SPEC = 20,
	DTLS_RECORD_ALERT = 21,
	DTLS_RECORD_HANDSHAKE = 22,
	DTLS_RECORD_APPLICATION_DATA = 23,
};

/* HandshakeType, RFC 5246 7.4 and RFC 6347 4.3.2: those that travel in epoch 0 of a full handshake without tickets */
enum {
	DTLS_MESSAGE_CLIENT_HELLO = 1,
	DTLS_MESSAGE_SERVER_HELLO = 2,
	DTLS_MESSAGE_HELLO_VERIFY_REQUEST = 3,
	DTLS_MESSAGE_CERTIFICATE = 11,
	DTLS_MESSAGE_SERVER_KEY_EXCHANGE = 12,
	DTLS_MESSAGE_CERTIFICATE_REQUEST = 13,
	DTLS_MESSAGE_SERVER_HELLO_DONE = 14,
	DTLS_MESSAGE_CERTIFICATE_VERIFY = 15,
	DTLS_MESSAGE_CLIENT_KEY_EXCHANGE = 16,
};

enum {
	DTLS_RECORD_HEADER = 13,
	DTLS_MESSAGE_HEADER = 12,
	DTLS_MESSAGE_MAX = 32 * 1024,  /* bytes that one handshake message may claim (R13) */
	DTLS_MESSAGES_MAX = 64 * 1024, /* bytes that all messages of a handshake may claim (R16) */
	DTLS_MESSAGE_SEQ_MAX = 16,     /* a full handshake has at most nine messages a side */
	DTLS_SEALED_MIN_GCM = 8 + 16,  /* explicit nonce and tag (RFC 5288 3) */
	DTLS_SEALED_MIN_CHACHA20 = 16, /* tag only (RFC 7905 2) */
};

/* DTLSPlaintext or DTLSCiphertext, RFC 6347 4.1; |body| points into the datagram. */
struct dtls_record {
	const uint8_t *start; /* of the record header */
	uint8_t type;
	uint16_t version;
	uint16_t epoch;
	uint64_t seq; /* 48 bits */
	const uint8_t *body;
	size_t size;
};

/* Cut the next record off *data. False when what is left is no complete record. */
bool dtls_record_next(const uint8_t **data, size_t *size, struct dtls_record *out);

enum record_phase {
	RECORD_PHASE_PLAIN,       /* the peer's ChangeCipherSpec has not been processed */
	RECORD_PHASE_SEALED,      /* it has: epoch 1 can be decrypted, Finished is still missing */
	RECORD_PHASE_ESTABLISHED, /* Finished was good */
};

struct record_filter {
	enum record_phase phase;
	bool is_server;    /* we are: decides which messages the peer may send */
	size_t sealed_min; /* least bytes of an epoch-1 record for the negotiated suite */
	uint64_t next_seq; /* what the next epoch-0 record is numbered, whatever it claims */

	/* What the first fragment seen of each message_seq claimed: later fragments must agree. */
	struct {
		uint8_t type; /* 0: not seen */
		uint32_t length;
	} messages[DTLS_MESSAGE_SEQ_MAX];
	size_t claimed; /* sum of the lengths */

	bool hello_seen; /* server: |hello_random| holds the client random of this handshake */
	uint8_t hello_random[32];
};

struct record_verdict {
	size_t pass_size; /* bytes written to |pass|: feed them */
	size_t hold_size; /* bytes written to |hold|: filter them again in the next phase */
	uint32_t dropped; /* records refused; the broken rest of a datagram counts as one */
	bool alert;       /* an unauthenticated fatal alert or close_notify was among the dropped */
	uint8_t alert_description;
	bool other_client_hello; /* server: the peer began a new handshake; nothing of that hello is passed */
	bool conflict;           /* a fragment contradicted an earlier one of its message: one of them is forged */
};

void record_filter_init(struct record_filter *f, bool is_server);

/**
 * Sort the records of one datagram into pass, hold and drop.
 *
 * @param pass, hold  room for |size| bytes each; must not overlap |data|
 *
 * The records in |pass| carry rewritten epoch-0 sequence numbers: one counter in the order of arrival, so that a forged
 * number cannot move OpenSSL's replay window. Duplicates of handshake messages are sorted out by message_seq.
 */
void record_filter_run(struct record_filter *f, const uint8_t *data, size_t size, uint8_t *pass, uint8_t *hold,
		       struct record_verdict *out);

/* ESTABLISHED only: true when every record of the datagram would pass, so that it can be fed as it is. */
bool record_filter_all_pass(const struct record_filter *f, const uint8_t *data, size_t size);

#endif
