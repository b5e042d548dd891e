#include "signal.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "interrupt.h"

enum { ANSWER_MAX = 320 << 10, CONNECT_S = 10, TIMEOUT_S = 40, REASON_MAX = 200 };

char *signal_to_json(const wlk_session_description *description)
{
	json_t *root = json_pack("{s:s,s:s}", "type", wlk_sdp_type_name(description->type), "sdp", description->sdp);
	char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;

	json_decref(root);
	return text;
}

bool signal_from_json(const char *text, wlk_session_description *out)
{
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	const char *type = json_string_value(json_object_get(root, "type")), *sdp = json_string_value(json_object_get(root, "sdp"));
	bool known = type && sdp && (!strcmp(type, "offer") || !strcmp(type, "answer"));

	*out = (wlk_session_description){ 0 };
	if (known) {
		out->type = !strcmp(type, "offer") ? WLK_SDP_OFFER : WLK_SDP_ANSWER;
		out->sdp = strdup(sdp);
	}
	json_decref(root);
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

static int on_progress(void *user, curl_off_t total, curl_off_t now, curl_off_t upload_total, curl_off_t upload)
{
	(void)user, (void)total, (void)now, (void)upload_total, (void)upload;
	return interrupted(); /* not 0 ends the transfer */
}

/* The first line, which is where a server gives its reason, as far as it is text. */
static void say_refusal(const char *url, long status, const struct body *body)
{
	int size = 0;

	while (size < REASON_MAX && body->text[size] >= ' ' && body->text[size] != 0x7f)
		size++;
	fprintf(stderr, "%s refuses: %ld %.*s\n", url, status, size, body->text);
}

static bool transfer(CURL *curl, const char *url, const char *json, struct body *body)
{
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	char problem[CURL_ERROR_SIZE] = "";
	long status = 0;
	CURLcode code;

	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, json);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, problem);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_slist_free_all(headers);
	if (code == CURLE_OK && status / 100 == 2)
		return true;
	if (code == CURLE_OK)
		say_refusal(url, status, body);
	else if (!interrupted())
		fprintf(stderr, "%s: %s\n", url, *problem ? problem : curl_easy_strerror(code));
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

/* By curl's own reading of the URL, so that "127.0.0.1@host" and "localhost.host" deceive nobody. */
bool signal_is_loopback(const char *url)
{
	CURLU *parts = curl_url();
	struct in_addr v4;
	char *host = NULL;
	bool out = false;

	if (parts && !curl_url_set(parts, CURLUPART_URL, url, CURLU_GUESS_SCHEME) && !curl_url_get(parts, CURLUPART_HOST, &host, 0))
		out = !strcasecmp(host, "localhost") || !strcmp(host, "[::1]") ||
		      (inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127);
	curl_free(host);
	curl_url_cleanup(parts);
	return out;
}

bool signal_post(const char *url, const wlk_session_description *offer, wlk_session_description *answer)
{
	char *json = signal_to_json(offer), *where = endpoint(url);
	struct body *body = calloc(1, sizeof(*body));
	CURL *curl = curl_easy_init();
	bool done = json && where && body && curl && transfer(curl, where, json, body);

	if (done && !signal_from_json(body->text, answer)) {
		fprintf(stderr, "%s: what came back is no answer\n", where);
		done = false;
	}
	curl_easy_cleanup(curl);
	free(body);
	free(where);
	free(json);
	return done;
}

/* ---- by hand ---- */

bool signal_print(const wlk_session_description *description)
{
	char *json = signal_to_json(description);
	bool done = json && puts(json) >= 0 && !fflush(stdout);

	free(json);
	return done;
}

bool signal_read(wlk_session_description *out)
{
	char *line = NULL;
	size_t capacity = 0;
	bool came = getline(&line, &capacity, stdin) > 0, done = came && signal_from_json(line, out);

	if (!done && !interrupted())
		fprintf(stderr, came ? "what was read is no session description in one line of JSON\n" : "no session description came\n");
	free(line);
	return done;
}
