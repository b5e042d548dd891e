/** The version of the headers and of the linked library. */
#ifndef WIRELARK_VERSION_H
#define WIRELARK_VERSION_H

#include <wirelark/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WLK_VERSION_MAJOR 0
#define WLK_VERSION_MINOR 1
#define WLK_VERSION_PATCH 0

/** "major.minor.patch" of the library that runs. THREAD-SAFE. */
WLK_API const char *wlk_version(void);

#ifdef __cplusplus
}
#endif

#endif
