/* wirelark-replay [--verbose] [--log] FILE: plays a recording (docs/recording.md) and tells whether the code does the same again. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wirelark/log.h>

#include "replay.h"

static int usage(void)
{
	fputs("usage: wirelark-replay [--verbose] [--log] FILE   play a recording; 0: as recorded, 1: diverged, 2: not readable\n"
	      "       wirelark-replay --list FILE                print its entries\n"
	      "  --verbose  print each call and what follows from it\n"
	      "  --log      print the debug log of the connections\n",
	      stderr);
	return 2;
}

/* The bytes stay mapped to the end: what is read from them points into them. */
static const void *map_file(const char *name, size_t *size)
{
	struct stat info;
	void *data = MAP_FAILED;
	int fd = open(name, O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && !fstat(fd, &info) && info.st_size > 0) {
		*size = (size_t)info.st_size;
		data = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, fd, 0);
	}
	if (fd >= 0)
		close(fd);
	if (data == MAP_FAILED) {
		fprintf(stderr, "%s: cannot be read\n", name);
		return NULL;
	}
	return data;
}

int main(int argc, char **argv)
{
	bool verbose = false, list = false;
	const char *file = NULL;
	const void *data;
	size_t size;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--verbose"))
			verbose = true;
		else if (!strcmp(argv[i], "--list"))
			list = true;
		else if (!strcmp(argv[i], "--log"))
			wlk_log_configure(WLK_LOG_DEBUG, NULL, NULL);
		else if (argv[i][0] == '-' || file)
			return usage();
		else
			file = argv[i];
	}
	if (!file)
		return usage();
	data = map_file(file, &size);
	if (!data)
		return 2;
	return list ? replay_list(file, data, size) : replay_run(file, data, size, verbose);
}
