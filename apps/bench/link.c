#include "link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool send_all(int fd, const char *data, size_t size)
{
	while (size) {
		ssize_t n = send(fd, data, size, MSG_NOSIGNAL);

		if (n < 0)
			return false;
		data += n;
		size -= (size_t)n;
	}
	return true;
}

bool link_send(int fd, json_t *message)
{
	char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;
	bool sent = text && send_all(fd, text, strlen(text)) && send_all(fd, "\n", 1);

	free(text);
	json_decref(message);
	return sent;
}

void link_read(int fd, bool (*on_line)(json_t *message, void *user), void *user)
{
	FILE *file = fdopen(dup(fd), "r");
	char *line = NULL;
	size_t capacity = 0;

	while (file && getline(&line, &capacity, file) > 0) {
		json_t *message = json_loads(line, 0, NULL);

		if (!json_is_object(message) || !on_line(message, user))
			break;
	}
	free(line);
	if (file)
		fclose(file);
}
