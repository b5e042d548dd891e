/* G.722 at 64 kbit/s: 16 kHz audio as two sub-bands of ADPCM, one byte for two samples (ITU-T G.722). */
#ifndef MEDIA_CODEC_G722_H
#define MEDIA_CODEC_G722_H

#include <stddef.h>
#include <stdint.h>

enum { G722_TAPS = 24 };

/* Adaptive predictor and scale of one sub-band; names as in G.722 clause 6.2. */
struct g722_band {
	int s;            /* predicted value */
	int sp, sz;       /* of it by poles and by zeros */
	int r[3], p[3];   /* reconstructed and partially reconstructed signal, latest first */
	int a[3];         /* pole coefficients, [1] and [2] */
	int b[7], d[7];   /* zero coefficients [1]..[6], quantised differences, latest first */
	int nb;           /* logarithm of the scale factor */
	int det;          /* scale factor */
};

/* All that an encoder or a decoder remembers. Set up with g722_init(). */
struct g722 {
	struct g722_band low, high;
	int x[G722_TAPS]; /* history of the quadrature mirror filter, oldest first */
};

void g722_init(struct g722 *g);
/** 2 * |bytes| samples to |bytes| bytes. */
void g722_encode(struct g722 *g, const int16_t *pcm, size_t bytes, uint8_t *out);
/** |bytes| bytes to 2 * |bytes| samples. */
void g722_decode(struct g722 *g, const uint8_t *data, size_t bytes, int16_t *pcm);

#endif
