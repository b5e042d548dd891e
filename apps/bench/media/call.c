#include "call.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <wirelark/wirelark.h>

#include "content.h"
#include "journal.h"

enum { BLOCK_US = 10000, BLOCK = CONTENT_RATE / 100, SETUP_S = 15, MAX_BITRATE = 4000000 };

struct side {
	struct call *call;
	wlk_peer_connection *pc;
	unsigned far_port; /* where the other one is to be found */
	bool described;
};

struct call {
	const struct call_options *options;
	struct content content;
	FILE *journal;
	wlk_loop *loop;
	struct side a, b; /* a sends */
	wlk_video_source *camera;
	wlk_audio_source *microphone;
	wlk_audio_sink *speaker;
	uint32_t shown;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	int connected; /* how many sides are */
	bool failed;
	double concealed, samples;
};

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void sleep_until(int64_t when)
{
	struct timespec t = { .tv_sec = when / 1000000, .tv_nsec = when % 1000000 * 1000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL))
		;
}

static void tell(struct call *c, bool connected)
{
	pthread_mutex_lock(&c->lock);
	c->connected += connected;
	c->failed |= !connected;
	pthread_cond_signal(&c->changed);
	pthread_mutex_unlock(&c->lock);
}

/* ---- signalling ---- */

/* The description with one candidate in place of its own: the link. */
static char *through_link(const char *sdp, unsigned port)
{
	char *out = NULL;
	size_t size;
	FILE *text = open_memstream(&out, &size);

	if (!text)
		return NULL;
	for (const char *line = sdp, *end; *line; line = end) {
		end = strchr(line, '\n');
		end = end ? end + 1 : line + strlen(line);
		if (strncmp(line, "a=candidate:", 12))
			fwrite(line, (size_t)(end - line), 1, text);
		if (!strncmp(line, "a=ice-pwd:", 10))
			fprintf(text, "a=candidate:1 1 udp 2130706431 127.0.0.1 %u typ host\r\n", port);
	}
	fclose(text);
	return out;
}

static bool hand_over(struct side *from, struct side *to)
{
	const wlk_session_description *local = wlk_peer_connection_local_description(from->pc);
	char *sdp = local ? through_link(local->sdp, to->far_port) : NULL;
	wlk_session_description remote = { local ? local->type : WLK_SDP_OFFER, sdp };
	bool done = sdp && !wlk_peer_connection_set_remote_description(to->pc, &remote);

	free(sdp);
	return done && (remote.type != WLK_SDP_OFFER || !wlk_peer_connection_set_local_description(to->pc, NULL));
}

static void on_gathered(struct side *s)
{
	struct call *c = s->call;
	struct side *other = s == &c->a ? &c->b : &c->a;

	if (s->described)
		return;
	s->described = true;
	if (!hand_over(s, other))
		tell(c, false);
}

/* ---- the receiving end ---- */

static void on_track(struct call *c, wlk_transceiver *t)
{
	wlk_rtp_receiver *receiver = wlk_transceiver_receiver(t);
	bool audio = wlk_transceiver_kind(t) == WLK_MEDIA_AUDIO;

	if (audio ? wlk_rtp_receiver_set_audio_sink(receiver, c->speaker) :
		    wlk_rtp_receiver_set_level(receiver, WLK_MEDIA_LEVEL_RAW))
		tell(c, false);
}

/* The planes without gaps; NULL: out of memory. */
static uint8_t *pack(const wlk_video_frame *f, size_t *size)
{
	uint32_t half_width = (f->width + 1) / 2, half_height = (f->height + 1) / 2;
	uint8_t *out, *at;

	*size = (size_t)f->width * f->height + 2 * (size_t)half_width * half_height;
	out = at = malloc(*size);
	for (int plane = 0; out && plane < 3; plane++)
		for (uint32_t y = 0; y < (plane ? half_height : f->height); y++, at += plane ? half_width : f->width)
			memcpy(at, f->data[plane] + y * f->stride[plane], plane ? half_width : f->width);
	return out;
}

