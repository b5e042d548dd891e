/* Two peers and what W3C webrtc-pc 5 says of sendEncodings, parameters, codec preferences and sources. */
#include "parameters_support.h"

/* W3C webrtc-pc 4.4.1.6 addTransceiver, the steps about sendEncodings. */
static void test_send_encodings_are_checked(void **state)
{
	wlk_rtp_encoding e[LAYERS], many[10];
	char rids[10][2] = { "0", "1", "2", "3", "4", "5", "6", "7", "8", "9" };
	wlk_rtp_codec nobody = { "video/nobody", 90000, 0, NULL, WLK_NO_PAYLOAD_TYPE };
	wlk_rtp_send_parameters p;
	wlk_transceiver *t;
	struct seen seen;
	struct sim sim;

	(void)state;
	start(&sim, &seen);
	three_layers(e);
	e[1].rid = NULL; /* all or none */
	assert_int_equal(try_add(&sim, WLK_MEDIA_VIDEO, e, 3), WLK_ERR_INVALID);
	e[0].rid = e[2].rid = NULL; /* several need them */
	assert_int_equal(try_add(&sim, WLK_MEDIA_VIDEO, e, 3), WLK_ERR_INVALID);
	three_layers(e);
	e[2].rid = "a"; /* unique */
	assert_int_equal(try_add(&sim, WLK_MEDIA_VIDEO, e, 3), WLK_ERR_INVALID);
	e[2].rid = ""; /* RFC 8851 10 */
	assert_int_equal(try_add(&sim, WLK_MEDIA_VIDEO, e, 3), WLK_ERR_INVALID);
	e[2].rid = "c;d";
	assert_int_equal(try_add(&sim, WLK_MEDIA_VIDEO, e, 3), WLK_ERR_INVALID);
	e[2].rid = "seventeen_chars_x";
	assert_int_equal(try_add(&sim, WLK_MEDIA_VIDEO, e, 3), WLK_ERR_INVALID);
	three_layers(e);
	e[1].has_scale_resolution_down_by = true;
	e[1].scale_resolution_down_by = 0.99;
	assert_int_equal(try_add(&sim, WLK_MEDIA_VIDEO, e, 3), WLK_ERR_INVALID);
	three_layers(e);
	e[1].has_max_framerate = true;
	e[1].max_framerate = -0.5;
	assert_int_equal(try_add(&sim, WLK_MEDIA_VIDEO, e, 3), WLK_ERR_INVALID);
	three_layers(e);
	e[0].scalability_mode = "L9T9";
	assert_int_equal(try_add(&sim, WLK_MEDIA_VIDEO, e, 3), WLK_ERR_UNSUPPORTED);
	three_layers(e);
	e[0].codec = &nobody;
	assert_int_equal(try_add(&sim, WLK_MEDIA_VIDEO, e, 3), WLK_ERR_UNSUPPORTED);
	e[0].codec = NULL;
	e[0].priority = 0;
	assert_int_equal(try_add(&sim, WLK_MEDIA_VIDEO, e, 3), WLK_ERR_INVALID);

	/* 4:2:1 where nobody says it; 1.0 where somebody does */
	three_layers(e);
	t = add(&sim.a, WLK_MEDIA_VIDEO, e, 3);
	p = parameters_of(t);
	assert_int_equal(p.encoding_count, 3);
	assert_true(p.encodings[0].scale_resolution_down_by == 4.0 && p.encodings[1].scale_resolution_down_by == 2.0 &&
		    p.encodings[2].scale_resolution_down_by == 1.0);
	assert_string_equal(p.encodings[2].rid, "c");
	e[1].has_scale_resolution_down_by = true;
	e[1].scale_resolution_down_by = 3.0;
	p = parameters_of(add(&sim.a, WLK_MEDIA_VIDEO, e, 3));
	assert_true(p.encodings[0].scale_resolution_down_by == 1.0 && p.encodings[1].scale_resolution_down_by == 3.0);
	/* the rid of a lone encoding goes */
	p = parameters_of(add(&sim.a, WLK_MEDIA_VIDEO, e, 1));
	assert_null(p.encodings[0].rid);
	/* more than 8 are cut; audio has one, and no scale or frame rate */
	for (size_t i = 0; i < 10; i++) {
		many[i] = plain;
		many[i].rid = rids[i];
	}
	p = parameters_of(add(&sim.a, WLK_MEDIA_VIDEO, many, 10));
	assert_int_equal(p.encoding_count, 8);
	assert_true(p.encodings[0].scale_resolution_down_by == 128.0);
	e[0].has_max_framerate = true;
	e[0].max_framerate = -1;
	p = parameters_of(add(&sim.a, WLK_MEDIA_AUDIO, e, 3));
	assert_int_equal(p.encoding_count, 1);
	assert_false(p.encodings[0].has_max_framerate);
	assert_false(p.encodings[0].has_scale_resolution_down_by);
	sim_free(&sim);
}

