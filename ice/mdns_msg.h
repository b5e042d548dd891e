/* DNS messages as mDNS for ICE uses them: names of one UUID label, questions, addresses (RFC 1035 4, RFC 6762 18). */
#ifndef ICE_MDNS_MSG_H
#define ICE_MDNS_MSG_H

#include "core/bytes.h"
#include "core/text.h"

enum {
	MDNS_PORT = 5353,
	MDNS_NAME_SIZE = 42,     /* "xxxxxxxx-xxxx-4xxx-xxxx-xxxxxxxxxxxx.local" without NUL */
	MDNS_JUMPS_MAX = 16,     /* compression pointers followed in one name (R9) */
	MDNS_MESSAGE_MAX = 2048, /* longer datagrams are malformed (R1) */
	MDNS_OUT_MAX = 256,      /* room that any message written here fits into */
};

/* Resource record types (RFC 1035 3.2.2, RFC 3596, RFC 4034). */
enum mdns_type { MDNS_TYPE_A = 1, MDNS_TYPE_AAAA = 28, MDNS_TYPE_NSEC = 47, MDNS_TYPE_ANY = 255 };

/* "<uuid>.local": the UUID is all that differs, so that comparing bytes ignores case as DNS wants. */
struct mdns_name {
	uint8_t uuid[16];
};

/* True when |text| is a version 4 UUID and ".local", in any case, final dot or not (R9); else *out is untouched. */
bool mdns_name_parse(struct mdns_name *out, struct str text);
/* The text in lower case and a NUL; answers |out|. */
char *mdns_name_text(const struct mdns_name *name, char out[MDNS_NAME_SIZE + 1]);
bool mdns_name_equal(const struct mdns_name *a, const struct mdns_name *b);

/* 224.0.0.251:5353 and [ff02::fb]:5353 (RFC 6762 3). */
wlk_addr mdns_group_v4(void);
wlk_addr mdns_group_v6(void);

struct mdns_question {
	bool known_form; /* |name| is filled: a UUID name, asked in class IN or ANY */
	struct mdns_name name;
	uint16_t type; /* enum mdns_type or any other */
	bool unicast;  /* QU: the asker prefers a unicast answer (RFC 6762 5.4) */
};

struct mdns_record {
	bool is_address; /* an A or AAAA record of a UUID name, class IN; the fields below are filled */
	bool in_answers; /* from the answer section, not from authority or additional */
	struct mdns_name name;
	wlk_addr addr; /* port 0 */
	uint32_t ttl_s;
};

/* Walks one message: all questions first, then all records. */
struct mdns_reader {
	const uint8_t *data;
	size_t size;
	size_t offset;
	uint16_t id;
	bool response;
	bool usable; /* standard query, no error code; anything else is to be ignored (RFC 6762 18.3, 18.11) */
	bool failed; /* malformed: names out of bounds or in loops, counts beyond the end */
	uint32_t questions_left;
	uint32_t answers_left;
	uint32_t records_left; /* of all three sections */
};

/* Start reading |data|, borrowed while the reader lives. WLK_ERR_PARSE: no header, or above MDNS_MESSAGE_MAX. */
wlk_err mdns_reader_init(struct mdns_reader *r, const uint8_t *data, size_t size) WLK_NODISCARD;
/* The next question. False: none left, or r->failed. */
bool mdns_next_question(struct mdns_reader *r, struct mdns_question *out);
/* The next record; only after all questions were read (asserted). False: none left, or r->failed. */
bool mdns_next_record(struct mdns_reader *r, struct mdns_record *out);

/* A query with one question. |w| has room for MDNS_OUT_MAX bytes. */
void mdns_write_query(struct bytes_writer *w, const struct mdns_name *name, enum mdns_type type, bool unicast);

struct mdns_response {
	struct mdns_name name;
	wlk_addr addr;
	uint32_t ttl_s;         /* 0: goodbye */
	bool legacy;            /* to an asker that is no mDNS responder: id and question are echoed (RFC 6762 6.7) */
	uint16_t id;            /* legacy only */
	uint16_t question_type; /* legacy only */
};

/* The address record, and NSEC for: the name has no other (RFC 6762 6.1). |w| has room for MDNS_OUT_MAX bytes. */
void mdns_write_response(struct bytes_writer *w, const struct mdns_response *response);

#endif
