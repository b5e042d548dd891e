/* The list of all statistics members, with why one does not exist; written by hand from webrtc-stats, not from the library. */
#ifndef SIM_STATISTICS_H
#define SIM_STATISTICS_H

enum member_expectation {
	KNOWN,        /* seen on some record of its type in the calls of the test */
	CIRCUMSTANCE, /* exists under circumstances that not every one of these calls has */
	NOT_YET,      /* needs raw media */
	NEVER,        /* needs something that this stack does not do, see docs/stats.md */
};

struct listed_member {
	const char *type;
	const char *name;
	enum member_expectation expectation;
};

extern const struct listed_member listed_members[];
extern const unsigned listed_member_count;

#endif
