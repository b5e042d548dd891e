#include "samples.h"

#include <stdio.h>
#include <stdlib.h>

bool samples_add(struct samples *s, int64_t us)
{
	if (s->count == s->capacity) {
		size_t capacity = s->capacity ? 2 * s->capacity : 256;
		int64_t *values = realloc(s->values, capacity * sizeof(*values));

		if (!values)
			return false;
		s->values = values;
		s->capacity = capacity;
	}
	s->values[s->count++] = us;
	return true;
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* The nearest rank: the smallest value that |percent| of all do not exceed. */
static void report_rank(const struct samples *s, json_t *report, const char *name, const char *suffix, size_t percent)
{
	size_t rank = (s->count * percent + 99) / 100;
	char key[64];

	snprintf(key, sizeof(key), "%s_ms_%s", name, suffix);
	json_object_set_new(report, key, json_real((double)s->values[rank ? rank - 1 : 0] / 1000));
}

void samples_report(struct samples *s, json_t *report, const char *name)
{
	if (!s->count)
		return;
	qsort(s->values, s->count, sizeof(*s->values), by_value);
	report_rank(s, report, name, "min", 0);
	report_rank(s, report, name, "median", 50);
	report_rank(s, report, name, "p90", 90);
	report_rank(s, report, name, "p99", 99);
	report_rank(s, report, name, "max", 100);
}

void samples_free(struct samples *s)
{
	free(s->values);
	*s = (struct samples){ 0 };
}
