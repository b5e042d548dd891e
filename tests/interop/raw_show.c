#include "raw_show.h"

#include "raw_watch.h"
#include "tests/support/scene.h"
#include "tests/support/tone.h"

static wlk_time picture_time(const struct raw_show *s, uint32_t number)
{
	return s->began + (wlk_time)number * 1000000 / SHOW_FPS;
}

static wlk_time sound_time(const struct raw_show *s)
{
	return s->began + (wlk_time)s->next_sound * SHOW_SOUND_US;
}

bool raw_show_begin(struct raw_show *s, uint32_t width, uint32_t height, wlk_time now, int64_t unix_us_at_zero)
{
	*s = (struct raw_show){ .began = now, .unix_us_at_zero = unix_us_at_zero };
	film_init(&s->picture, width, height);
	return !wlk_video_source_create(&s->camera) && !wlk_audio_source_create(&s->microphone);
}

void raw_show_end(struct raw_show *s)
{
	film_free(&s->picture);
	wlk_video_source_release(s->camera);
	wlk_audio_source_release(s->microphone);
}

static void push_picture(struct raw_show *s)
{
	wlk_time captured = picture_time(s, s->next_picture);
	const struct scene_mark mark = { s->next_picture, (uint32_t)((captured + s->unix_us_at_zero) / 1000 % SCENE_MOMENTS) };
	wlk_video_frame frame;

	scene_draw(&s->picture, &mark);
	frame = film_frame(&s->picture, captured);
	(void)!wlk_video_source_push(s->camera, &frame); /* one that is missing is seen at the other end */
	s->next_picture++;
}

static void add_beep(int16_t *pcm, wlk_time at, wlk_time begins)
{
	int16_t beep[SHOW_SAMPLES];

	tone_make(beep, 0, SHOW_SAMPLES, 1, BEEP_HZ, RAW_RATE, BEEP_AMPLITUDE); /* whole turns in 10 ms: it goes on in the next piece */
	for (wlk_time i = 0; i < SHOW_SAMPLES; i++) {
		wlk_time t = at + i * 1000000 / RAW_RATE;

		if (t >= begins && t < begins + BEEP_MS * 1000)
			pcm[i] = (int16_t)(pcm[i] + beep[i]);
	}
}

/* What was heard up to |at| + 10 ms. */
static void push_sound(struct raw_show *s, wlk_time at)
{
	wlk_time period = (wlk_time)BEEP_EVERY * 1000000 / SHOW_FPS, since = at - s->began;
	int16_t pcm[SHOW_SAMPLES];
	wlk_audio_frame frame = WLK_AUDIO_FRAME_INIT;

	tone_make(pcm, s->next_sound * SHOW_SAMPLES, SHOW_SAMPLES, 1, TONE_HZ, RAW_RATE, TONE_AMPLITUDE);
	add_beep(pcm, at, s->began + since / period * period);
	frame.samples = pcm;
	frame.count = SHOW_SAMPLES;
	frame.rate = RAW_RATE;
	frame.channels = 1;
	frame.timestamp = at;
	(void)!wlk_audio_source_push(s->microphone, &frame);
	s->next_sound++;
}

wlk_time raw_show_turn(struct raw_show *s, wlk_time now)
{
	wlk_time picture;

	while (sound_time(s) + SHOW_SOUND_US <= now)
		push_sound(s, sound_time(s));
	/* Pictures that nobody had time for are left out. */
	while (picture_time(s, s->next_picture + 1) <= now)
		s->next_picture++;
	if (picture_time(s, s->next_picture) <= now)
		push_picture(s);
	picture = picture_time(s, s->next_picture);
	return sound_time(s) + SHOW_SOUND_US < picture ? sound_time(s) + SHOW_SOUND_US : picture;
}