/* W3C webrtc-pc 5.2 setParameters. */
static void test_set_parameters_keeps_what_is_read_only(void **state)
{
	wlk_rtp_send_parameters p, again;
	wlk_rtp_encoding e[LAYERS];
	wlk_transceiver *t;
	struct seen seen;
	struct sim sim;

	(void)state;
	start(&sim, &seen);
	three_layers(e);
	t = add(&sim.a, WLK_MEDIA_VIDEO, e, 3);
	memset(&p, 0, sizeof(p));
	assert_int_equal(set(t, &p), WLK_ERR_STATE); /* [[LastReturnedParameters]] is null */
	p = parameters_of(t);
	again = parameters_of(t);
	assert_string_equal(p.transaction_id, again.transaction_id);
	p.transaction_id[0] ^= 1;
	assert_int_equal(set(t, &p), WLK_ERR_NEGOTIATION);
	p = again;
	p.encoding_count = 2;
	assert_int_equal(set(t, &p), WLK_ERR_NEGOTIATION);
	p = again;
	p.encodings[0] = again.encodings[1];
	p.encodings[1] = again.encodings[0];
	assert_int_equal(set(t, &p), WLK_ERR_NEGOTIATION);
	p = again;
	p.encodings[0].rid = "z";
	assert_int_equal(set(t, &p), WLK_ERR_NEGOTIATION);
	p = again;
	p.cname = "other";
	assert_int_equal(set(t, &p), WLK_ERR_NEGOTIATION);
	p = again;
	p.reduced_size = !p.reduced_size;
	assert_int_equal(set(t, &p), WLK_ERR_NEGOTIATION);
	p = again;
	p.codec_count = 1;
	p.codecs[0] = (wlk_rtp_codec){ "video/VP8", 90000, 0, NULL, 96 };
	assert_int_equal(set(t, &p), WLK_ERR_NEGOTIATION);
	p = again;
	p.encodings[1].scale_resolution_down_by = 0.5;
	assert_int_equal(set(t, &p), WLK_ERR_INVALID);
	p = again;
	p.encodings[1].has_max_framerate = true;
	p.encodings[1].max_framerate = -1;
	assert_int_equal(set(t, &p), WLK_ERR_INVALID);
	p = again;
	p.encodings[1].scalability_mode = "nothing";
	assert_int_equal(set(t, &p), WLK_ERR_UNSUPPORTED);
	p = again;
	p.encodings[0].active = false;
	p.encodings[1].has_max_bitrate = true;
	p.encodings[1].max_bitrate = 300000;
	p.encodings[2].scalability_mode = "L1T3";
	p.encodings[2].priority = WLK_PRIORITY_HIGH;
	p.degradation_preference = WLK_DEGRADATION_MAINTAIN_RESOLUTION;
	assert_int_equal(set(t, &p), WLK_OK);
	assert_int_equal(set(t, &p), WLK_ERR_STATE); /* one transaction, one change */
	again = parameters_of(t);
	assert_string_not_equal(p.transaction_id, again.transaction_id);
	assert_false(again.encodings[0].active);
	assert_int_equal(again.encodings[1].max_bitrate, 300000);
	assert_string_equal(again.encodings[2].scalability_mode, "L1T3");
	assert_int_equal(again.encodings[2].priority, WLK_PRIORITY_HIGH);
	assert_int_equal(again.degradation_preference, WLK_DEGRADATION_MAINTAIN_RESOLUTION);
	sim_free(&sim);
}

