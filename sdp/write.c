/* Model in, text out: CRLF lines in the order in which browsers write them. */
#include "sdp/attr.h"
#include "sdp/sdp.h"

struct writer {
	struct text *out;
	bool refused; /* a value would break out of its line */
};

/* Nothing that ends a line may be inside a value (R33); finish() then takes everything back. */
static void guard(struct writer *w, struct str value)
{
	if (value.size && (memchr(value.at, '\r', value.size) || memchr(value.at, '\n', value.size) ||
			   memchr(value.at, '\0', value.size)))
		w->refused = true;
}

static void put(struct writer *w, struct str value)
{
	guard(w, value);
	text_add_str(w->out, value);
}

static void put_or(struct writer *w, struct str value, const char *fallback)
{
	if (value.size)
		put(w, value);
	else
		text_add(w->out, fallback);
}

static void end(struct writer *w)
{
	text_add(w->out, "\r\n");
}

/* "name" and, when it is not empty, the value. */
static void line(struct writer *w, const char *name, struct str value)
{
	if (!value.size)
		return;
	text_add(w->out, name);
	put(w, value);
	end(w);
}

static void flag(struct writer *w, const char *text, bool set)
{
	if (!set)
		return;
	text_add(w->out, text);
	end(w);
}

static void number(struct writer *w, const char *name, uint64_t value)
{
	text_addf(w->out, "%s%llu\r\n", name, (unsigned long long)value);
}

static void write_ice(struct writer *w, const struct sdp_ice *ice)
{
	line(w, "a=ice-ufrag:", ice->ufrag);
	line(w, "a=ice-pwd:", ice->pwd);
	line(w, "a=ice-options:", ice->options);
}

static void write_fingerprints(struct writer *w, const struct sdp_fingerprint *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		guard(w, list[i].algorithm);
		text_add(w->out, "a=fingerprint:");
		sdp_fingerprint_write(&list[i], w->out);
		end(w);
	}
}

static void write_setup(struct writer *w, enum sdp_setup setup)
{
	if (setup != SDP_SETUP_NONE)
		text_addf(w->out, "a=setup:%s\r\n", sdp_setup_name(setup));
}

static void write_direction(struct writer *w, bool given, enum sdp_direction direction)
{
	if (given)
		text_addf(w->out, "a=%s\r\n", sdp_direction_name(direction));
}

static void write_extmaps(struct writer *w, const struct sdp_extmap *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		guard(w, list[i].uri);
		guard(w, list[i].attributes);
		text_add(w->out, "a=extmap:");
		sdp_extmap_write(&list[i], w->out);
		end(w);
	}
}

static void write_others(struct writer *w, const struct sdp_attribute *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		text_add(w->out, "a=");
		put(w, list[i].name);
		if (list[i].has_value)
			text_add_char(w->out, ':');
		put(w, list[i].value);
		end(w);
	}
}

static void write_feedback(struct writer *w, const struct sdp_codec *codec, const struct sdp_feedback *list,
			   size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (codec)
			text_addf(w->out, "a=rtcp-fb:%u ", codec->payload_type);
		else
			text_add(w->out, "a=rtcp-fb:* ");
		put(w, list[i].type);
		if (list[i].parameter.size)
			text_add_char(w->out, ' ');
		put(w, list[i].parameter);
		end(w);
	}
}

static void write_codecs(struct writer *w, const struct sdp_media *media)
{
	for (size_t i = 0; i < media->codec_count; i++) {
		const struct sdp_codec *codec = &media->codecs[i];

		if (codec->mapped) {
			guard(w, codec->name);
			text_add(w->out, "a=rtpmap:");
			sdp_rtpmap_write(codec, w->out);
			end(w);
		}
		write_feedback(w, codec, codec->feedback, codec->feedback_count);
		if (codec->fmtp.size) {
			text_addf(w->out, "a=fmtp:%u ", codec->payload_type);
			put(w, codec->fmtp);
			end(w);
		}
	}
	write_feedback(w, NULL, media->feedback, media->feedback_count);
}

