/* camera.c over a driver of V4L2 that this test plays: open(), access() and ioctl() come here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/videodev2.h>

#include "apps/call/camera.h"

enum { WIDTH = 4, HEIGHT = 2, PITCH = 16, LENGTH = PITCH * HEIGHT, BUFFERS = 4, PAGE = 4096 };

/* A camera that sits at /dev/video3 and offers one raw format and MJPEG; a memory file is its buffers. */
static struct {
	bool exists, busy, raw, multiplanar, without_clock;
	int fd;
	uint32_t fps;           /* that S_PARM was asked for */
	bool queued[BUFFERS], streaming, unplugged, torn;
	int filled;             /* the buffer with a picture; -1: none */
	uint32_t count;         /* buffers asked for */
} driver;

int __wrap_open(const char *path, int flags, ...);
int __wrap_access(const char *path, int mode);
int __wrap_ioctl(int fd, unsigned long number, ...);
int __real_open(const char *path, int flags, ...);

int __wrap_open(const char *path, int flags, ...)
{
	if (strncmp(path, "/dev/video", 10) != 0)
		return __real_open(path, flags);
	if (strcmp(path, "/dev/video3") != 0 || !driver.exists) {
		errno = ENOENT;
		return -1;
	}
	driver.fd = memfd_create("camera", MFD_CLOEXEC);
	assert_true(driver.fd >= 0 && ftruncate(driver.fd, BUFFERS * PAGE) == 0);
	return driver.fd;
}

int __wrap_access(const char *path, int mode)
{
	(void)mode;
	return strcmp(path, "/dev/video3") == 0 && driver.exists ? 0 : -1;
}

static int no(int error)
{
	errno = error;
	return -1;
}

static int on_capability(struct v4l2_capability *c)
{
	strcpy((char *)c->card, "A test camera");
	c->capabilities = V4L2_CAP_DEVICE_CAPS;
	c->device_caps = V4L2_CAP_STREAMING | (driver.multiplanar ? V4L2_CAP_VIDEO_CAPTURE_MPLANE : V4L2_CAP_VIDEO_CAPTURE);
	return 0;
}

static int on_format_list(struct v4l2_fmtdesc *f)
{
	if (f->index > (driver.raw ? 1u : 0u))
		return no(EINVAL);
	f->pixelformat = f->index ? V4L2_PIX_FMT_YUYV : V4L2_PIX_FMT_MJPEG;
	return 0;
}

static int on_size_list(struct v4l2_frmsizeenum *s)
{
	if (s->index)
		return no(EINVAL);
	s->type = V4L2_FRMSIZE_TYPE_DISCRETE;
	s->discrete.width = WIDTH;
	s->discrete.height = HEIGHT;
	return 0;
}

static int on_rate_list(struct v4l2_frmivalenum *r)
{
	if (r->index > 1)
		return no(EINVAL);
	r->type = V4L2_FRMIVAL_TYPE_DISCRETE;
	r->discrete = (struct v4l2_fract){ 1, r->index ? 30 : 15 };
	return 0;
}

static int on_set_format(struct v4l2_format *f)
{
	if (driver.busy)
		return no(EBUSY);
	assert_int_equal(f->fmt.pix.pixelformat, V4L2_PIX_FMT_YUYV);
	f->fmt.pix.bytesperline = PITCH;
	f->fmt.pix.sizeimage = LENGTH;
	return 0;
}

static int on_rate(struct v4l2_streamparm *p)
{
	driver.fps = p->parm.capture.timeperframe.denominator / p->parm.capture.timeperframe.numerator;
	p->parm.capture.timeperframe = (struct v4l2_fract){ 1, driver.fps };
	return 0;
}

static int on_queue(struct v4l2_buffer *b)
{
	assert_true(b->index < driver.count);
	assert_false(driver.queued[b->index]);
	driver.queued[b->index] = true;
	return driver.unplugged ? no(ENODEV) : 0;
}

static int on_dequeue(struct v4l2_buffer *b)
{
	if (driver.unplugged)
		return no(ENODEV);
	if (driver.filled < 0)
		return no(EAGAIN);
	assert_true(driver.streaming && driver.queued[driver.filled]);
	driver.queued[driver.filled] = false;
	b->index = (uint32_t)driver.filled;
	b->bytesused = LENGTH;
	b->flags = (driver.without_clock ? V4L2_BUF_FLAG_TIMESTAMP_UNKNOWN : V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC) |
		   (driver.torn ? V4L2_BUF_FLAG_ERROR : 0u);
	b->timestamp = (struct timeval){ 12, 345678 };
	driver.filled = -1;
	return 0;
}

static int answer(unsigned long number, void *argument)
{
	switch (number) {
	case VIDIOC_QUERYCAP:
		return on_capability(argument);
	case VIDIOC_ENUM_FMT:
		return on_format_list(argument);
	case VIDIOC_ENUM_FRAMESIZES:
		return on_size_list(argument);
	case VIDIOC_ENUM_FRAMEINTERVALS:
		return on_rate_list(argument);
	case VIDIOC_S_FMT:
		return on_set_format(argument);
	case VIDIOC_S_PARM:
		return on_rate(argument);
	case VIDIOC_REQBUFS:
		driver.count = ((struct v4l2_requestbuffers *)argument)->count;
		assert_int_equal(driver.count, BUFFERS);
		return 0;
	case VIDIOC_QUERYBUF:
		((struct v4l2_buffer *)argument)->length = LENGTH;
		((struct v4l2_buffer *)argument)->m.offset = ((struct v4l2_buffer *)argument)->index * PAGE;
		return 0;
	case VIDIOC_QBUF:
		return on_queue(argument);
	case VIDIOC_DQBUF:
		return on_dequeue(argument);
	case VIDIOC_STREAMON:
	case VIDIOC_STREAMOFF:
		driver.streaming = number == VIDIOC_STREAMON;
		return 0;
	default:
		return no(ENOTTY);
	}
}

