/* The file of a recording: memory that is shared with it, so that an entry is in the file once it is written, without a system call. */
#ifndef NET_RECORDING_H
#define NET_RECORDING_H

#include <wirelark/record.h>

/*
 * The recording that WLK_RECORD asks for, in the file that it names, or, where that exists, file.1 to file.999. *out is NULL when
 * it asks for none, or when none can be made: a line in the log then tells, and the caller goes on without.
 */
void recording_from_environment(wlk_recording **out);

#endif
