#include "net/keylog.h"

#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

wlk_err keylog_open(struct keylog *log, const char *path)
{
	log->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	return log->fd < 0 ? WLK_ERR_IO : WLK_OK;
}

void keylog_close(struct keylog *log)
{
	if (log->fd >= 0)
		close(log->fd);
	log->fd = -1;
}

void keylog_write(const char *line, void *user)
{
	const struct keylog *log = user;
	/* One system call a line: several loops may append to the same file. */
	const struct iovec pieces[2] = { { .iov_base = (void *)(uintptr_t)line, .iov_len = strlen(line) },
					 { .iov_base = (void *)(uintptr_t) "\n", .iov_len = 1 } };
	ssize_t written = writev(log->fd, pieces, 2);

	(void)written;
}