int __wrap_ioctl(int fd, unsigned long number, ...)
{
	va_list list;
	void *argument;

	va_start(list, number);
	argument = va_arg(list, void *);
	va_end(list);
	return driver.exists && fd == driver.fd ? answer(number, argument) : no(ENOTTY);
}

/* The driver writes a picture of this brightness into buffer |index|. */
static void fill(int index, uint8_t value)
{
	uint8_t row[PITCH];

	for (int i = 0; i < PITCH; i++)
		row[i] = i % 2 ? 128 : value;
	for (int y = 0; y < HEIGHT; y++)
		assert_int_equal(pwrite(driver.fd, row, PITCH, index * PAGE + y * PITCH), PITCH);
	driver.filled = index;
}

static int plug(void **state)
{
	(void)state;
	memset(&driver, 0, sizeof(driver));
	driver.exists = driver.raw = true;
	driver.filled = driver.fd = -1;
	return 0;
}

/* ---- tests ---- */

static void test_the_first_camera_is_found_and_runs_in_the_mode_that_is_wanted(void **state)
{
	struct camera *c = camera_open(NULL, WIDTH, HEIGHT, 30);
	struct camera_mode mode;

	(void)state;
	assert_non_null(c);
	mode = camera_mode(c);
	assert_int_equal(mode.format, V4L2_PIX_FMT_YUYV);
	assert_int_equal(mode.width, WIDTH);
	assert_true(mode.fps == 30);
	assert_int_equal(driver.fps, 30);
	assert_true(driver.streaming && driver.queued[0] && driver.queued[BUFFERS - 1]);
	assert_int_equal(camera_fd(c), driver.fd);
	camera_close(c);
	assert_false(driver.streaming);
}

static void test_pictures_come_with_their_moment_and_buffers_go_back(void **state)
{
	struct camera *c = camera_open("/dev/video3", WIDTH, HEIGHT, 15);
	wlk_video_frame f;

	(void)state;
	assert_non_null(c);
	assert_false(camera_next(c, &f)); /* none yet */
	for (int i = 0; i < 10; i++) {
		fill(i % BUFFERS, (uint8_t)(100 + i));
		assert_true(camera_next(c, &f));
		assert_int_equal(f.data[0][0], 100 + i);
		assert_int_equal(f.data[0][WIDTH * HEIGHT - 1], 100 + i);
		assert_int_equal(f.data[1][0], 128);
		assert_int_equal(f.timestamp, 12345678);
		assert_false(driver.queued[i % BUFFERS]); /* as long as it is looked at */
		assert_false(camera_next(c, &f));
		assert_true(driver.queued[i % BUFFERS]);
	}
	assert_false(camera_lost(c));
	camera_close(c);
}

static void test_another_clock_counts_as_the_present(void **state)
{
	struct camera *c = camera_open("/dev/video3", WIDTH, HEIGHT, 15);
	wlk_video_frame f;

	(void)state;
	assert_non_null(c);
	driver.without_clock = true;
	fill(0, 50);
	assert_true(camera_next(c, &f));
	assert_int_equal(f.timestamp, 0);
	camera_close(c);
}

static void test_a_torn_picture_is_left_out_and_the_next_one_comes(void **state)
{
	struct camera *c = camera_open("/dev/video3", WIDTH, HEIGHT, 15);
	wlk_video_frame f;

	(void)state;
	assert_non_null(c);
	driver.torn = true;
	fill(1, 50);
	assert_false(camera_next(c, &f));
	driver.torn = false;
	fill(2, 60);
	assert_true(camera_next(c, &f));
	assert_true(driver.queued[1]);
	assert_false(camera_lost(c));
	camera_close(c);
}

static void test_a_camera_that_is_pulled_out_is_lost(void **state)
{
	struct camera *c = camera_open("/dev/video3", WIDTH, HEIGHT, 15);
	wlk_video_frame f;

	(void)state;
	assert_non_null(c);
	driver.unplugged = true;
	assert_false(camera_next(c, &f));
	assert_true(camera_lost(c));
	assert_false(camera_next(c, &f));
	camera_close(c);
}

static void test_what_cannot_be_used_is_refused(void **state)
{
	(void)state;
	assert_null(camera_open("/dev/null", WIDTH, HEIGHT, 30)); /* no camera */
	assert_null(camera_open("/dev/video1", WIDTH, HEIGHT, 30));
	driver.raw = false; /* MJPEG only */
	assert_null(camera_open("/dev/video3", WIDTH, HEIGHT, 30));
	driver.raw = driver.multiplanar = true;
	assert_null(camera_open("/dev/video3", WIDTH, HEIGHT, 30));
	driver.multiplanar = false;
	driver.busy = true;
	assert_null(camera_open("/dev/video3", WIDTH, HEIGHT, 30));
	assert_null(camera_open(NULL, WIDTH, HEIGHT, 30));
	driver.exists = false;
	assert_null(camera_open(NULL, WIDTH, HEIGHT, 30));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_the_first_camera_is_found_and_runs_in_the_mode_that_is_wanted, plug),
		cmocka_unit_test_setup(test_pictures_come_with_their_moment_and_buffers_go_back, plug),
		cmocka_unit_test_setup(test_another_clock_counts_as_the_present, plug),
		cmocka_unit_test_setup(test_a_torn_picture_is_left_out_and_the_next_one_comes, plug),
		cmocka_unit_test_setup(test_a_camera_that_is_pulled_out_is_lost, plug),
		cmocka_unit_test_setup(test_what_cannot_be_used_is_refused, plug),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
