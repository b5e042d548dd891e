/* SIGINT and SIGTERM: the wish to hang up. */
#ifndef CALL_INTERRUPT_H
#define CALL_INTERRUPT_H

#include <stdbool.h>

/* From now on they end waits, and not the program; a second one does. */
void interrupt_install(void);
bool interrupted(void);

#endif
