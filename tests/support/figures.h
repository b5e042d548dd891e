/* Figures of many runs, by name: the least, the median and the most of each, and which runs missed what was wanted. */
#ifndef SUPPORT_FIGURES_H
#define SUPPORT_FIGURES_H

#include <stdint.h>

/* One more value. When it is below |least| or above |most|, the run |seed| missed it, which is printed at once. */
void figure(const char *name, uint64_t seed, double value, double least, double most);
/* Print a line for each name, in the order in which they came. Answers how many values missed their bounds. */
unsigned figures_print(void);

#endif
