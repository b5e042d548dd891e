/* The bytes of a recording: header, entries, and what their kinds mean; the same on every host (docs/recording.md). */
#ifndef PEER_RECORD_FORMAT_H
#define PEER_RECORD_FORMAT_H

#include <wirelark/peer_connection.h>

#include "core/bytes.h"

enum {
	RECORD_VERSION = 1,
	RECORD_MAGIC_SIZE = 8,
	RECORD_HEADER_SIZE = 32,       /* magic, version u16, reserved u16, unix time us i64, release as text, zero-filled */
	RECORD_RELEASE_SIZE = 12,
	RECORD_ENTRY_HEAD = 4,         /* kind u8, size of the body u24 */
	RECORD_BODY_MAX = 0xffffff,
	RECORD_CALL_HEAD = 6,          /* of a call's body: peer u16, microseconds since the call before u32 */
	RECORD_TEXT_MAX = 1024,        /* of an event's text; the rest is left out */
	RECORD_CONFIG_ITEMS_MAX = 256, /* servers, mappings, addresses of one call */
	RECORD_KEPT_OF_MEDIA = 12,     /* of a sealed RTP or RTCP packet: what it says is in the answer that follows */
	RECORD_KEPT_OF_DTLS = 13,      /* the same for a record of application data */
};

extern const uint8_t record_magic[RECORD_MAGIC_SIZE];

/*
 * One entry: a call into a peer connection, or (from RECORD_ANSWERS on) something that its code was told while it ran, in the
 * order of asking. 0 ends the file: what follows was reserved and never written.
 */
enum record_kind {
	RECORD_END = 0,

	/* The clock: i64 us, of the call that follows; only when it does not fit into that call's u32. */
	RECORD_TIME = 1,

	/* Verbs. */
	RECORD_PEER_NEW = 2,   /* unix us at zero i64, has clock u8, name text, certificate DER bytes, configuration */
	RECORD_PEER_FREE = 3,
	RECORD_INPUT = 4,      /* local, remote addr, kernel's time of arrival i64, size u16, kept bytes */
	RECORD_TIMEOUT = 5,
	RECORD_POLL_TRANSMIT = 6,
	RECORD_POLL_EVENT = 7,
	RECORD_POLL_REQUEST = 8,
	RECORD_ON_REQUEST = 9, /* id u32, err i32, addresses */
	RECORD_ON_REQUEST_FAILED = 10, /* id u32, err i32, why text */
	RECORD_STREAM_ACCEPTED = 11,   /* listener, remote addr, id u32 */
	RECORD_STREAM_INPUT = 12,      /* id u32, bytes */
	RECORD_STREAM_CLOSED = 13,     /* id u32 */
	RECORD_HOLD = 14,              /* u8 */
	RECORD_SET_INTERFACES = 15,    /* addresses */

	/* Functions of the API. Handles are numbers in the order of creation: u32. */
	RECORD_CLOSE = 32,
	RECORD_CREATE_OFFER = 33,  /* given u8 (1: options, 2: of the right size, 4: a place for the answer), ice_restart u8 */
	RECORD_CREATE_ANSWER = 34, /* a place for the answer u8 */
	RECORD_SET_LOCAL = 35,     /* given u8, type u32, text or none */
	RECORD_SET_REMOTE = 36,    /* the same */
	RECORD_ADD_CANDIDATE = 37, /* given u8, candidate, mid, ufrag text or none, index i32 */
	RECORD_RESTART_ICE = 38,
	RECORD_SET_CONFIGURATION = 39, /* readable u8 (2: with a change of what is not recorded), configuration */
	RECORD_CREATE_CHANNEL = 40,    /* label text, given u8; if 2 is set: flags u8, retransmits, lifetime, id, priority u16, protocol text */
	RECORD_CHANNEL_SEND = 41,      /* channel, type u8, bytes */
	RECORD_CHANNEL_CLOSE = 42,
	RECORD_CHANNEL_PAUSE = 43,     /* channel, u8 */
	RECORD_CHANNEL_RELEASE = 44,
	RECORD_CHANNEL_LOW = 45,       /* channel, bytes u64 */
	RECORD_CHANNEL_HIGH = 46,      /* the same */
	RECORD_ADD_TRANSCEIVER = 47,   /* kind u32, given u8, direction u32, stream, track text or none; if 2 is set: ids, encodings, u8 */
	RECORD_SET_DIRECTION = 48,     /* transceiver, u32 */
	RECORD_SEND_PACKET = 49,       /* transceiver, pt u8, flags u8, timestamp u32, sequence u64, rid text if 16 is set, payload bytes */
	RECORD_FORWARD = 50,           /* transceiver; the packet is that of the latest event */
	RECORD_REQUEST_KEY_FRAME = 51, /* transceiver */
	RECORD_ADD_TRACK = 52,         /* kind u32, given u8, track text or none, ids (given u8, count u16, texts) */
	RECORD_REMOVE_TRACK = 53,      /* transceiver */
	RECORD_REPLACE_TRACK = 54,     /* transceiver, track text or none */
	RECORD_SET_STREAMS = 55,       /* transceiver, ids */
	RECORD_STOP_TRANSCEIVER = 56,  /* transceiver */
	RECORD_SET_LEVEL = 58,         /* transceiver, u32 */
	RECORD_SEND_FRAME = 59,        /* transceiver, given u8, frame (record_put_frame) */
	RECORD_REFRESH = 57,           /* statistics were asked for */
	RECORD_GET_PARAMETERS = 60,    /* transceiver: begins a transaction */
	RECORD_SET_PARAMETERS = 61,    /* transceiver, given u8; all members (record_set_parameters) */
	RECORD_GENERATE_KEY_FRAME = 62, /* transceiver, 0 u8, given u8, rids (count u16, texts) */
	RECORD_RECEIVE_SIMULCAST = 63, /* transceiver, accept u8, given u8, rids */
	RECORD_CODEC_PREFERENCES = 64, /* transceiver, given u8, count u32, codecs */
	RECORD_HEADER_EXTENSIONS = 65, /* transceiver, given u8, extensions */
	RECORD_RECEIVE_LIMITS = 68,    /* transceiver, rid text or none, given u8 (2: not set up), width, height u32, framerate, bitrate, frame size, pixel rate,
					* bits per pixel u64 */
	RECORD_START_DIRECT = 67,      /* role u32, given u8; ufrag, pwd, algorithm, value text, lite u8, DTLS role u32, port u16, size u64,
					* given u8, count u32, layers (u64, rid text or none) */
	RECORD_INSERT_DTMF = 66,       /* transceiver, duration, gap u32, tones text */
	RECORD_SOURCE_SIZE = 70,       /* transceiver, width u32, height u32 */
	RECORD_SET_BITRATE = 71,       /* given u8; least, start, most u64 */

