#include "camera.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "camera_modes.h"

enum { BUFFERS = 4, NODES = 64, PATH_SIZE = 32 };

struct camera {
	int fd;
	struct camera_mode mode;
	struct camera_layout layout;
	struct {
		uint8_t *data;
		size_t size;
	} buffers[BUFFERS];
	uint32_t buffer_count;
	int held; /* the buffer that the last picture lies in; -1: none */
	uint8_t *planes;
	bool lost;
};

static int request(int fd, unsigned long number, void *argument)
{
	int result;

	do
		result = ioctl(fd, number, argument);
	while (result < 0 && errno == EINTR);
	return result;
}

/* Why this is no camera for us; NULL: it is one. */
static const char *unfit(int fd, struct v4l2_capability *out)
{
	uint32_t can;

	memset(out, 0, sizeof(*out));
	if (request(fd, VIDIOC_QUERYCAP, out) < 0)
		return "this is no camera";
	can = out->capabilities & V4L2_CAP_DEVICE_CAPS ? out->device_caps : out->capabilities;
	if (!(can & V4L2_CAP_VIDEO_CAPTURE))
		return can & V4L2_CAP_VIDEO_CAPTURE_MPLANE ? "it captures in several planes, which is not supported" :
							     "it captures no pictures";
	return can & V4L2_CAP_STREAMING ? NULL : "it has no buffers to map";
}

/* ---- begin and end ---- */

static bool set_format(struct camera *c)
{
	struct v4l2_format format = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };

	format.fmt.pix.width = c->mode.width;
	format.fmt.pix.height = c->mode.height;
	format.fmt.pix.pixelformat = c->mode.format;
	format.fmt.pix.field = V4L2_FIELD_NONE;
	if (request(c->fd, VIDIOC_S_FMT, &format) < 0 || format.fmt.pix.pixelformat != c->mode.format)
		return false;
	/* The driver may have changed the size. */
	c->mode.width = format.fmt.pix.width;
	c->mode.height = format.fmt.pix.height;
	c->layout = (struct camera_layout){ c->mode.format, c->mode.width, c->mode.height, format.fmt.pix.bytesperline };
	return c->mode.width && c->mode.height;
}

/* A camera without rates goes at the one that it has. */
static void set_rate(struct camera *c, double wanted)
{
	struct v4l2_streamparm rate = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };
	struct v4l2_fract *interval = &rate.parm.capture.timeperframe;

	interval->numerator = 1000;
	interval->denominator = (uint32_t)((c->mode.fps > 0 ? c->mode.fps : wanted) * 1000 + 0.5);
	if (request(c->fd, VIDIOC_S_PARM, &rate) == 0 && interval->numerator)
		c->mode.fps = (double)interval->denominator / interval->numerator;
}

static bool queue(struct camera *c, uint32_t index)
{
	struct v4l2_buffer buffer = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP, .index = index };

	return request(c->fd, VIDIOC_QBUF, &buffer) == 0;
}

static bool map(struct camera *c, uint32_t index)
{
	struct v4l2_buffer buffer = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP, .index = index };
	void *data;

	if (request(c->fd, VIDIOC_QUERYBUF, &buffer) < 0)
		return false;
	data = mmap(NULL, buffer.length, PROT_READ | PROT_WRITE, MAP_SHARED, c->fd, (off_t)buffer.m.offset);
	if (data == MAP_FAILED)
		return false;
	c->buffers[index].data = data;
	c->buffers[index].size = buffer.length;
	c->buffer_count = index + 1;
	return queue(c, index);
}

static bool begin(struct camera *c)
{
	struct v4l2_requestbuffers wanted = { .count = BUFFERS, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP };
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	size_t planes = camera_planes_size(&c->layout);

	if (planes && !(c->planes = malloc(planes)))
		return false;
	if (request(c->fd, VIDIOC_REQBUFS, &wanted) < 0 || wanted.count < 2)
		return false;
	for (uint32_t i = 0; i < wanted.count && i < BUFFERS; i++)
		if (!map(c, i))
			return false;
	return request(c->fd, VIDIOC_STREAMON, &type) == 0;
}

/* Why it cannot be used, NULL: it runs. */
static const char *start(struct camera *c, const char *path, uint32_t width, uint32_t height, uint32_t fps)
{
	struct v4l2_capability about;
	const char *problem;

	c->fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (c->fd < 0)
		return strerror(errno);
	problem = unfit(c->fd, &about);
	if (problem)
		return problem;
	problem = camera_modes_choose(c->fd, width, height, fps, &c->mode);
	if (problem)
		return problem;
	errno = 0;
	if (!set_format(c))
		return errno == EBUSY ? "somebody else is using it" : "it refuses the mode that it offers";
	set_rate(c, fps);
	return begin(c) ? NULL : "it cannot be started; somebody else may be using it";
}

