#include "journal.h"

#include <stdlib.h>

enum { SIZE_MAX_ENTRY = 1 << 26 };

void journal_write(FILE *file, const struct journal_entry *entry, const void *data)
{
	flockfile(file);
	fwrite(entry, sizeof(*entry), 1, file);
	if (entry->size)
		fwrite(data, entry->size, 1, file);
	funlockfile(file);
}

bool journal_read(FILE *file, struct journal_entry *entry, void **data)
{
	*data = NULL;
	if (fread(entry, sizeof(*entry), 1, file) != 1 || entry->size > SIZE_MAX_ENTRY)
		return false;
	if (!entry->size)
		return true;
	*data = malloc(entry->size);
	if (*data && fread(*data, entry->size, 1, file) == 1)
		return true;
	free(*data);
	return false;
}
