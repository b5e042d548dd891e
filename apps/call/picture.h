/* Where pictures come from, a Y4M file or a drawing that moves, and a Y4M file that they go to. */
#ifndef CALL_PICTURE_H
#define CALL_PICTURE_H

#include <stdio.h>

#include <wirelark/track.h>

struct picture_input {
	FILE *file; /* NULL: drawn */
	long first; /* where the frames begin in the file */
	uint32_t width, height;
	double fps;
	uint8_t *data[3];
	size_t stride[3];
	uint32_t number;
};

/* |path| NULL: drawn in the given size and rate. False, told on stderr: it cannot be read. */
bool picture_input_open(struct picture_input *in, const char *path, uint32_t width, uint32_t height, uint32_t fps);
void picture_input_close(struct picture_input *in);
/* The next one, borrowed until the next call. Files begin again at their end. */
bool picture_input_next(struct picture_input *in, wlk_video_frame *out);

struct picture_output {
	FILE *file; /* NULL: nowhere */
	uint32_t width, height; /* of the file */
	uint8_t *row;
};

/* Sizes of 0: those of the first picture. False, told on stderr: it cannot be written. */
bool picture_output_open(struct picture_output *out, const char *path, uint32_t width, uint32_t height);
/* An I420 picture; one of another size than the file is scaled. */
void picture_output_write(struct picture_output *out, const wlk_video_frame *frame, uint32_t fps);
void picture_output_close(struct picture_output *out);

#endif