static void on_picture(struct call *c, const wlk_video_frame *f)
{
	struct quality_picture picture = { f->width, f->height, { f->data[0] }, { f->stride[0] } };
	struct journal_entry entry = { .kind = JOURNAL_SHOWN, .time = now_us(), .width = f->width, .height = f->height };
	uint8_t *pixels = NULL;
	size_t size = 0;

	entry.number = content_number(&picture);
	if (c->shown++ % JOURNAL_PICTURE_EVERY == 0)
		pixels = pack(f, &size);
	entry.size = pixels ? (uint32_t)size : 0;
	journal_write(c->journal, &entry, pixels);
	free(pixels);
}

static void on_event(const wlk_event *event, void *user)
{
	struct side *s = user;

	switch (event->type) {
	case WLK_EVENT_ICE_GATHERING_STATE_CHANGE:
		if (event->u.ice_gathering_state == WLK_ICE_GATHERING_COMPLETE)
			on_gathered(s);
		break;
	case WLK_EVENT_TRACK:
		on_track(s->call, event->u.track.transceiver);
		break;
	case WLK_EVENT_VIDEO_FRAME:
		on_picture(s->call, event->u.video.frame);
		break;
	case WLK_EVENT_CONNECTION_STATE_CHANGE:
		if (event->u.connection.state == WLK_CONNECTION_CONNECTED)
			tell(s->call, true);
		else if (event->u.connection.state >= WLK_CONNECTION_FAILED)
			tell(s->call, false);
		break;
	default:
		break;
	}
}

/* ---- the call ---- */

static bool only_loopback(const wlk_addr *address, const char *interface_name, void *user)
{
	(void)interface_name;
	(void)user;
	return address->family == 4 && address->ip[0] == 127;
}

static bool open_side(struct call *c, struct side *s, unsigned far_port)
{
	wlk_configuration config = WLK_CONFIGURATION_INIT;

	s->call = c;
	s->far_port = far_port;
	config.allow_loopback = true;
	config.local_address_filter = only_loopback;
	config.memory_budget = 64 << 20;
	return !wlk_peer_connection_create(c->loop, &config, on_event, s, &s->pc);
}

/* Above what the networks carry, so that they decide. */
static bool allow_bitrate(wlk_rtp_sender *sender)
{
	static wlk_rtp_send_parameters parameters;

	if (wlk_rtp_sender_parameters(sender, &parameters))
		return false;
	parameters.encodings[0].has_max_bitrate = true;
	parameters.encodings[0].max_bitrate = MAX_BITRATE;
	return !wlk_rtp_sender_set_parameters(sender, &parameters);
}

static void start(void *user)
{
	struct call *c = user;
	wlk_transceiver_init init = WLK_TRANSCEIVER_INIT;
	wlk_transceiver *audio, *video;

	init.direction = WLK_DIRECTION_SENDONLY;
	if (!open_side(c, &c->a, c->options->port_a) || !open_side(c, &c->b, c->options->port_b) ||
	    wlk_peer_connection_add_transceiver(c->a.pc, WLK_MEDIA_AUDIO, &init, &audio) ||
	    wlk_peer_connection_add_transceiver(c->a.pc, WLK_MEDIA_VIDEO, &init, &video) ||
	    wlk_rtp_sender_set_audio_source(wlk_transceiver_sender(audio), c->microphone) ||
	    wlk_rtp_sender_set_video_source(wlk_transceiver_sender(video), c->camera) ||
	    !allow_bitrate(wlk_transceiver_sender(video)) ||
	    wlk_peer_connection_set_local_description(c->a.pc, NULL))
		tell(c, false);
}

static bool wait_connected(struct call *c)
{
	struct timespec end;
	bool ready;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += SETUP_S;
	pthread_mutex_lock(&c->lock);
	while (c->connected < 2 && !c->failed && !pthread_cond_timedwait(&c->changed, &c->lock, &end))
		;
	ready = c->connected == 2 && !c->failed;
	pthread_mutex_unlock(&c->lock);
	return ready;
}

static void capture(struct call *c, uint32_t number)
{
	static uint8_t pixels[CONTENT_PICTURE_SIZE];
	struct journal_entry entry = { .kind = JOURNAL_CAPTURED, .time = now_us(), .number = number & 0xffff };
	struct quality_picture planes = quality_picture_packed(pixels, CONTENT_WIDTH, CONTENT_HEIGHT);
	wlk_video_frame frame = WLK_VIDEO_FRAME_INIT;

	content_picture(&c->content, number, pixels);
	frame.width = CONTENT_WIDTH;
	frame.height = CONTENT_HEIGHT;
	for (int i = 0; i < 3; i++) {
		frame.data[i] = planes.data[i];
		frame.stride[i] = planes.stride[i];
	}
	journal_write(c->journal, &entry, NULL);
	wlk_video_source_push(c->camera, &frame);
}

