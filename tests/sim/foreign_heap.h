/* The heap as the libraries below us see it: their allocations are counted and can be refused, and code is named by the
 * library and function it belongs to. For programs without a sanitizer, because those bring their own malloc(). */
#ifndef SIM_FOREIGN_HEAP_H
#define SIM_FOREIGN_HEAP_H

#include <stdbool.h>
#include <stddef.h>

enum foreign_family {
	FOREIGN_NONE,
	FOREIGN_USRSCTP,
	FOREIGN_NSS, /* with NSPR, and libsrtp2 above them */
};

enum { FOREIGN_FRAMES = 48 };

/* Asked at each allocation of the watched family, from inside it; |number| counts from 1. True: it gets no memory. */
typedef bool (*foreign_ask_fn)(size_t number);

/* Watch what |family| allocates on this thread from here on; FOREIGN_NONE ends it. */
void foreign_watch(enum foreign_family family, foreign_ask_fn ask);

/* How many allocations were watched since foreign_watch() last began. */
size_t foreign_count(void);

enum foreign_owner { FOREIGN_OURS, FOREIGN_LIBRARY, FOREIGN_UNKNOWN };

/*
 * Say whose code the innermost of |frames| is, libc left out because it only does what it is told, and write its name to
 * |out|: "LIBRARY FUNCTION". A function without a name in a library is "LIBRARY below FUNCTION", the first one above it
 * that has a name; our own code is "FILE+OFFSET", as addr2line takes it.
 */
enum foreign_owner foreign_name(char *out, size_t size, void *const *frames, int count);

/* The same for the allocation that is being asked about. */
void foreign_name_caller(char *out, size_t size);

#endif
