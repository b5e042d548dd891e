/* The key log file: DTLS secrets in NSS key log format, for debugging with a packet analyser. */
#ifndef NET_KEYLOG_H
#define NET_KEYLOG_H

#include "core/err.h"

struct keylog {
	int fd; /* -1: not open */
};

/* Opens |path| for appending; a new file is readable by its owner only. WLK_ERR_IO. */
wlk_err keylog_open(struct keylog *log, const char *path);
void keylog_close(struct keylog *log);
/* Append one line; |user| is the keylog. A write that fails is forgotten: debugging aids never stop a call. */
void keylog_write(const char *line, void *user);

#endif
