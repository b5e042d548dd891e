#include "camera_modes.h"

#include <errno.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

enum { MODES_MAX = 512, FORMATS_MAX = 32, SIZES_MAX = 64, RATES_MAX = 32 };

struct modes {
	struct camera_mode all[MODES_MAX]; /* more are not looked at */
	size_t count;
	uint32_t wanted_width, wanted_height; /* where a camera takes any size in a range */
	double wanted_fps;
};

/* The next entry of a list; drivers answer EINVAL behind the last. */
static bool ask(int fd, unsigned long number, void *argument)
{
	int result;

	do
		result = ioctl(fd, number, argument);
	while (result < 0 && errno == EINTR);
	return result == 0;
}

static void add(struct modes *m, uint32_t format, uint32_t width, uint32_t height, double fps)
{
	if (m->count < MODES_MAX)
		m->all[m->count++] = (struct camera_mode){ format, width, height, fps };
}

static double rate_of(struct v4l2_fract interval)
{
	return interval.numerator ? (double)interval.denominator / interval.numerator : 0;
}

static void add_rates(struct modes *m, int fd, uint32_t format, uint32_t width, uint32_t height)
{
	struct v4l2_frmivalenum rate = { .pixel_format = format, .width = width, .height = height };
	double most, least;

	if (!ask(fd, VIDIOC_ENUM_FRAMEINTERVALS, &rate)) {
		add(m, format, width, height, 0);
		return;
	}
	if (rate.type != V4L2_FRMIVAL_TYPE_DISCRETE) {
		most = rate_of(rate.stepwise.min); /* the shortest interval */
		least = rate_of(rate.stepwise.max);
		add(m, format, width, height, m->wanted_fps > most ? most : m->wanted_fps < least ? least : m->wanted_fps);
		return;
	}
	do
		add(m, format, width, height, rate_of(rate.discrete));
	while (++rate.index < RATES_MAX && ask(fd, VIDIOC_ENUM_FRAMEINTERVALS, &rate));
}

static void add_sizes(struct modes *m, int fd, uint32_t format)
{
	struct v4l2_frmsizeenum size = { .pixel_format = format };

	if (!ask(fd, VIDIOC_ENUM_FRAMESIZES, &size))
		return;
	if (size.type != V4L2_FRMSIZE_TYPE_DISCRETE) {
		const struct v4l2_frmsize_stepwise *s = &size.stepwise;

		add_rates(m, fd, format, camera_step(s->min_width, s->max_width, s->step_width, m->wanted_width),
			  camera_step(s->min_height, s->max_height, s->step_height, m->wanted_height));
		return;
	}
	do
		add_rates(m, fd, format, size.discrete.width, size.discrete.height);
	while (++size.index < SIZES_MAX && ask(fd, VIDIOC_ENUM_FRAMESIZES, &size));
}

static const char *without_mode(const struct modes *m)
{
	static char words[64];
	char name[5];

	if (!m->count)
		return "it does not tell what it offers";
	camera_format_name(m->all[0].format, name);
	snprintf(words, sizeof(words), "it offers %s, but neither YUYV nor NV12 nor I420", name);
	return words;
}

static void ask_all(struct modes *m, int fd)
{
	struct v4l2_fmtdesc format = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };

	for (; format.index < FORMATS_MAX && ask(fd, VIDIOC_ENUM_FMT, &format); format.index++)
		add_sizes(m, fd, format.pixelformat);
}

const char *camera_modes_choose(int fd, uint32_t width, uint32_t height, uint32_t fps, struct camera_mode *out)
{
	struct modes m = { .wanted_width = width, .wanted_height = height, .wanted_fps = fps };
	size_t best;

	ask_all(&m, fd);
	best = camera_mode_choose(m.all, m.count, width, height, fps);
	if (best == m.count)
		return without_mode(&m);
	*out = m.all[best];
	return NULL;
}

void camera_modes_print(int fd)
{
	struct modes m = { .wanted_width = UINT32_MAX, .wanted_height = UINT32_MAX, .wanted_fps = 1e6 };
	char name[5];

	ask_all(&m, fd);
	for (size_t i = 0; i < m.count; i++) {
		const struct camera_mode *mode = &m.all[i];
		bool starts = !i || mode->format != mode[-1].format;

		camera_format_name(mode->format, name);
		if (starts)
			printf("%s  %s%s:", i ? "\n" : "", name, camera_format_known(mode->format) ? "" : " (not supported)");
		if (starts || mode->width != mode[-1].width || mode->height != mode[-1].height)
			printf(" %ux%u at", mode->width, mode->height);
		if (mode->fps > 0)
			printf(" %.3g", mode->fps);
		else
			printf(" any rate");
	}
	if (m.count)
		puts("");
}