/* Formats that are no codec of ours go as packets: G.722, comfort noise, telephone events, H.265. */
static void test_formats_for_packets(void **state)
{
	static const char *const mimes[] = { "audio/G722", "audio/CN", "audio/telephone-event", "video/H265" };
	wlk_transceiver *audio, *video;
	struct seen seen;
	struct sim sim;

	(void)state;
	start(&sim, &seen);
	audio = add(&sim.a, WLK_MEDIA_AUDIO, NULL, 0);
	video = add(&sim.a, WLK_MEDIA_VIDEO, NULL, 0);
	signal_with(&sim, accept_none);
	connect(&sim);
	seen.tone_type = WLK_NO_PAYLOAD_TYPE;
	for (size_t i = 0; i < 4; i++) {
		wlk_transceiver *t = i < 3 ? audio : video;

		assert_int_equal(send(t, NULL, type_of(t, mimes[i]), (uint32_t)i * 160), WLK_OK);
	}
	sim_run_for(&sim, SIM_SECOND);
	assert_int_equal(seen.audio_packets, 3);
	assert_int_equal(seen.other_packets, 1);
	sim_free(&sim);
}

/* RFC 8853: three layers are offered, accepted, sent and told apart. */
static void test_three_layers_arrive_by_rid(void **state)
{
	wlk_rtp_send_parameters p;
	wlk_rtp_receive_parameters received;
	wlk_rtp_encoding e[LAYERS];
	wlk_transceiver *t;
	struct seen seen;
	struct sim sim;
	uint8_t vp8;

	(void)state;
	start(&sim, &seen);
	three_layers(e);
	t = add(&sim.a, WLK_MEDIA_VIDEO, e, 3);
	assert_non_null(strstr(offer_of(&sim.a), "a=simulcast:send a;b;c\r\n"));
	assert_non_null(strstr(offer_of(&sim.a), "a=rid:b send\r\n"));
	assert_null(strstr(offer_of(&sim.a), "a=ssrc:"));
	signal_with(&sim, accept_layers);
	connect(&sim);
	assert_non_null(strstr(wlk_peer_connection_local_description(sim.b.pc)->sdp, "a=simulcast:recv a;b;c\r\n"));
	vp8 = type_of(t, "video/VP8");
	for (uint32_t i = 0; i < 20; i++) {
		assert_int_equal(send(t, "a", vp8, i * 3000), WLK_OK);
		assert_int_equal(send(t, "b", vp8, i * 3000), WLK_OK);
		assert_int_equal(send(t, "c", vp8, i * 3000), WLK_OK);
		assert_int_equal(send(t, "d", vp8, i * 3000), WLK_ERR_NOT_FOUND);
		sim_run_for(&sim, 33 * SIM_MS);
	}
	for (size_t i = 0; i < LAYERS; i++) {
		assert_int_equal(seen.packets[i], 20);
		assert_int_equal(seen.ssrcs[i], wlk_rtp_sender_encoding_ssrc(wlk_transceiver_sender(t), i));
	}
	assert_int_equal(seen.other_packets, 0);
	assert_int_equal(wlk_rtp_sender_ssrc(wlk_transceiver_sender(t)), seen.ssrcs[0]);
	assert_int_equal(wlk_rtp_receiver_parameters(wlk_transceiver_receiver(wlk_peer_connection_transceiver(sim.b.pc, 0)), &received), WLK_OK);
	assert_int_equal(received.rid_count, 3);
	assert_string_equal(received.rids[1], "b");

	/* the receiver asks all of them for a key frame; the sender asks one */
	assert_int_equal(wlk_rtp_receiver_request_key_frame(wlk_transceiver_receiver(wlk_peer_connection_transceiver(sim.b.pc, 0))), WLK_OK);
	sim_run_for(&sim, 100 * SIM_MS);
	for (size_t i = 0; i < LAYERS; i++)
		assert_int_equal(seen.key_frames[i], 2); /* the first was due when sending became possible */
	assert_int_equal(wlk_rtp_sender_generate_key_frame(wlk_transceiver_sender(t), (const char *const[]){ "b" }, 1), WLK_OK);
	assert_int_equal(wlk_rtp_sender_generate_key_frame(wlk_transceiver_sender(t), (const char *const[]){ "b", "x" }, 2), WLK_ERR_NOT_FOUND);
	assert_int_equal(wlk_rtp_sender_generate_key_frame(wlk_transceiver_sender(t), (const char *const[]){ "!" }, 1), WLK_ERR_INVALID);
	sim_run_for(&sim, 10 * SIM_MS);
	assert_int_equal(seen.key_frames[0], 2);
	assert_int_equal(seen.key_frames[1], 3);

	/* active = false really stops a layer, over a renegotiation too, where it is told as paused */
	p = parameters_of(t);
	p.encodings[1].active = false;
	assert_int_equal(set(t, &p), WLK_OK);
	assert_int_equal(send(t, "b", vp8, 90000), WLK_ERR_STATE);
	assert_int_equal(send(t, "c", vp8, 90000), WLK_OK);
	signal_with(&sim, accept_none);
	assert_non_null(strstr(wlk_peer_connection_local_description(sim.a.pc)->sdp, "a=simulcast:send a;~b;c\r\n"));
	sim_run_for(&sim, 100 * SIM_MS);
	assert_int_equal(seen.packets[1], 20);
	assert_int_equal(seen.packets[2], 21);
	p = parameters_of(t);
	assert_int_equal(p.encoding_count, 3);
	assert_false(p.encodings[1].active);
	p.encodings[1].active = true;
	assert_int_equal(set(t, &p), WLK_OK);
	signal_with(&sim, accept_none);
	assert_int_equal(send(t, "b", vp8, 93000), WLK_OK);
	sim_run_for(&sim, 100 * SIM_MS);
	assert_int_equal(seen.packets[1], 21);
	sim_free(&sim);
}