static void write_ssrc_line(struct writer *w, uint32_t ssrc, const char *name, struct str value)
{
	if (!value.size)
		return;
	text_addf(w->out, "a=ssrc:%u %s:", (unsigned)ssrc, name);
	put(w, value);
	end(w);
}

static void write_ssrcs(struct writer *w, const struct sdp_media *media)
{
	for (size_t i = 0; i < media->ssrc_group_count; i++) {
		text_add(w->out, "a=ssrc-group:");
		put(w, media->ssrc_groups[i].semantics);
		for (size_t k = 0; k < media->ssrc_groups[i].ssrc_count; k++)
			text_addf(w->out, " %u", (unsigned)media->ssrc_groups[i].ssrcs[k]);
		end(w);
	}
	for (size_t i = 0; i < media->ssrc_count; i++) {
		write_ssrc_line(w, media->ssrcs[i].ssrc, "cname", media->ssrcs[i].cname);
		write_ssrc_line(w, media->ssrcs[i].ssrc, "msid", media->ssrcs[i].msid);
	}
}

static void write_msids(struct writer *w, const struct sdp_media *media)
{
	for (size_t i = 0; i < media->msid_count; i++) {
		text_add(w->out, "a=msid:");
		put(w, media->msids[i].stream);
		if (media->msids[i].track.size)
			text_add_char(w->out, ' ');
		put(w, media->msids[i].track);
		end(w);
	}
}

static void write_simulcast(struct writer *w, const struct sdp_media *media)
{
	for (size_t i = 0; i < media->rid_count; i++) {
		guard(w, media->rids[i].id);
		guard(w, media->rids[i].restrictions);
		text_add(w->out, "a=rid:");
		sdp_rid_write(&media->rids[i], w->out);
		end(w);
	}
	if (!media->simulcast.send.size && !media->simulcast.recv.size)
		return;
	guard(w, media->simulcast.send);
	guard(w, media->simulcast.recv);
	text_add(w->out, "a=simulcast:");
	sdp_simulcast_write(&media->simulcast, w->out);
	end(w);
}

static void write_sctp(struct writer *w, const struct sdp_media *media)
{
	if (media->has_sctp_port)
		number(w, "a=sctp-port:", media->sctp_port);
	if (media->sctpmap.given) {
		text_addf(w->out, "a=sctpmap:%u ", media->sctpmap.port);
		put(w, media->sctpmap.app);
		if (media->sctpmap.streams)
			text_addf(w->out, " %u", (unsigned)media->sctpmap.streams);
		end(w);
	}
	if (media->has_max_message_size)
		number(w, "a=max-message-size:", media->max_message_size);
}

static void write_candidates(struct writer *w, const struct sdp_media *media)
{
	for (size_t i = 0; i < media->candidate_count; i++)
		line(w, "a=", media->candidates[i]);
	flag(w, "a=end-of-candidates", media->end_of_candidates);
}

static void write_media_line(struct writer *w, const struct sdp_media *media)
{
	text_add(w->out, "m=");
	put(w, media->kind_text);
	text_addf(w->out, " %u ", media->port);
	put(w, media->proto);
	for (size_t i = 0; i < media->format_count; i++) {
		text_add_char(w->out, ' ');
		put(w, media->formats[i]);
	}
	end(w);
}

static void write_media(struct writer *w, const struct sdp_media *media)
{
	write_media_line(w, media);
	line(w, "c=", media->connection);
	for (size_t i = 0; i < media->bandwidth_count; i++)
		line(w, "b=", media->bandwidths[i]);
	line(w, "a=rtcp:", media->rtcp);
	write_candidates(w, media);
	write_ice(w, &media->ice);
	write_fingerprints(w, media->fingerprints, media->fingerprint_count);
	write_setup(w, media->setup);
	line(w, "a=mid:", media->mid);
	flag(w, "a=bundle-only", media->bundle_only);
	write_extmaps(w, media->extmaps, media->extmap_count);
	flag(w, "a=extmap-allow-mixed", media->extmap_allow_mixed);
	write_direction(w, media->direction_given, media->direction);
	write_msids(w, media);
	flag(w, "a=rtcp-mux", media->rtcp_mux);
	flag(w, "a=rtcp-mux-only", media->rtcp_mux_only);
	flag(w, "a=rtcp-rsize", media->rtcp_rsize);
	write_codecs(w, media);
	if (media->ptime)
		number(w, "a=ptime:", media->ptime);
	if (media->maxptime)
		number(w, "a=maxptime:", media->maxptime);
	write_ssrcs(w, media);
	write_simulcast(w, media);
	write_sctp(w, media);
	write_others(w, media->others, media->other_count);
}

