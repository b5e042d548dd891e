/* A list of measured times and its percentiles. */
#ifndef BENCH_SAMPLES_H
#define BENCH_SAMPLES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct samples {
	int64_t *values; /* us */
	size_t count, capacity;
};

bool samples_add(struct samples *s, int64_t us);
/* Add min, median, p90, p99 and max, in ms, as "<name>_ms_min" and so on. Sorts the values. */
void samples_report(struct samples *s, json_t *report, const char *name);
void samples_free(struct samples *s);

#endif