/* W3C webrtc-pc 4.4.1.5: an answer without layers leaves the first encoding. */
static void test_layers_that_the_answer_leaves_out_go(void **state)
{
	wlk_rtp_encoding e[LAYERS];
	wlk_transceiver *t;
	struct seen seen;
	struct sim sim;
	uint8_t vp8;

	(void)state;
	start(&sim, &seen);
	three_layers(e);
	t = add(&sim.a, WLK_MEDIA_VIDEO, e, 3);
	signal_with(&sim, accept_none);
	connect(&sim);
	assert_int_equal(parameters_of(t).encoding_count, 1);
	vp8 = type_of(t, "video/VP8");
	assert_int_equal(send(t, "b", vp8, 0), WLK_ERR_NOT_FOUND);
	assert_int_equal(send(t, NULL, vp8, 0), WLK_OK);
	sim_run_for(&sim, 100 * SIM_MS);
	assert_int_equal(seen.other_packets, 1);
	sim_free(&sim);
}

/* An offer that wants to receive layers makes them at the answerer (W3C webrtc-pc 4.4.1.5), and a rollback takes them away. */
static void test_layers_are_made_for_who_asks(void **state)
{
	static const char *const rids[] = { "hi", "lo" };
	wlk_transceiver_init init = WLK_TRANSCEIVER_INIT;
	wlk_rtp_send_parameters p;
	wlk_transceiver *asking, *sending;
	wlk_rtp_sender *sender;
	struct seen seen;
	struct sim sim;

	(void)state;
	start(&sim, &seen);
	assert_int_equal(wlk_peer_connection_add_track(sim.b.pc, WLK_MEDIA_VIDEO, "camera", NULL, 0, &sender), WLK_OK);
	sending = wlk_rtp_sender_transceiver(sender);
	init.direction = WLK_DIRECTION_RECVONLY;
	assert_int_equal(wlk_peer_connection_add_transceiver(sim.a.pc, WLK_MEDIA_VIDEO, &init, &asking), WLK_OK);
	assert_int_equal(wlk_transceiver_set_receive_simulcast(asking, false, rids, 2), WLK_OK);
	assert_int_equal(wlk_transceiver_set_receive_simulcast(asking, false, (const char *const[]){ "x", "x" }, 2), WLK_ERR_INVALID);
	assert_non_null(strstr(offer_of(&sim.a), "a=simulcast:recv hi;lo\r\n"));
	assert_int_equal(wlk_peer_connection_set_local_description(sim.a.pc, NULL), WLK_OK);
	assert_int_equal(wlk_peer_connection_set_remote_description(sim.b.pc, wlk_peer_connection_local_description(sim.a.pc)), WLK_OK);
	p = parameters_of(sending);
	assert_int_equal(p.encoding_count, 2);
	assert_string_equal(p.encodings[0].rid, "hi");
	assert_true(p.encodings[0].scale_resolution_down_by == 2.0);
	assert_int_equal(wlk_peer_connection_set_remote_description(sim.b.pc, &(wlk_session_description){ WLK_SDP_ROLLBACK, NULL }), WLK_OK);
	assert_int_equal(parameters_of(sending).encoding_count, 1);
	sim_free(&sim);
}

