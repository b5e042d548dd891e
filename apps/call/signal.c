#include "signal.h"

#include <curl/curl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_MAX = 320 << 10, TIMEOUT_S = 15 };

static char *to_json(const wlk_session_description *description)
{
	json_t *root = json_pack("{s:s,s:s}", "type", wlk_sdp_type_name(description->type), "sdp", description->sdp);
	char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;

	json_decref(root);
	return text;
}

static bool from_json(const char *text, wlk_session_description *out)
{
	json_error_t problem;
	json_t *root = json_loads(text, 0, &problem);
	const char *type = json_string_value(json_object_get(root, "type")), *sdp = json_string_value(json_object_get(root, "sdp"));

	bool known = type && sdp && (!strcmp(type, "offer") || !strcmp(type, "answer"));

	*out = (wlk_session_description){ 0 };
	if (known) {
		out->type = !strcmp(type, "offer") ? WLK_SDP_OFFER : WLK_SDP_ANSWER;
		out->sdp = strdup(sdp);
	}
	json_decref(root);
	if (!out->sdp)
		fprintf(stderr, "no session description: %.200s\n", text);
	return out->sdp;
}

/* ---- POST ---- */

struct body {
	char text[ANSWER_MAX + 1];
	size_t size;
};

static size_t on_body(char *data, size_t size, size_t count, void *user)
{
	struct body *body = user;

	if (count > ANSWER_MAX - body->size)
		return 0; /* ends the transfer */
	memcpy(body->text + body->size, data, size * count);
	body->size += size * count;
	body->text[body->size] = 0;
	return count;
}

static bool transfer(CURL *curl, const char *url, const char *json, struct body *body)
{
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	long status = 0;
	CURLcode code;

	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, json);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_slist_free_all(headers);
	if (code == CURLE_OK && status / 100 == 2)
		return true;
	fprintf(stderr, "%s: %s (%ld) %.200s\n", url, curl_easy_strerror(code), status, body->text);
	return false;
}

/* "http://host:8080" and "http://host:8080/" mean the echo peer's call; anything longer is taken as it is. */
static char *endpoint(const char *url)
{
	const char *host = strstr(url, "://"), *path = host ? strchr(host + 3, '/') : NULL;
	size_t base = path ? (size_t)(path - url) : strlen(url);
	char *out;

	if (path && path[1])
		return strdup(url);
	out = malloc(base + sizeof("/offer"));
	if (out) {
		memcpy(out, url, base);
		memcpy(out + base, "/offer", sizeof("/offer"));
	}
	return out;
}

bool signal_post(const char *url, const char *offer, wlk_session_description *answer)
{
	const wlk_session_description description = { .type = WLK_SDP_OFFER, .sdp = offer };
	char *json = to_json(&description), *where = endpoint(url);
	struct body *body = calloc(1, sizeof(*body));
	CURL *curl = curl_easy_init();
	bool done = json && where && body && curl && transfer(curl, where, json, body) && from_json(body->text, answer);

	curl_easy_cleanup(curl);
	free(body);
	free(where);
	free(json);
	return done;
}

/* ---- by hand ---- */

bool signal_print(const wlk_session_description *description)
{
	char *json = to_json(description);
	bool done = json && puts(json) >= 0 && !fflush(stdout);

	free(json);
	return done;
}

bool signal_read(wlk_session_description *out)
{
	char *line = NULL;
	size_t capacity = 0;
	bool done = getline(&line, &capacity, stdin) > 0 && from_json(line, out);

	free(line);
	return done;
}
