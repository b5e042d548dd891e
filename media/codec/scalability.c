#include "media/codec/scalability.h"
#include <string.h>

static bool digit_1_to_3(char c, uint8_t *out)
{
	*out = (uint8_t)(c - '0');
	return c >= '1' && c <= '3';
}

bool scalability_parse(struct scalability *out, const char *mode)
{
	struct scalability s = { .spatial = 1, .temporal = 1 };

	if (!mode || !*mode) {
		*out = s;
		return true;
	}
	if (mode[0] != 'L' || !digit_1_to_3(mode[1], &s.spatial) || mode[2] != 'T' || !digit_1_to_3(mode[3], &s.temporal))
		return false;
	mode += 4;
	if (*mode == 'h') {
		s.by_three_halves = true;
		mode++;
	}
	if (strcmp(mode, "_KEY") == 0) {
		s.key_only = true;
		mode += 4;
	}
	/* webrtc-svc 6 has neither of them for a single spatial layer. */
	if (*mode || (s.spatial == 1 && (s.by_three_halves || s.key_only)))
		return false;
	*out = s;
	return true;
}

char *scalability_name(const struct scalability *s, char *out)
{
	char *at = out;

	*at++ = 'L';
	*at++ = (char)('0' + s->spatial);
	*at++ = 'T';
	*at++ = (char)('0' + s->temporal);
	if (s->by_three_halves)
		*at++ = 'h';
	memcpy(at, s->key_only ? "_KEY" : "", s->key_only ? 5 : 1);
	return out;
}

uint32_t scalability_side(const struct scalability *s, unsigned spatial, uint32_t full)
{
	unsigned num = 1, den = 1;

	assert(spatial < s->spatial && "a layer of this stream");
	for (unsigned i = spatial; i + 1 < s->spatial; i++) {
		num *= s->by_three_halves ? 2 : 1;
		den *= s->by_three_halves ? 3 : 2;
	}
	return MAX(full * num / den, 1u);
}

void scalability_divide(const struct scalability *s, unsigned active, uint64_t total,
			uint64_t out[SCALABILITY_SPATIAL_MAX][SCALABILITY_TEMPORAL_MAX])
{
	/* A lower layer gets 11/20 of the next one's rate; of a layer, the base pictures cost the most, as they are further apart. */
	static const uint8_t temporal_percent[3][3] = { { 100 }, { 60, 40 }, { 40, 20, 40 } };
	static const uint16_t spatial_weight[3] = { 121, 220, 400 };
	uint64_t weights = 0, given = 0;

	memset(out, 0, SCALABILITY_SPATIAL_MAX * sizeof(*out));
	active = MIN(MAX(active, 1u), (unsigned)s->spatial);
	for (unsigned i = 0; i < active; i++)
		weights += spatial_weight[i];
	for (unsigned i = 0; i < active; i++) {
		uint64_t rate = total / weights * spatial_weight[i] + total % weights * spatial_weight[i] / weights;

		for (unsigned t = 0; t < s->temporal; t++) {
			out[i][t] = rate / 100 * temporal_percent[s->temporal - 1][t];
			given += out[i][t];
		}
	}
	out[0][0] += total - given;
}

static uint8_t pattern_length(const struct scalability *s)
{
	return s->temporal == 3 ? 4 : s->temporal;
}

static uint8_t temporal_at(const struct scalability *s, unsigned at)
{
	static const uint8_t of_three[] = { 0, 2, 1, 2 };

	return s->temporal == 3 ? of_three[at] : (uint8_t)at;
}

static int8_t slot_of(const struct scalability *s, unsigned spatial, unsigned temporal)
{
	unsigned slot = temporal * s->spatial + spatial;

	assert(slot < SCALABILITY_SLOTS && "the highest temporal layer of the highest spatial one is never kept");
	return (int8_t)slot;
}

static bool holds(const struct scalability_state *state, int slot)
{
	return state->valid >> slot & 1;
}

void scalability_plan(const struct scalability *s, const struct scalability_state *state, bool key, unsigned active,
		      struct scalability_picture *out)
{
	active = MIN(MAX(active, 1u), (unsigned)s->spatial);
	/* A layer that begins does so with a picture that everybody has, as it is what the layer's later pictures stand on. */
	bool restart = key || !state->pictures || active > state->active;
	unsigned at = restart ? 0 : state->at;
	uint8_t temporal = temporal_at(s, at);
	/* The last picture of three layers' pattern stands on the middle one, all others on the base. */
	unsigned previous = at == 3 ? 1 : 0;

	*out = (struct scalability_picture){ .temporal = temporal, .active = (uint8_t)active };
	for (unsigned i = 0; i < active; i++) {
		struct scalability_frame *frame = &out->frames[i];
		int8_t slot = slot_of(s, i, previous);

		frame->previous = !key && holds(state, slot) ? slot : -1;
		frame->below = -1;
		frame->keep = temporal == 0 || (temporal == 1 && s->temporal == 3) ? slot_of(s, i, temporal) : -1;
		frame->is_layer_sync = temporal > 0 && previous == 0;
		frame->is_discardable = true;
		if (i > 0 && (!s->key_only || frame->previous < 0)) {
			if (out->frames[i - 1].keep < 0)
				out->frames[i - 1].keep = slot_of(s, i - 1, temporal);
			frame->below = out->frames[i - 1].keep;
			out->frames[i - 1].is_discardable = false;
		}
	}
}

void scalability_done(const struct scalability *s, struct scalability_state *state, bool key, const struct scalability_picture *picture,
		      unsigned made)
{
	unsigned at = 0;

	if (!made)
		return;
	if (key)
		*state = (struct scalability_state){ 0 };
	/* A restart of the pattern is known by its base picture. */
	at = picture->temporal == 0 ? 0 : state->at;
	state->pictures++;
	for (unsigned i = 0; i < made; i++) {
		if (picture->frames[i].keep >= 0) {
			state->valid |= (uint8_t)(1u << picture->frames[i].keep);
			state->written[picture->frames[i].keep] = state->pictures;
		}
	}
	for (unsigned i = made; i < s->spatial; i++)
		for (unsigned t = 0; t < s->temporal && t * s->spatial + i < SCALABILITY_SLOTS; t++)
			state->valid &= (uint8_t)~(1u << slot_of(s, i, t));
	state->active = (uint8_t)made;
	state->at = (uint8_t)((at + 1) % pattern_length(s));
}

uint8_t scalability_distance(const struct scalability_state *state, int slot)
{
	uint32_t distance = state->pictures + 1 - state->written[slot];

	return distance <= 127 ? (uint8_t)distance : 0;
}