/* W3C webrtc-pc 5.4 setCodecPreferences. */
static void test_codec_preferences_order_offer_and_answer(void **state)
{
	wlk_rtp_codec vp9 = { "video/vp9", 90000, 0, "profile-id=0", 0 }, vp8 = { "video/VP8", 90000, 0, NULL, 0 };
	wlk_rtp_codec rtx = { "video/rtx", 90000, 0, NULL, 0 }, none = { "video/VP9", 90000, 0, "profile-id=7", 0 };
	wlk_rtp_capabilities caps;
	wlk_rtp_send_parameters p;
	wlk_transceiver *t, *audio;
	struct seen seen;
	struct sim sim;

	(void)state;
	start(&sim, &seen);
	t = add(&sim.a, WLK_MEDIA_VIDEO, NULL, 0);
	audio = add(&sim.a, WLK_MEDIA_AUDIO, NULL, 0);
	assert_int_equal(wlk_transceiver_set_codec_preferences(t, &none, 1), WLK_ERR_NEGOTIATION);
	assert_int_equal(wlk_transceiver_set_codec_preferences(audio, &vp8, 1), WLK_ERR_NEGOTIATION);
	assert_int_equal(wlk_transceiver_set_codec_preferences(t, &rtx, 1), WLK_ERR_NEGOTIATION);
	assert_int_equal(wlk_transceiver_set_codec_preferences(t, NULL, 1), WLK_ERR_INVALID);
	assert_int_equal(wlk_transceiver_set_codec_preferences(t, (wlk_rtp_codec[]){ vp9, rtx, vp8, vp9 }, 4), WLK_OK);
	assert_non_null(strstr(offer_of(&sim.a), "m=video 9 UDP/TLS/RTP/SAVPF 98 99 96 97\r\n"));
	assert_int_equal(wlk_transceiver_set_codec_preferences(t, (wlk_rtp_codec[]){ vp8, vp9 }, 2), WLK_OK);
	assert_non_null(strstr(offer_of(&sim.a), "m=video 9 UDP/TLS/RTP/SAVPF 96 98\r\n"));
	assert_int_equal(wlk_transceiver_set_codec_preferences(t, NULL, 0), WLK_OK);
	assert_non_null(strstr(offer_of(&sim.a), "m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99"));
	assert_int_equal(wlk_transceiver_set_codec_preferences(t, (wlk_rtp_codec[]){ vp9, rtx, vp8 }, 3), WLK_OK);
	signal_with(&sim, accept_none);
	p = parameters_of(t);
	assert_int_equal(p.codec_count, 4);
	assert_string_equal(p.codecs[0].mime_type, "video/VP9");
	assert_string_equal(p.codecs[0].sdp_fmtp_line, "profile-id=0");
	assert_string_equal(p.codecs[1].mime_type, "video/rtx");
	assert_string_equal(p.codecs[1].sdp_fmtp_line, "apt=98");
	assert_int_equal(p.codecs[2].payload_type, 96);
	assert_null(p.codecs[2].sdp_fmtp_line);
	assert_int_equal(parameters_of(audio).codecs[0].channels, 2);
	/* an encoding's codec is one of the negotiated ones */
	p.encodings[0].codec = &vp8;
	assert_int_equal(set(t, &p), WLK_OK);
	p = parameters_of(t);
	assert_string_equal(p.encodings[0].codec->mime_type, "video/VP8");
	p.encodings[0].codec = &(wlk_rtp_codec){ "video/AV1", 90000, 0, "level-idx=5;profile=0;tier=0", 0 };
	assert_int_equal(set(t, &p), WLK_ERR_NEGOTIATION);
	assert_int_equal(wlk_rtp_sender_capabilities((wlk_media_kind)9, &caps), WLK_ERR_INVALID);
	assert_int_equal(wlk_rtp_receiver_capabilities(WLK_MEDIA_AUDIO, &caps), WLK_OK);
	assert_string_equal(caps.codecs[0].mime_type, "audio/opus");
	assert_int_equal(caps.codecs[0].channels, 2);
	assert_int_equal(caps.codecs[0].payload_type, WLK_NO_PAYLOAD_TYPE);
	sim_free(&sim);
}

