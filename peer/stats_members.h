/* The members of each statistics record: name in JSON, place, kind; so that they can be walked without knowing the type. */
#ifndef PEER_STATS_MEMBERS_H
#define PEER_STATS_MEMBERS_H

#include <wirelark/stats.h>

enum stats_kind {
	STATS_COUNT,
	STATS_SIGNED,
	STATS_NUMBER,
	STATS_BOOL,
	STATS_TEXT,
	STATS_ID, /* a text that is the id of another record */
	STATS_LIMITATIONS,
	STATS_PSNR,
};

struct stats_member {
	const char *name;
	uint16_t offset;
	uint8_t kind; /* enum stats_kind */
};

struct stats_shape {
	const char *name; /* of the type */
	size_t size;
	const struct stats_member *members;
	size_t count;
};

/* NULL: no such type. */
const struct stats_shape *stats_shape(wlk_stats_type type);

/* Every kind of member begins with |exists|. */
bool stats_member_exists(const wlk_stats *record, const struct stats_member *member);
/* Only for STATS_TEXT and STATS_ID. */
wlk_stat_text *stats_member_text(wlk_stats *record, const struct stats_member *member);

#endif
