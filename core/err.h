/* Error helpers that are not part of the public contract. */
#ifndef CORE_ERR_H
#define CORE_ERR_H

#include <assert.h>
#include <wirelark/types.h>

#ifdef NDEBUG
#error "asserts guard invariants in every build: NDEBUG must not be defined"
#endif

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr) - offsetof(type, member)))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

#endif