/* W3C webrtc-extensions 5. */
static void test_header_extensions_are_controlled(void **state)
{
	static const char level[] = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";
	static const char mid[] = "urn:ietf:params:rtp-hdrext:sdes:mid";
	wlk_rtp_header_extension list[WLK_RTP_EXTENSIONS_MAX], now[WLK_RTP_EXTENSIONS_MAX];
	size_t count, at_level = SIZE_MAX, at_mid = SIZE_MAX;
	wlk_transceiver *t;
	struct seen seen;
	struct sim sim;

	(void)state;
	start(&sim, &seen);
	t = add(&sim.a, WLK_MEDIA_AUDIO, NULL, 0);
	count = wlk_transceiver_header_extensions_to_negotiate(t, list, WLK_RTP_EXTENSIONS_MAX);
	for (size_t i = 0; i < count; i++) {
		at_level = strcmp(list[i].uri, level) ? at_level : i;
		at_mid = strcmp(list[i].uri, mid) ? at_mid : i;
	}
	assert_true(at_level < count && at_mid < count);
	assert_int_equal(wlk_transceiver_set_header_extensions_to_negotiate(t, list, count - 1), WLK_ERR_NEGOTIATION);
	list[at_mid].direction = WLK_DIRECTION_STOPPED;
	assert_int_equal(wlk_transceiver_set_header_extensions_to_negotiate(t, list, count), WLK_ERR_NEGOTIATION);
	list[at_mid].direction = WLK_DIRECTION_SENDRECV;
	list[at_level].uri = "urn:other";
	assert_int_equal(wlk_transceiver_set_header_extensions_to_negotiate(t, list, count), WLK_ERR_NEGOTIATION);
	list[at_level].uri = level;
	list[at_level].direction = (wlk_direction)7;
	assert_int_equal(wlk_transceiver_set_header_extensions_to_negotiate(t, list, count), WLK_ERR_INVALID);
	list[at_level].direction = WLK_DIRECTION_STOPPED;
	assert_non_null(strstr(offer_of(&sim.a), level));
	assert_int_equal(wlk_transceiver_set_header_extensions_to_negotiate(t, list, count), WLK_OK);
	assert_null(strstr(offer_of(&sim.a), level));
	signal_with(&sim, accept_none);
	assert_int_equal(wlk_transceiver_negotiated_header_extensions(t, now, WLK_RTP_EXTENSIONS_MAX), count);
	assert_int_equal(now[at_level].direction, WLK_DIRECTION_STOPPED);
	assert_int_equal(now[at_mid].direction, WLK_DIRECTION_SENDRECV);
	assert_true(now[at_mid].id > 0);
	sim_free(&sim);
}

