#include "figures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES = 64, VALUES = 4096 };

static struct {
	const char *name;
	double values[VALUES];
	size_t count;
	unsigned missed;
} figures[NAMES];

static size_t find(const char *name)
{
	size_t i = 0;

	while (i < NAMES && figures[i].name && strcmp(figures[i].name, name) != 0)
		i++;
	if (i == NAMES || figures[i].count == VALUES) {
		fprintf(stderr, "too many figures\n");
		exit(1);
	}
	figures[i].name = name;
	return i;
}

void figure(const char *name, uint64_t seed, double value, double least, double most)
{
	size_t i = find(name);

	figures[i].values[figures[i].count++] = value;
	if (value >= least && value <= most)
		return;
	figures[i].missed++;
	printf("FAIL seed %llu: %s: %.3f\n", (unsigned long long)seed, name, value);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

unsigned figures_print(void)
{
	unsigned missed = 0;

	for (size_t i = 0; i < NAMES && figures[i].name; i++) {
		qsort(figures[i].values, figures[i].count, sizeof(double), compare);
		printf("%-40s min %8.3f  median %8.3f  max %8.3f  (%zu runs, %u missed)\n", figures[i].name, figures[i].values[0],
		       figures[i].values[figures[i].count / 2], figures[i].values[figures[i].count - 1], figures[i].count, figures[i].missed);
		missed += figures[i].missed;
	}
	return missed;
}