	RECORD_ANSWERS = 128,
	/* Of core/: */
	RECORD_DRAW = 128,    /* random bytes */
	RECORD_SECRET = 129,  /* text: stand-in for the characters of a password */
	RECORD_VERDICT = 130, /* u8: a message is authentic, or remote_address_filter lets an address pass */

	/* Of dtls/: transport u8, then */
	RECORD_DTLS_NEW = 140,          /* err i32 */
	RECORD_DTLS_START = 141,        /* err i32 */
	RECORD_DTLS_RESTART = 142,      /* err i32 */
	RECORD_DTLS_FINGERPRINTS = 143, /* err i32 */
	RECORD_DTLS_INPUT = 144,
	RECORD_DTLS_TIMEOUT = 145,
	RECORD_DTLS_CLOSE = 146,
	RECORD_DTLS_SEND = 147,         /* err i32 */
	RECORD_DTLS_OUT = 148,          /* size u16, first 13 bytes */
	RECORD_DTLS_EVENT = 149,        /* state, reason, alert, restartable u8 */
	RECORD_DTLS_DATA = 150,         /* bytes of one decrypted record */
	RECORD_DTLS_EXPORT = 151,       /* err i32, profile u16, is client u8, size u8; never the block */
	RECORD_DTLS_STATUS = 152,       /* struct record_dtls_status: what the getters answer from here on */

	/* Of srtp/: session u8, then */
	RECORD_SRTP_NEW = 160,          /* err i32, profile u16 */
	RECORD_SRTP_PROTECT = 161,      /* err i32, size u16 afterwards, CRC-32 u32 of the plain packet */
	RECORD_SRTP_PROTECT_RTCP = 162,
	RECORD_SRTP_UNPROTECT = 163,    /* err i32, plain packet */
	RECORD_SRTP_UNPROTECT_RTCP = 164,
	RECORD_SRTP_ALLOW = 165,        /* err i32 */

	/* Of sctp/: association u8, then */
	RECORD_SCTP_NEW = 170,          /* err i32 */
	RECORD_SCTP_START = 171,        /* err i32 */
	RECORD_SCTP_INPUT = 172,
	RECORD_SCTP_TIMEOUT = 173,
	RECORD_SCTP_CLOSE = 174,
	RECORD_SCTP_OUT = 175,          /* size u16 */
	RECORD_SCTP_EVENT = 176,        /* type u8, channel u32, id i32, state u8, cause u8, error code u16, err i32, streams u16 */
	RECORD_SCTP_CHANNEL = 177,      /* before the event of a channel of the far end: channel u32, id i32, ordered u8, retransmits,
					 * lifetime i32, priority u16, label, protocol text */
	RECORD_CHANNEL_NEW = 178,       /* err i32, channel u32, id i32 */
	RECORD_CHANNEL_SENT = 179,      /* channel u32, err i32, buffered u64 */
	RECORD_CHANNEL_MESSAGE = 180,   /* channel u32, type u8, end u8, bytes */
	RECORD_CHANNEL_CLOSED = 181,    /* channel u32: sctp_channel_close() */
	RECORD_SCTP_EVENTS_SEEN = 182,