static struct camera *try(const char *path, uint32_t width, uint32_t height, uint32_t fps, const char **problem)
{
	struct camera *c = calloc(1, sizeof(*c));

	*problem = "out of memory";
	if (!c)
		return NULL;
	c->held = c->fd = -1;
	*problem = start(c, path, width, height, fps);
	if (!*problem)
		return c;
	camera_close(c);
	return NULL;
}

/* The first one that can be used; of several that cannot the first one's reason is told. */
static struct camera *open_any(uint32_t width, uint32_t height, uint32_t fps)
{
	char path[PATH_SIZE], why[PATH_SIZE + 128] = "no camera was found";
	const char *problem;
	bool any = false;

	for (int i = 0; i < NODES; i++) {
		struct camera *c;

		snprintf(path, sizeof(path), "/dev/video%d", i);
		if (access(path, F_OK) != 0)
			continue;
		c = try(path, width, height, fps, &problem);
		if (c)
			return c;
		if (!any)
			snprintf(why, sizeof(why), "%s: %s", path, problem);
		any = true;
	}
	fprintf(stderr, "%s\n", why);
	return NULL;
}

struct camera *camera_open(const char *path, uint32_t width, uint32_t height, uint32_t fps)
{
	const char *problem;
	struct camera *c;

	if (!path)
		return open_any(width, height, fps);
	c = try(path, width, height, fps, &problem);
	if (!c)
		fprintf(stderr, "%s: %s\n", path, problem);
	return c;
}

void camera_close(struct camera *c)
{
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;

	if (!c)
		return;
	if (c->buffer_count)
		request(c->fd, VIDIOC_STREAMOFF, &type);
	for (uint32_t i = 0; i < c->buffer_count; i++)
		munmap(c->buffers[i].data, c->buffers[i].size);
	if (c->fd >= 0)
		close(c->fd);
	free(c->planes);
	free(c);
}

/* ---- pictures ---- */

int camera_fd(const struct camera *c)
{
	return c->fd;
}

struct camera_mode camera_mode(const struct camera *c)
{
	return c->mode;
}

bool camera_lost(const struct camera *c)
{
	return c->lost;
}

/* By the monotonic clock, which is the connection's; cameras that use another one say so, and count as "the present". */
static wlk_time moment_of(const struct v4l2_buffer *buffer)
{
	if ((buffer->flags & V4L2_BUF_FLAG_TIMESTAMP_MASK) != V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC)
		return 0;
	return (wlk_time)buffer->timestamp.tv_sec * 1000000 + buffer->timestamp.tv_usec;
}

bool camera_next(struct camera *c, wlk_video_frame *out)
{
	struct v4l2_buffer buffer = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP };

	if (c->held >= 0 && !queue(c, (uint32_t)c->held))
		c->lost = true;
	c->held = -1;
	if (c->lost)
		return false;
	if (request(c->fd, VIDIOC_DQBUF, &buffer) < 0) {
		c->lost = errno != EAGAIN;
		return false;
	}
	if (buffer.index >= c->buffer_count) {
		c->lost = true;
		return false;
	}
	c->held = (int)buffer.index;
	if (buffer.flags & V4L2_BUF_FLAG_ERROR || buffer.bytesused > c->buffers[buffer.index].size ||
	    !camera_picture(&c->layout, c->buffers[buffer.index].data, buffer.bytesused, c->planes, out))
		return false; /* torn: the next call gives it back */
	out->timestamp = moment_of(&buffer);
	return true;
}

/* ---- the list ---- */

static void describe(const char *path, int fd)
{
	struct v4l2_capability about;
	const char *problem = unfit(fd, &about);

	printf("camera %s: %.32s%s%s\n", path, about.card, problem ? ": " : "", problem ? problem : "");
	if (!problem)
		camera_modes_print(fd);
}

void camera_list(void)
{
	bool any = false;

	for (int i = 0; i < NODES; i++) {
		char path[PATH_SIZE];
		int fd;

		snprintf(path, sizeof(path), "/dev/video%d", i);
		fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT)
			continue;
		any = true;
		if (fd < 0) {
			printf("camera %s: %s\n", path, strerror(errno));
			continue;
		}
		describe(path, fd);
		close(fd);
	}
	if (!any)
		puts("no camera");
}
