#include "net/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/alloc.h"
#include "net/clock.h"
#include "peer/record.h"

/* What is mapped at a time: a system call each so many bytes, and so many zeroes behind the last entry after a crash. */
#define WINDOW ((size_t)1 << 20)

enum { NAMES_MAX = 1000 };

struct recording_file {
	int fd;
	uint8_t *window; /* NULL: none is mapped */
	size_t window_size;
	uint64_t window_at; /* in the file */
	uint64_t size;      /* committed */
	uint64_t reserved;  /* blocks that the file has: writing there cannot fail any more */
};

/* Where fallocate() is not known, zeroes take the blocks. */
static bool write_zeroes(int fd, uint64_t from, uint64_t to)
{
	static const uint8_t zeroes[65536];

	while (from < to) {
		ssize_t n = pwrite(fd, zeroes, (size_t)MIN(to - from, (uint64_t)sizeof(zeroes)), (off_t)from);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		from += (uint64_t)n;
	}
	return true;
}

/* Memory that is shared with a file has no way to report a full disk but a signal: the blocks are taken before. */
static bool take_blocks(struct recording_file *file, uint64_t until)
{
	int result;

	if (until <= file->reserved)
		return true;
	do
		result = fallocate(file->fd, 0, (off_t)file->reserved, (off_t)(until - file->reserved));
	while (result && errno == EINTR);
	if (result && !((errno == EOPNOTSUPP || errno == ENOSYS) && write_zeroes(file->fd, file->reserved, until)))
		return false;
	file->reserved = until;
	return true;
}

static void unmap(struct recording_file *file)
{
	if (file->window)
		munmap(file->window, file->window_size);
	file->window = NULL;
}

static bool map_more(struct recording_file *file, size_t size)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t at = file->size - file->size % page;
	uint64_t end = file->size + MAX(size, WINDOW);
	void *window;

	end += (page - end % page) % page;
	if (!take_blocks(file, end))
		return false;
	unmap(file);
	window = mmap(NULL, (size_t)(end - at), PROT_READ | PROT_WRITE, MAP_SHARED, file->fd, (off_t)at);
	if (window == MAP_FAILED)
		return false;
	file->window = window;
	file->window_size = (size_t)(end - at);
	file->window_at = at;
	return true;
}

static uint8_t *reserve(void *user, size_t size)
{
	struct recording_file *file = user;

	if ((!file->window || file->size + size > file->window_at + file->window_size) && !map_more(file, size))
		return NULL;
	return file->window + (file->size - file->window_at);
}

static void commit(void *user, size_t size)
{
	struct recording_file *file = user;

	file->size += size;
}

static void close_file(void *user)
{
	struct recording_file *file = user;
	int ignored;

	unmap(file);
	ignored = ftruncate(file->fd, (off_t)file->size); /* else zeroes follow, which a reader takes for the end */
	(void)ignored;
	close(file->fd);
	wlk_free(file);
}

/* A file that exists, or a link of that name, is somebody else's. */
static wlk_err open_new(const char *path, struct recording_file **out)
{
	struct recording_file *file = wlk_calloc(1, sizeof(*file));

	if (!file)
		return WLK_ERR_NOMEM;
	file->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (file->fd < 0) {
		wlk_free(file);
		return WLK_ERR_IO;
	}
	*out = file;
	return WLK_OK;
}

wlk_err wlk_recording_open(const char *path, uint64_t limit, wlk_recording **out)
{
	struct recording_file *file;
	struct record_sink sink = { .reserve = reserve, .commit = commit, .close = close_file };
	wlk_err err;

	if (!path || !*path || !out)
		return WLK_ERR_INVALID;
	err = open_new(path, &file);
	if (err)
		return err;
	sink.user = file;
	err = record_create(out, &sink, limit, clock_unix());
	if (err) {
		close_file(file);
		unlink(path);
		return err;
	}
	LOG_I(*out, "recording into %s: it holds the content of the calls", path);
	return WLK_OK;
}

void wlk_recording_close(wlk_recording *recording)
{
	if (!recording)
		return;
	record_stop(recording, WLK_OK);
	record_unref(recording);
}

void recording_from_environment(wlk_recording **out)
{
	struct {
		struct log_scope log;
	} here;
	const char *path = secure_getenv("WLK_RECORD");
	size_t size = path ? strlen(path) + 8 : 0;
	char *name;
	wlk_err err = WLK_ERR_IO;

	*out = NULL;
	if (!path || !*path)
		return;
	log_scope_init(&here.log, NULL, "record");
	name = wlk_malloc(size);
	for (int i = 0; name && err == WLK_ERR_IO && i < NAMES_MAX; i++) {
		snprintf(name, size, i ? "%s.%d" : "%s", path, i);
		errno = 0;
		err = wlk_recording_open(name, 0, out);
		if (err && errno != EEXIST)
			break;
	}
	if (err)
		LOG_W(&here, "nothing is recorded into %s: %s", path, name ? strerror(errno) : wlk_strerror(WLK_ERR_NOMEM));
	wlk_free(name);
}
