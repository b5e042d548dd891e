/* What an a=rid line asks of its stream (RFC 8851 5): restrictions as numbers, and what an answer keeps of them. */
#ifndef SDP_RID_H
#define SDP_RID_H

#include "core/text.h"
#include "sdp/sdp.h"

enum { SDP_RID_TYPES_MAX = 16 };

/* 0: not restricted */
struct sdp_rid_limits {
	uint8_t types[SDP_RID_TYPES_MAX]; /* pt=: payload types that the stream may have */
	size_t type_count;
	uint32_t max_width;  /* pixels */
	uint32_t max_height; /* pixels */
	double max_fps;      /* frames a second */
	uint64_t max_fs;     /* pixels a frame */
	uint64_t max_br;     /* bits a second, as b=TIAS counts them */
	uint64_t max_pps;    /* pixels a second */
	double max_bpp;      /* bits a pixel */
	struct str depend;   /* rids that this stream needs, "a,b"; borrowed */
	bool unknown;        /* there are restrictions that mean nothing to us */
};

/* False when one of them is malformed; |out| is then untouched. More payload types than there is place for are malformed. */
bool sdp_rid_limits_parse(struct str restrictions, struct sdp_rid_limits *out);

/* The lower of both, member by member; payload types, depend and unknown stay as they are in |limits|. */
void sdp_rid_limits_narrow(struct sdp_rid_limits *limits, const struct sdp_rid_limits *by);
/* As they stand in an a=rid line, "pt=96;max-width=640"; nothing for none. */
void sdp_rid_limits_write(const struct sdp_rid_limits *limits, struct text *out);
/* Whether a stream may have this payload type. */
bool sdp_rid_limits_allow_type(const struct sdp_rid_limits *limits, uint8_t type);

/*
 * The restrictions that an answer repeats for an offered stream (RFC 8851 6.3): payload types that |answer| did not accept
 * leave the list. A stream is refused, false, when its restrictions are malformed, when none of its payload types is left,
 * or when we would have to send it by a restriction that means nothing to us; one that we receive loses such a restriction.
 */
bool sdp_rid_restrictions_answer(const struct sdp_rid *offered, const struct sdp_media *answer, struct text *out);

#endif
