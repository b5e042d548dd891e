/*
 * malloc() and its kin of the program win over libc's. Who calls is found by the return address: the libraries' own
 * calls come straight from them; what strdup() or dlopen() allocate for them is found by walking up the stack.
 */
#include "foreign_heap.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libc's own, which its malloc() is another name of. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *ptr, size_t size);

static _Thread_local enum foreign_family watched;
static foreign_ask_fn ask;
static size_t count_of_watched;

static const char *const members[][10] = {
	[FOREIGN_USRSCTP] = { "libusrsctp.so" },
	[FOREIGN_NSS] = { "libsrtp2.so", "libnss3.so", "libnssutil3.so", "libsoftokn3.so", "libfreebl", "libnspr4.so", "libplc4.so",
			  "libplds4.so", "libsqlite3.so" },
};

/* ---- whose code an address is in ---- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool starts_with(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

/* The library's file name; "" for the program itself, NULL when there is no code. */
static const char *library_at(void *address)
{
	struct dl_find_object object;

	if (_dl_find_object(address, &object) != 0)
		return NULL;
	return base_name(object.dlfo_link_map->l_name);
}

static bool is_libc(const char *library)
{
	return starts_with(library, "libc.so") || starts_with(library, "ld-linux");
}

static bool is_member(enum foreign_family family, const char *library)
{
	for (size_t i = 0; i < sizeof(members[0]) / sizeof(members[0][0]) && members[family][i]; i++) {
		if (starts_with(library, members[family][i]))
			return true;
	}
	return false;
}

/* The first frame outside of libc; |count| when there is none. */
static int skip_libc(void *const *frames, int count)
{
	int i = 0;

	while (i < count) {
		const char *library = library_at(frames[i]);

		if (!library || !is_libc(library))
			break;
		i++;
	}
	return i;
}

/* ---- the allocator ---- */

/* The frames above malloc() and its kin: those of the program itself at the inner end are left out. */
static int callers(void **frames)
{
	int count = backtrace(frames, FOREIGN_FRAMES);
	int inner = 0;

	while (inner < count) {
		const char *library = library_at(frames[inner]);

		if (!library || *library)
			break;
		inner++;
	}
	memmove(frames, frames + inner, (size_t)(count - inner) * sizeof(*frames));
	return count - inner;
}

static bool is_watched(void *caller)
{
	const char *library = library_at(caller);
	void *frames[FOREIGN_FRAMES];
	int count, at;

	if (!library)
		return false;
	if (!is_libc(library))
		return is_member(watched, library);
	count = callers(frames);
	at = skip_libc(frames, count);
	library = at < count ? library_at(frames[at]) : NULL;
	return library && is_member(watched, library);
}

static bool refused(void *caller)
{
	enum foreign_family family = watched;
	bool refuse = false;

	if (!family)
		return false;
	if (is_watched(caller)) {
		watched = FOREIGN_NONE; /* what the question itself allocates does not count */
		refuse = ask(++count_of_watched);
		watched = family;
	}
	if (refuse)
		errno = ENOMEM;
	return refuse;
}

__attribute__((visibility("default"))) void *malloc(size_t size)
{
	return refused(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

__attribute__((visibility("default"))) void *calloc(size_t count, size_t size)
{
	return refused(__builtin_return_address(0)) ? NULL : __libc_calloc(count, size);
}

__attribute__((visibility("default"))) void *realloc(void *ptr, size_t size)
{
	return refused(__builtin_return_address(0)) ? NULL : __libc_realloc(ptr, size);
}

void foreign_watch(enum foreign_family family, foreign_ask_fn fn)
{
	void *frames[1];

	watched = FOREIGN_NONE;
	if (!family)
		return;
	(void)backtrace(frames, 1); /* its first call allocates */
	ask = fn;
	count_of_watched = 0;
	watched = family;
}

size_t foreign_count(void)
{
	return count_of_watched;
}

/* ---- names ---- */

static const char *function_at(void *address)
{
	Dl_info info;

	return dladdr(address, &info) && info.dli_sname ? info.dli_sname : NULL;
}

static void name_of_ours(char *out, size_t size, void *address)
{
	Dl_info info;

	if (dladdr(address, &info))
		snprintf(out, size, "%s+0x%zx", base_name(info.dli_fname), (size_t)((char *)address - (char *)info.dli_fbase));
}

enum foreign_owner foreign_name(char *out, size_t size, void *const *frames, int count)
{
	int at = skip_libc(frames, count), named = at;
	const char *library = at < count ? library_at(frames[at]) : NULL;

	snprintf(out, size, "no code at all");
	if (!library)
		return FOREIGN_UNKNOWN;
	if (!*library) {
		name_of_ours(out, size, frames[at]);
		return FOREIGN_OURS;
	}
	while (named < count && !function_at(frames[named]))
		named++;
	snprintf(out, size, "%s %s%s", library, named == at ? "" : "below ", named < count ? function_at(frames[named]) : "nothing");
	return FOREIGN_LIBRARY;
}

void foreign_name_caller(char *out, size_t size)
{
	void *frames[FOREIGN_FRAMES];
	int count = callers(frames);

	foreign_name(out, size, frames, count);
}
