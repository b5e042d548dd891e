/* What happened in a call, as a file: pictures captured and shown, sound pushed and heard, each with its time. */
#ifndef BENCH_MEDIA_JOURNAL_H
#define BENCH_MEDIA_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum {
	JOURNAL_CAPTURED = 'C', /* picture |number| was pushed */
	JOURNAL_SHOWN = 'V',    /* a picture with |number| in it was shown; its planes without gaps follow, or nothing */
	JOURNAL_SPOKEN = 'P',   /* the sound begins */
	JOURNAL_HEARD = 'A',    /* mono samples of 16 bits follow, of which the first is heard at |time| */
	JOURNAL_ENDED = 'E',    /* the call is over */
};

/* How an entry begins; in the byte order of the machine, as the other stacks' writer has it too. */
struct journal_entry {
	uint32_t kind;
	uint32_t size; /* bytes that follow */
	int64_t time;  /* CLOCK_MONOTONIC [us] */
	uint32_t number, width, height, reserved;
};

/* Of the shown pictures every so many is kept with its pixels. */
enum { JOURNAL_PICTURE_EVERY = 10 };

/* May be called on several threads. */
void journal_write(FILE *file, const struct journal_entry *entry, const void *data);
/* The next entry; *data is malloc'ed and the caller's, NULL when nothing follows. False: the end, or the file is broken. */
bool journal_read(FILE *file, struct journal_entry *entry, void **data);

#endif
