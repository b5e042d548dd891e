#include "media/track/audio_sender.h"

#include "core/alloc.h"

struct audio_job {
	struct track_job job;
	uint32_t generation;
	struct audio_encode *encode; /* NULL: made by the job */
	struct audio_encode_config config;
	struct audio_encoder_tuning tuning;
	bool silent;
	struct list chunks, packets;
	wlk_err err;
};

static void free_chunks(struct list *chunks)
{
	struct list *item;

	while ((item = list_pop_front(chunks)))
		wlk_free(list_entry(item, struct audio_chunk, link));
}

static void free_packets(struct list *packets)
{
	struct list *item;

	while ((item = list_pop_front(packets)))
		wlk_free(list_entry(item, struct audio_piece, link));
}

static void move_list(struct list *to, struct list *from)
{
	struct list *item;

	while ((item = list_pop_front(from)))
		list_push_back(to, item);
}

void audio_sender_init(struct audio_sender *s)
{
	*s = (struct audio_sender){ 0 };
	list_init(&s->chunks);
	list_init(&s->packets);
	list_init(&s->jobs);
}

static void drop_all(struct audio_sender *s)
{
	free_chunks(&s->chunks);
	free_packets(&s->packets);
	s->chunk_count = s->packet_count = 0;
}

void audio_sender_free(struct audio_sender *s)
{
	track_jobs_forget(&s->jobs);
	drop_all(s);
	audio_encode_destroy(s->encode);
	s->encode = NULL;
}

static bool same_config(const struct audio_encode_config *a, const struct audio_encode_config *b)
{
	return a->encoder.codec == b->encoder.codec && a->encoder.channels == b->encoder.channels &&
	       a->encoder.music == b->encoder.music && a->encoder.max_playback_rate == b->encoder.max_playback_rate &&
	       a->plugin == b->plugin && a->frame_ms == b->frame_ms;
}

void audio_sender_configure(struct audio_sender *s, const struct audio_encode_config *config)
{
	struct audio_encode_config copy = *config;

	copy.encoder.fmtp = NULL;
	if (!s->configured || !same_config(&s->config, &copy)) {
		audio_encode_destroy(s->encode);
		s->encode = NULL;
		s->generation++;
		s->failed = false;
	}
	s->config = copy;
	s->configured = true;
	s->tuning = (struct audio_encoder_tuning){
		.bitrate_bps = copy.encoder.bitrate_bps,
		.loss_percent = copy.encoder.loss_percent,
		.fec = copy.encoder.fec,
		.dtx = copy.encoder.dtx,
	};
}

void audio_sender_tune(struct audio_sender *s, const struct audio_encoder_tuning *tuning)
{
	s->tuning = *tuning;
}

void audio_sender_set_open(struct audio_sender *s, bool open)
{
	if (s->open != open)
		drop_all(s);
	s->open = open;
}

void audio_sender_set_silent(struct audio_sender *s, bool silent)
{
	s->silent = silent;
}

void audio_sender_push(struct audio_sender *s, struct audio_chunk *chunk)
{
	list_push_back(&s->chunks, &chunk->link);
	if (s->open && ++s->chunk_count <= AUDIO_SENDER_CHUNKS)
		return;
	s->dropped_chunks += s->open;
	s->chunk_count -= s->open;
	wlk_free(list_entry(list_pop_front(&s->chunks), struct audio_chunk, link));
}

static void job_free(struct track_job *base)
{
	struct audio_job *job = CONTAINER_OF(base, struct audio_job, job);

	free_chunks(&job->chunks);
	free_packets(&job->packets);
	audio_encode_destroy(job->encode);
	wlk_free(job);
}

static void job_run(struct track_job *base)
{
	struct audio_job *job = CONTAINER_OF(base, struct audio_job, job);

	if (!job->encode)
		job->err = audio_encode_create(&job->encode, &job->config);
	if (job->err)
		return;
	(void)audio_encode_tune(job->encode, &job->tuning);
	list_for_each(item, &job->chunks)
		(void)audio_encode_input(job->encode, list_entry(item, struct audio_chunk, link), job->silent, &job->packets);
}

static void job_done(struct track_job *base, wlk_time now, wlk_time spent)
{
	struct audio_job *job = CONTAINER_OF(base, struct audio_job, job);
	struct audio_sender *s = job->job.track;
	struct list *item;

	(void)now;
	s->at_work = false;
	if (job->generation != s->generation) {
		job_free(base);
		return;
	}
	s->failed = job->err == WLK_ERR_UNSUPPORTED || job->err == WLK_ERR_INVALID;
	s->encode = job->encode;
	job->encode = NULL;
	s->encode_us += spent;
	if (s->encode)
		audio_encode_stats(s->encode, &s->stats);
	while (s->open && (item = list_pop_front(&job->packets))) {
		list_push_back(&s->packets, item);
		s->packet_count++;
	}
	while (s->packet_count > AUDIO_SENDER_PACKETS) {
		wlk_free(audio_sender_poll_packet(s));
		s->dropped_packets++;
	}
	job_free(base);
}

bool audio_sender_has_job(const struct audio_sender *s)
{
	return s->open && s->configured && !s->failed && !s->at_work && s->chunk_count;
}

bool audio_sender_poll_job(struct audio_sender *s, wlk_time now, struct track_job **out)
{
	struct audio_job *job = audio_sender_has_job(s) ? wlk_calloc(1, sizeof(*job)) : NULL;

	if (!job)
		return false;
	job->job = (struct track_job){ .track = s, .begun = now, .run = job_run, .done = job_done, .free = job_free };
	job->generation = s->generation;
	job->encode = s->encode;
	job->config = s->config;
	job->tuning = s->tuning;
	job->silent = s->silent;
	list_init(&job->chunks);
	list_init(&job->packets);
	move_list(&job->chunks, &s->chunks);
	s->chunk_count = 0;
	s->encode = NULL;
	s->at_work = true;
	list_push_back(&s->jobs, &job->job.link);
	*out = &job->job;
	return true;
}

struct audio_piece *audio_sender_poll_packet(struct audio_sender *s)
{
	struct list *item = list_pop_front(&s->packets);

	if (!item)
		return NULL;
	s->packet_count--;
	return list_entry(item, struct audio_piece, link);
}
