/* Statistics of raw media: what encoders, decoders, playout and sources count. */
#include <stdio.h>

#include "media/recv/audio_playout.h"
#include "peer/raw_object.h"
#include "peer/stats_build.h"

/* ---- receiving ---- */

static void set_smoothness(wlk_stats_inbound_rtp *s, const struct video_watch_stats *watch)
{
	stats_set_count(&s->frames_rendered, watch->frames_rendered);
	stats_set_number(&s->frames_per_second, watch->fps);
	stats_set_number(&s->total_inter_frame_delay, watch->interval_s);
	stats_set_number(&s->total_squared_inter_frame_delay, watch->interval_s2);
	stats_set_count(&s->freeze_count, watch->freezes);
	stats_set_number(&s->total_freezes_duration, stats_seconds(watch->freeze_us));
	stats_set_count(&s->pause_count, watch->pauses);
	stats_set_number(&s->total_pauses_duration, stats_seconds(watch->pause_us));
}

/* NTP counts from 1900 [ms]. */
static double ntp_ms(int64_t unix_us)
{
	return (double)unix_us / 1e3 + 2208988800e3;
}

static void set_video(struct stats_build *b, wlk_stats_inbound_rtp *s, const struct raw_layer *layer)
{
	struct video_receiver_stats v;
	uint64_t dropped = s->frames_dropped.exists ? s->frames_dropped.value : 0;

	video_receiver_stats(&layer->video, b->pc->now, &v);
	stats_set_count(&s->frames_decoded, v.decoder.frames_decoded);
	stats_set_count(&s->key_frames_decoded, v.decoder.key_frames_decoded);
	stats_set_count(&s->frames_dropped, dropped + v.frames_dropped);
	stats_set_count(&s->qp_sum, (uint64_t)MAX(v.decoder.qp_sum, 0));
	stats_set_number(&s->total_decode_time, stats_seconds(v.decode_us));
	stats_set_number(&s->total_processing_delay, stats_seconds(v.processing_us));
	stats_set_number(&s->jitter_buffer_delay, stats_seconds(v.buffer_us));
	stats_set_number(&s->jitter_buffer_target_delay, stats_seconds(v.buffer_target_us));
	stats_set_number(&s->jitter_buffer_minimum_delay, stats_seconds(v.buffer_minimum_us));
	stats_set_count(&s->jitter_buffer_emitted_count, v.emitted);
	set_smoothness(s, &v.watch);
	if (v.implementation) {
		stats_set_text(b->report, &s->decoder_implementation, str_of(v.implementation));
		stats_set_bool(&s->power_efficient_decoder, false);
	}
	if (v.playing_unix_us)
		stats_set_number(&s->estimated_playout_timestamp, ntp_ms(v.playing_unix_us + b->pc->now - v.shown));
}

static void playout_id(char out[STATS_ID_MAX], const struct wlk_transceiver *t)
{
	snprintf(out, STATS_ID_MAX, "AP%u", (unsigned)t->number);
}

static void set_sound(struct stats_build *b, wlk_stats_inbound_rtp *s, const struct raw_receiver *r)
{
	struct audio_playout_stats a;
	char id[STATS_ID_MAX];
	int64_t captured;
	wlk_time played;

	r->output.ops->stats(r->output.port, &a);
	stats_set_count(&s->total_samples_received, a.total_samples_received);
	stats_set_count(&s->concealed_samples, a.concealed_samples);
	stats_set_count(&s->silent_concealed_samples, a.silent_concealed_samples);
	stats_set_count(&s->concealment_events, a.concealment_events);
	stats_set_count(&s->inserted_samples_for_deceleration, a.inserted_samples_for_deceleration);
	stats_set_count(&s->removed_samples_for_acceleration, a.removed_samples_for_acceleration);
	stats_set_number(&s->jitter_buffer_delay, a.jitter_buffer_delay_s);
	stats_set_number(&s->jitter_buffer_target_delay, a.jitter_buffer_target_delay_s);
	stats_set_number(&s->jitter_buffer_minimum_delay, a.jitter_buffer_minimum_delay_s);
	stats_set_count(&s->jitter_buffer_emitted_count, a.jitter_buffer_emitted_count);
	stats_set_number(&s->audio_level, a.audio_level);
	stats_set_number(&s->total_audio_energy, a.total_audio_energy);
	stats_set_number(&s->total_samples_duration, a.total_samples_duration_s);
	stats_set_count(&s->fec_packets_received, a.fec_packets_received);
	stats_set_count(&s->packets_discarded, (s->packets_discarded.exists ? s->packets_discarded.value : 0) + a.packets_discarded);
	playout_id(id, r->t);
	stats_set_text(b->report, &s->playout_id, str_of(id));
	if (r->output.ops->playing(r->output.port, &captured, &played))
		stats_set_number(&s->estimated_playout_timestamp, ntp_ms(captured + b->pc->now - played));
}

