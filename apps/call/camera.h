/* A camera of V4L2, read by mapped buffers. */
#ifndef CALL_CAMERA_H
#define CALL_CAMERA_H

#include "camera_format.h"

struct camera;

/*
 * Open a camera in the mode that is nearest to what is wanted, and let it begin.
 *
 * @param path  "/dev/video0", say; NULL: the first one that can be used
 * @return      NULL, told on stderr: it is none, or offers only formats like MJPEG, which are not decoded here
 */
struct camera *camera_open(const char *path, uint32_t width, uint32_t height, uint32_t fps);
/* close(NULL) does nothing. */
void camera_close(struct camera *camera);
/* Readable when a picture waits. */
int camera_fd(const struct camera *camera);
/* The mode that was chosen; its fps is what the camera says that it does. */
struct camera_mode camera_mode(const struct camera *camera);
/* The next picture with the moment of its capture, without waiting; borrowed until the next call. False: none yet. */
bool camera_next(struct camera *camera, wlk_video_frame *out);
/* Whether it went away, or broke. */
bool camera_lost(const struct camera *camera);

/* Print the cameras of this host with what they offer. */
void camera_list(void);

#endif
