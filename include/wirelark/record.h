/** Recordings: everything that crosses into the code of a peer connection, in one file that wirelark-replay plays again. */
#ifndef WIRELARK_RECORD_H
#define WIRELARK_RECORD_H

#include <wirelark/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A recording holds the content of the call: messages, packets, descriptions, addresses. It holds no key: no private key of a
 * certificate, no keys of DTLS or SRTP, and stand-ins for ICE passwords and TURN credentials. docs/recording.md says what is
 * inside and how it becomes a bug report.
 *
 * Without any change to a program, WLK_RECORD=file in its environment records the connections of its loops: the first loop to
 * that file, every further one, and every one that finds a file there, to file.1, file.2 and so on.
 */
typedef struct wlk_recording wlk_recording;

/**
 * Begin a recording in a new file, readable by its owner only.
 *
 * @param path   must not exist, not even as a link
 * @param limit  bytes after which the recording ends by itself; 0: 1 GiB
 * @param out    give it to the configurations of connections (or of a loop) that are created afterwards, all on one thread; a
 *               connection is recorded from its creation to its end. Close with wlk_recording_close()
 *
 * Each entry is in the file the moment it is made, so that the file of a crashed program ends at the crash. When the file system
 * is full, or the limit is reached, the recording ends with one line in the log; the calls go on.
 *
 * Errors: WLK_ERR_INVALID, WLK_ERR_IO (the file cannot be made, or its file system cannot hold one), WLK_ERR_CRYPTO, WLK_ERR_NOMEM.
 */
WLK_API wlk_err wlk_recording_open(const char *path, uint64_t limit, wlk_recording **out);
/** End the recording and close its file. Its connections may live on. On the thread of its connections. close(NULL) does nothing. */
WLK_API void wlk_recording_close(wlk_recording *recording);
/** WLK_OK while it runs; else why it ended: WLK_ERR_TOO_LARGE (the limit), WLK_ERR_IO, WLK_ERR_NOMEM. */
WLK_API wlk_err wlk_recording_status(const wlk_recording *recording);
/** Bytes written so far. */
WLK_API uint64_t wlk_recording_size(const wlk_recording *recording);

#ifdef __cplusplus
}
#endif

#endif
