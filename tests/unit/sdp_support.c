#include "sdp_support.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void side_init(struct sdp_side *side)
{
	memset(side, 0, sizeof(*side));
	sdp_default_capabilities(&side->caps);
	assert_true(sdp_fingerprint_parse(STR("sha-256 " TEST_HEX32), &side->fingerprint));
	side->candidate = STR("candidate:1 1 udp 2122194687 192.0.2.7 50623 typ host");
	side->encoding = (struct sdp_encoding){ .ssrc = 1001, .rtx_ssrc = 1002 };
	side->transport = (struct sdp_transport){
		.ufrag = STR("ours"),
		.pwd = STR("ourpwd7890123456789012"),
		.ice_options = STR("trickle"),
		.fingerprints = &side->fingerprint,
		.fingerprint_count = 1,
		.candidates = &side->candidate,
		.candidate_count = 1,
		.end_of_candidates = true,
		.max_message_size = 262144,
	};
	side->local = (struct sdp_local){
		.capabilities = &side->caps,
		.transport = &side->transport,
		.session_id = STR("4611731400430051336"),
		.session_version = 2,
		.wishes = side->wishes,
	};
}

void side_follow(struct sdp_side *side, const struct sdp_session *offer)
{
	side->local.wish_count = offer->media_count;
	for (size_t i = 0; i < offer->media_count; i++)
		side->wishes[i] = (struct sdp_wish){
			.kind = offer->media[i]->kind == SDP_OTHER ? SDP_APPLICATION : offer->media[i]->kind,
			.direction = SDP_SENDRECV,
			.track = STR("echo"),
			.cname = STR("cname"),
			.encodings = &side->encoding,
			.encoding_count = 1,
		};
}

struct sdp_wish *side_add(struct sdp_side *side, enum sdp_kind kind, const char *mid)
{
	struct sdp_wish *wish = &side->wishes[side->local.wish_count++];

	*wish = (struct sdp_wish){ .kind = kind,
				   .mid = str_of(mid),
				   .direction = SDP_SENDRECV,
				   .track = STR("track"),
				   .cname = STR("cname"),
				   .encodings = &side->encoding,
				   .encoding_count = 1 };
	return wish;
}

struct sdp_session *must_parse(const char *text)
{
	struct sdp_session *session = NULL;
	struct sdp_error err = { 0 };

	if (sdp_parse(&session, text, strlen(text), &err))
		fail_msg("line %zu: %s", err.line, err.message);
	return session;
}

void must_refuse(const char *text, wlk_err code, size_t line, const char *message)
{
	struct sdp_session *session = NULL;
	struct sdp_error err = { 0 };

	assert_int_equal(sdp_parse(&session, text, strlen(text), &err), code);
	assert_null(session);
	if (err.line != line || !strstr(err.message, message))
		fail_msg("line %zu \"%s\" instead of line %zu \"%s\"", err.line, err.message, line, message);
}

char *must_write(const struct sdp_session *session)
{
	struct text text;

	text_init(&text);
	assert_int_equal(sdp_write(session, &text), WLK_OK);
	return text_take(&text);
}

struct sdp_session *must_answer(const struct sdp_session *offer, const struct sdp_side *side)
{
	struct sdp_session *answer = NULL;
	struct sdp_error err = { 0 };

	if (sdp_check_offer(offer, &err) || sdp_make_answer(&answer, offer, &side->local, &err) ||
	    sdp_check_answer(offer, answer, &err))
		fail_msg("line %zu: %s", err.line, err.message);
	return answer;
}

struct sdp_session *must_offer(const struct sdp_side *side, const struct sdp_offer_options *options)
{
	struct sdp_session *offer = NULL;
	struct sdp_error err = { 0 };

	if (sdp_make_offer(&offer, &side->local, options, &err) || sdp_check_offer(offer, &err))
		fail_msg("line %zu: %s", err.line, err.message);
	return offer;
}

struct sdp_agreement *must_agree(const struct sdp_session *local, const struct sdp_session *remote, bool local_is_offer)
{
	struct sdp_agreement *agreement = NULL;
	struct sdp_error err = { 0 };

	if (sdp_agree(&agreement, local, remote, local_is_offer, &err))
		fail_msg("line %zu: %s", err.line, err.message);
	return agreement;
}

void must_not_check(const char *text, size_t line, const char *message)
{
	struct sdp_session *offer = must_parse(text);
	struct sdp_error err = { 0 };

	assert_int_equal(sdp_check_offer(offer, &err), WLK_ERR_NEGOTIATION);
	if (err.line != line || !strstr(err.message, message))
		fail_msg("line %zu \"%s\" instead of line %zu \"%s\"", err.line, err.message, line, message);
	sdp_session_destroy(offer);
}

static char *read_file(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	char *text = wlk_malloc(SDP_MAX_SIZE + 1);

	assert_non_null(file);
	assert_non_null(text);
	*size = fread(text, 1, SDP_MAX_SIZE, file);
	text[*size] = '\0';
	fclose(file);
	return text;
}

char *read_vector(const char *name, size_t *size)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s/sdp/%s", WLK_VECTORS, name);
	return read_file(path, size);
}

size_t each_vector(void (*fn)(const char *name, const char *text, size_t size))
{
	DIR *dir = opendir(WLK_VECTORS "/sdp");
	struct dirent *entry;
	size_t count = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		size_t size;
		char *text;

		if (!strstr(entry->d_name, ".sdp"))
			continue;
		text = read_vector(entry->d_name, &size);
		fn(entry->d_name, text, size);
		wlk_free(text);
		count++;
	}
	closedir(dir);
	return count;
}

bool contains(const char *text, const char *part)
{
	return strstr(text, part) != NULL;
}

size_t occurrences(const char *text, const char *part)
{
	size_t count = 0;

	for (const char *at = text; (at = strstr(at, part)); at += strlen(part))
		count++;
	return count;
}

void str_is(struct str s, const char *expected)
{
	if (s.size != strlen(expected) || (s.size && memcmp(s.at, expected, s.size)))
		fail_msg("\"%.*s\" instead of \"%s\"", STR_ARG(s), expected);
}