/* W3C webrtc-pc 5.3: sources, and only those of the last ten seconds. */
static void test_sources_are_told_for_ten_seconds(void **state)
{
	wlk_rtp_source sources[2];
	wlk_rtp_receiver *receiver;
	wlk_transceiver *t;
	struct seen seen;
	struct sim sim;

	(void)state;
	start(&sim, &seen);
	t = add(&sim.a, WLK_MEDIA_AUDIO, NULL, 0);
	signal_with(&sim, accept_none);
	connect(&sim);
	receiver = wlk_transceiver_receiver(wlk_peer_connection_transceiver(sim.b.pc, 0));
	assert_int_equal(wlk_rtp_receiver_synchronization_sources(receiver, sources, 2), 0);
	assert_int_equal(send(t, NULL, type_of(t, "audio/opus"), 960), WLK_OK);
	sim_run_for(&sim, 200 * SIM_MS);
	assert_int_equal(wlk_rtp_receiver_synchronization_sources(receiver, sources, 2), 1);
	assert_int_equal(sources[0].source, wlk_rtp_sender_ssrc(wlk_transceiver_sender(t)));
	assert_true(sources[0].timestamp > 0 && sources[0].timestamp <= sim.now);
	assert_false(sources[0].has_audio_level);
	assert_int_equal(wlk_rtp_receiver_contributing_sources(receiver, NULL, 0), 0);
	sim_run_for(&sim, 20 * SIM_SECOND); /* the clock of a peer that nobody calls stands */
	assert_int_equal(wlk_rtp_receiver_synchronization_sources(receiver, NULL, 0), 0);
	sim_free(&sim);
}

/* max_bitrate is told as the limit of what may be sent. */
static void test_max_bitrate_is_told(void **state)
{
	wlk_rtp_send_parameters p;
	wlk_transceiver *t;
	struct seen seen;
	struct sim sim;

	(void)state;
	start(&sim, &seen);
	t = add(&sim.a, WLK_MEDIA_VIDEO, NULL, 0);
	signal_with(&sim, accept_none);
	connect(&sim);
	p = parameters_of(t);
	p.encodings[0].has_max_bitrate = true;
	p.encodings[0].max_bitrate = 123000;
	assert_int_equal(set(t, &p), WLK_OK);
	sim_run_for(&sim, 10 * SIM_MS);
	assert_int_equal(seen.limit, 123000);
	sim_free(&sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_send_encodings_are_checked),
		cmocka_unit_test(test_set_parameters_keeps_what_is_read_only),
		cmocka_unit_test(test_formats_for_packets),
		cmocka_unit_test(test_three_layers_arrive_by_rid),
		cmocka_unit_test(test_layers_that_the_answer_leaves_out_go),
		cmocka_unit_test(test_layers_are_made_for_who_asks),
		cmocka_unit_test(test_codec_preferences_order_offer_and_answer),
		cmocka_unit_test(test_header_extensions_are_controlled),
		cmocka_unit_test(test_sources_are_told_for_ten_seconds),
		cmocka_unit_test(test_max_bitrate_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
