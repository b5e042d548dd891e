/* AES-GCM for libsrtp out of core/crypto.h: its own, over NSS, sets up key and hash table anew for every packet. */
#ifndef SRTP_GCM_H
#define SRTP_GCM_H

#include <stdbool.h>

/*
 * Let libsrtp use it for all sessions made from here on, of this process. Once, right after srtp_init(), under the lock
 * of srtp_library_start(). libsrtp tests it against its own vectors and ours first. False: it was refused.
 */
bool srtp_gcm_install(void);

#endif
