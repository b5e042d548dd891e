#include "core/tap.h"

TAP_THREAD_LOCAL struct tap *tap_current;