/* Ten milliseconds in at one end and out at the other. */
static void sound_turn(struct call *c, uint32_t block)
{
	struct journal_entry heard = { .kind = JOURNAL_HEARD, .size = BLOCK * sizeof(int16_t) };
	wlk_audio_frame frame = WLK_AUDIO_FRAME_INIT;
	int16_t pcm[BLOCK];

	frame.samples = c->content.sound + (size_t)block * BLOCK % CONTENT_SAMPLES;
	frame.count = BLOCK;
	wlk_audio_source_push(c->microphone, &frame);
	heard.time = now_us();
	wlk_audio_sink_pull(c->speaker, 0, pcm, BLOCK);
	journal_write(c->journal, &heard, pcm);
}

static void talk(struct call *c)
{
	int64_t began = now_us(), end = began + (int64_t)c->options->seconds * 1000000;
	uint32_t blocks = 0, pictures = 0;

	journal_write(c->journal, &(struct journal_entry){ .kind = JOURNAL_SPOKEN, .time = began }, NULL);
	for (;;) {
		int64_t block = began + (int64_t)blocks * BLOCK_US, picture = began + (int64_t)pictures * 1000000 / CONTENT_FPS;
		int64_t next = block < picture ? block : picture;

		if (next >= end)
			break;
		sleep_until(next);
		if (block <= picture)
			sound_turn(c, blocks++);
		else
			capture(c, pictures++);
	}
	journal_write(c->journal, &(struct journal_entry){ .kind = JOURNAL_ENDED, .time = now_us() }, NULL);
}

static void read_record(const wlk_stats *record, void *user)
{
	struct call *c = user;

	if (record->type == WLK_STATS_INBOUND_RTP) {
		const wlk_stats_inbound_rtp *in = (const void *)record;

		c->concealed += in->concealed_samples.exists ? (double)in->concealed_samples.value : 0;
		c->samples += in->total_samples_received.exists ? (double)in->total_samples_received.value : 0;
	}
}

static void end(void *user)
{
	struct call *c = user;
	wlk_stats_report *report;

	if (c->b.pc && !wlk_peer_connection_get_stats(c->b.pc, &report)) {
		wlk_stats_report_visit(report, read_record, c);
		wlk_stats_report_destroy(report);
	}
	wlk_peer_connection_destroy(c->a.pc);
	wlk_peer_connection_destroy(c->b.pc);
	wlk_loop_stop(c->loop);
}

static bool open_call(struct call *c)
{
	if (!content_load(&c->content, c->options->content))
		return false;
	c->journal = fopen(c->options->journal, "wb");
	return c->journal && !wlk_video_source_create(&c->camera) && !wlk_audio_source_create(&c->microphone) &&
	       !wlk_audio_sink_create(CONTENT_RATE, 1, &c->speaker) && !wlk_loop_create(NULL, &c->loop);
}

bool call_run(const struct call_options *options)
{
	static struct call c = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };
	struct rusage usage;
	bool ready;

	c.options = options;
	if (!open_call(&c) || wlk_loop_start_thread(c.loop) || wlk_loop_post(c.loop, start, &c))
		return false;
	ready = wait_connected(&c);
	if (ready) {
		puts("{\"ready\":true}");
		fflush(stdout);
		talk(&c);
	}
	if (wlk_loop_post(c.loop, end, &c))
		return false;
	wlk_loop_destroy(c.loop);
	wlk_video_source_release(c.camera);
	wlk_audio_source_release(c.microphone);
	wlk_audio_sink_release(c.speaker);
	getrusage(RUSAGE_SELF, &usage);
	printf("{\"concealed\":%.0f,\"samples\":%.0f,\"cpu_s\":%.2f}\n", c.concealed, c.samples,
	       (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
	content_free(&c.content);
	return fclose(c.journal) == 0 && ready;
}
