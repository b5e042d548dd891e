/* G.711: one sample to one byte and back, by A-law and mu-law (ITU-T G.711). */
#ifndef MEDIA_CODEC_G711_H
#define MEDIA_CODEC_G711_H

#include <stdint.h>

/* Samples are 16 bits wide; the law sees the upper 14 (mu) or 13 (A) of them. Any value is fine. */
uint8_t g711_mu_encode(int16_t sample);
int16_t g711_mu_decode(uint8_t code);
uint8_t g711_a_encode(int16_t sample);
int16_t g711_a_decode(uint8_t code);

#endif