	/* What the code decided, to be compared. */
	RECORD_OUT = 240,     /* local, remote addr, stream u32, size u16, class u8, CRC-32 u32 of what its header says in the clear */
	RECORD_EVENT = 241,   /* type u16, what it says (record_put_event) */
	RECORD_REQUEST = 242, /* type u8, id u32, local, remote addr, host text */
	RECORD_FAILED = 243,  /* err i32: a function of the API fails */
};

/* "input", "dtls-data"; "entry" for a kind that this release does not know. */
const char *record_kind_name(uint8_t kind);

/* What the getters of a DTLS transport answer. */
struct record_dtls_status {
	uint8_t state, role;
	uint16_t version, cipher, profile, mtu;
	wlk_time handshake_time;
	const char *cipher_name;
	wlk_bytes remote_cert;
};

/* ---- fields ---- */

void record_put_addr(struct bytes_writer *w, const wlk_addr *addr);
void record_put_addresses(struct bytes_writer *w, const wlk_addr *addresses, size_t count);
/* u32 size and the bytes. */
void record_put_bytes(struct bytes_writer *w, const void *data, size_t size);
/* The same for text; NULL has the size 0xffffffff. */
void record_put_text(struct bytes_writer *w, const char *text);
void record_put_time(struct bytes_writer *w, wlk_time t);
/* Of u32 and more room than this each: */
enum { RECORD_ADDR_SIZE = 25 };

/* All of these fail the reader when what is there is impossible. */
void record_get_addr(struct bytes_reader *r, wlk_addr *out);
wlk_bytes record_get_bytes(struct bytes_reader *r);
/* At most |max| addresses; answers their number. */
size_t record_get_addresses(struct bytes_reader *r, wlk_addr *out, size_t max);
/* A heap copy with a NUL, to be freed; NULL for none, and when memory is out (then the reader fails too). */
char *record_get_text(struct bytes_reader *r);
wlk_time record_get_time(struct bytes_reader *r);
static inline wlk_err record_get_err(struct bytes_reader *r)
{
	return (wlk_err)(int32_t)bytes_u32(r);
}

/* ---- configurations (record_config.c) ---- */

struct wlk_recording;

/* Bytes that the configuration takes at most. */
size_t record_config_size(const wlk_configuration *config);
/* Credentials are replaced by stand-ins; pointers to functions become "there is one". */
void record_put_config(struct bytes_writer *w, const struct wlk_recording *rec, const wlk_configuration *config);

/* A configuration that was read: |config| points into the rest. */
struct record_config {
	wlk_configuration config;
	wlk_ice_server *servers;
	wlk_address_mapping *mappings;
	bool filters_remote; /* the application had a filter for remote addresses */
};

/* Free with record_config_free(), also after a failure. WLK_ERR_PARSE, WLK_ERR_NOMEM. */
wlk_err record_get_config(struct bytes_reader *r, struct record_config *out);
void record_config_free(struct record_config *c);

/* ---- parameters (record_parameters.c) ---- */

struct record_encoding {
	wlk_rtp_encoding encoding;
	wlk_rtp_codec codec; /* what it points to, if it does */
};

size_t record_encodings_size(const wlk_rtp_encoding *encodings, size_t count);
void record_put_encodings(struct bytes_writer *w, const wlk_rtp_encoding *encodings, size_t count);
/* Their texts are on the heap: free with the functions below. */
void record_get_encoding(struct bytes_reader *r, struct record_encoding *out);
void record_free_encoding(struct record_encoding *e);
void record_get_codec(struct bytes_reader *r, wlk_rtp_codec *out);
void record_free_codec(wlk_rtp_codec *c);
void record_get_extension(struct bytes_reader *r, wlk_rtp_header_extension *out);

/* ---- reading ---- */

struct record_header {
	uint16_t version;
	int64_t unix_us;
	char release[RECORD_RELEASE_SIZE + 1];
};

struct record_entry {
	uint8_t kind;
	size_t offset;  /* in the file */
	wlk_bytes body; /* borrowed from the file's bytes */
};

struct record_reader {
	const uint8_t *data;
	size_t size, at;
	bool truncated; /* the file ends within an entry */
};

/* |data| is borrowed. WLK_ERR_PARSE: not a recording; WLK_ERR_UNSUPPORTED: of another version (|header| tells which). */
wlk_err record_reader_init(struct record_reader *r, const void *data, size_t size, struct record_header *header);
/* The next entry, or that it is the end: answers false, again and again. */
bool record_next(struct record_reader *r, struct record_entry *out);
/* The same without moving on. */
bool record_peek(const struct record_reader *r, struct record_entry *out);

#endif