static void write_groups(struct writer *w, const struct sdp_session *session)
{
	for (size_t i = 0; i < session->group_count; i++) {
		text_add(w->out, "a=group:");
		put(w, session->groups[i].semantics);
		for (size_t k = 0; k < session->groups[i].mid_count; k++) {
			text_add_char(w->out, ' ');
			put(w, session->groups[i].mids[k]);
		}
		end(w);
	}
}

static void write_origin(struct writer *w, const struct sdp_session *session)
{
	text_add(w->out, "v=0\r\no=");
	put_or(w, session->origin_user, "-");
	text_add_char(w->out, ' ');
	put_or(w, session->origin_id, "0");
	text_add_char(w->out, ' ');
	put_or(w, session->origin_version, "0");
	text_add_char(w->out, ' ');
	put_or(w, session->origin_address, "IN IP4 127.0.0.1");
	text_add(w->out, "\r\ns=");
	put_or(w, session->name, "-");
	end(w);
}

static void write_session(struct writer *w, const struct sdp_session *session)
{
	write_origin(w, session);
	line(w, "c=", session->connection);
	for (size_t i = 0; i < session->bandwidth_count; i++)
		line(w, "b=", session->bandwidths[i]);
	text_add(w->out, "t=0 0\r\n");
	write_groups(w, session);
	flag(w, "a=extmap-allow-mixed", session->extmap_allow_mixed);
	line(w, "a=msid-semantic:", session->msid_semantic);
	flag(w, "a=ice-lite", session->ice_lite);
	write_ice(w, &session->ice);
	write_fingerprints(w, session->fingerprints, session->fingerprint_count);
	write_setup(w, session->setup);
	write_direction(w, session->direction_given, session->direction);
	flag(w, "a=end-of-candidates", session->end_of_candidates);
	write_extmaps(w, session->extmaps, session->extmap_count);
	write_others(w, session->others, session->other_count);
	for (size_t i = 0; i < session->media_count; i++)
		write_media(w, session->media[i]);
}

/* RFC 8840 9: the pseudo m-lines say which section the candidates belong to. */
static void write_fragment(struct writer *w, const struct sdp_session *session)
{
	write_groups(w, session);
	write_ice(w, &session->ice);
	flag(w, "a=end-of-candidates", session->end_of_candidates);
	for (size_t i = 0; i < session->media_count; i++) {
		const struct sdp_media *media = session->media[i];

		write_media_line(w, media);
		line(w, "a=mid:", media->mid);
		write_ice(w, &media->ice);
		write_candidates(w, media);
	}
}

static wlk_err finish(struct writer *w, size_t start)
{
	if (!text_ok(w->out))
		return WLK_ERR_NOMEM;
	if (!w->refused)
		return WLK_OK;
	w->out->size = start; /* something was written, so there is a buffer */
	w->out->at[start] = '\0';
	return WLK_ERR_INVALID;
}

wlk_err sdp_write(const struct sdp_session *session, struct text *out)
{
	struct writer w = { .out = out };
	size_t start = out->size;

	write_session(&w, session);
	return finish(&w, start);
}

wlk_err sdp_fragment_write(const struct sdp_session *session, struct text *out)
{
	struct writer w = { .out = out };
	size_t start = out->size;

	text_add(out, ""); /* an empty fragment is an empty string, not NULL */
	write_fragment(&w, session);
	return finish(&w, start);
}