void stats_set_raw_inbound(struct stats_build *b, wlk_stats_inbound_rtp *s, const struct wlk_transceiver *t, const char *rid)
{
	const struct raw_receiver *r = t->receiver.raw;
	const struct raw_layer *layer;

	if (!r)
		return;
	if (t->kind == WLK_MEDIA_AUDIO && r->output.ops)
		set_sound(b, s, r);
	else if ((layer = raw_layers_find(&r->layers, rid)))
		set_video(b, s, layer);
}

void stats_add_playout(struct stats_build *b, const struct wlk_transceiver *t)
{
	const struct raw_receiver *r = t->receiver.raw;
	struct audio_playout_stats a;
	wlk_stats_media_playout *s;
	char id[STATS_ID_MAX];

	if (!r || t->kind != WLK_MEDIA_AUDIO || !r->output.ops)
		return;
	r->output.ops->stats(r->output.port, &a);
	playout_id(id, t);
	s = stats_add(b->report, WLK_STATS_MEDIA_PLAYOUT, id);
	stats_set_text(b->report, &s->kind, STR("audio"));
	stats_set_number(&s->synthesized_samples_duration, (double)a.synthesized_samples / 48000);
	stats_set_count(&s->synthesized_samples_events, a.synthesized_events);
	stats_set_number(&s->total_samples_duration, (double)a.pulled_samples / 48000);
	stats_set_count(&s->total_samples_count, a.pulled_samples);
}

/* ---- sending ---- */

static const char *limitation_name(enum video_limitation limitation)
{
	static const char *const names[] = { "none", "cpu", "bandwidth", "other" };

	return names[limitation];
}

static void set_limitation(struct stats_build *b, wlk_stats_outbound_rtp *s, const struct video_adapt *adapt)
{
	wlk_time lasted[4];

	video_adapt_durations(adapt, b->pc->now, lasted);
	stats_set_text(b->report, &s->quality_limitation_reason, str_of(limitation_name(adapt->limitation)));
	s->quality_limitation_durations = (wlk_stat_limitations){
		true, stats_seconds(lasted[0]), stats_seconds(lasted[1]), stats_seconds(lasted[2]), stats_seconds(lasted[3])
	};
	stats_set_count(&s->quality_limitation_resolution_changes, adapt->size_changes);
}

void stats_set_raw_outbound(struct stats_build *b, wlk_stats_outbound_rtp *s, const struct wlk_transceiver *t, size_t encoding)
{
	const struct raw_sender *r = t->sender.raw;
	const struct video_layer *l;

	if (!r || t->kind != WLK_MEDIA_VIDEO || encoding >= r->video.layer_count) {
		if (r && t->kind == WLK_MEDIA_AUDIO && r->audio.configured)
			stats_set_number(&s->target_bitrate, r->audio.tuning.bitrate_bps);
		return;
	}
	l = &r->video.layers[encoding];
	if (!l->stats.implementation)
		return;
	stats_set_count(&s->frames_encoded, l->stats.frames_encoded);
	stats_set_count(&s->key_frames_encoded, l->stats.key_frames_encoded);
	stats_set_count(&s->qp_sum, l->stats.qp_sum);
	stats_set_number(&s->total_encode_time, stats_seconds(l->stats.encode_us));
	stats_set_count(&s->total_encoded_bytes_target, l->stats.target_bytes);
	stats_set_number(&s->target_bitrate, (double)l->stats.target_bps);
	stats_set_count(&s->frame_width, l->stats.width);
	stats_set_count(&s->frame_height, l->stats.height);
	stats_set_number(&s->frames_per_second, l->stats.fps);
	stats_set_text(b->report, &s->encoder_implementation, str_of(l->stats.implementation));
	stats_set_bool(&s->power_efficient_encoder, false);
	if (t->sender.encodings[encoding].scalability_mode)
		stats_set_text(b->report, &s->scalability_mode, str_of(t->sender.encodings[encoding].scalability_mode));
	set_limitation(b, s, &l->adapt);
}

void stats_set_raw_source(wlk_stats_media_source *s, const struct wlk_transceiver *t)
{
	const struct raw_sender *r = t->sender.raw;

	if (!r)
		return;
	if (t->kind == WLK_MEDIA_AUDIO) {
		stats_set_number(&s->audio_level, r->audio.stats.level);
		stats_set_number(&s->total_audio_energy, r->audio.stats.energy);
		stats_set_number(&s->total_samples_duration, r->audio.stats.duration_s);
	} else if (r->video.frame) {
		stats_set_count(&s->width, r->video.frame->width);
		stats_set_count(&s->height, r->video.frame->height);
		stats_set_count(&s->frames, r->video.frames);
		stats_set_number(&s->frames_per_second, r->video.source_fps);
	}
}
