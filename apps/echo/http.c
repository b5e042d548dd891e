#include "http.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "deadlines.h"
#include "page.h"
#include "rate.h"

enum {
	MAX_SDP_BODY = 256 * 1024,
	MAX_JSON_BODY = 320 * 1024,
	HEADER_MEMORY = 8 * 1024 + 4 * 1024, /* 8 KB of request header, and room for our own reply header */
	MAX_CONNECTIONS = 256,
	IDLE_SECONDS = 15,
};

struct http_server {
	struct MHD_Daemon *daemon;
	const struct echo_options *options;
	wlk_loop *loop;
	struct sessions *sessions;
	struct rate_limiter *rate;
	struct deadlines *deadlines;
	char *cert, *key;
	pthread_mutex_t hand_over; /* between handing a request over and saying that none will be any more */
	bool is_stopping;
};

enum route { ROUTE_NONE, ROUTE_PAGE, ROUTE_OFFER, ROUTE_WHIP, ROUTE_WHIP_SESSION };

/* One request, from its first header to its reply. */
struct request {
	struct http_server *server;
	struct MHD_Connection *connection;
	enum route route;
	char *id; /* session named by the URL or by the body */
	char *body;
	size_t size, capacity, limit;
	bool too_large;
	bool answered;
	json_t *json;
	/* the reply */
	unsigned status;
	char *text;
	const char *type;
	char *location, *etag;
};

/* ---- replies ---- */

static void cors_and_security(struct MHD_Response *response)
{
	MHD_add_response_header(response, "Cache-Control", "no-store");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
}

static enum MHD_Result reply_with(struct MHD_Connection *connection, unsigned status, const char *type, const char *text,
				  const char *allow)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, "Content-Type", type);
	if (allow)
		MHD_add_response_header(response, "Allow", allow);
	if (allow)
		MHD_add_response_header(response, "Accept-Post", "application/sdp");
	cors_and_security(response);
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned status, const char *reason)
{
	char line[512];

	snprintf(line, sizeof(line), "%s\n", reason);
	return reply_with(connection, status, "text/plain; charset=utf-8", line, NULL);
}

static enum MHD_Result refuse_method(struct MHD_Connection *connection, const char *allow)
{
	return reply_with(connection, 405, "text/plain; charset=utf-8", "the method is not allowed here\n", allow);
}

static enum MHD_Result send_answer(struct request *r)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(strlen(r->text), r->text, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, "Content-Type", r->type);
	if (r->location)
		MHD_add_response_header(response, "Location", r->location);
	if (r->etag)
		MHD_add_response_header(response, "ETag", r->etag);
	cors_and_security(response);
	result = MHD_queue_response(r->connection, r->status, response);
	MHD_destroy_response(response);
	return result;
}

/* ---- what the loop says ---- */

static char *json_answer(const struct session_result *result)
{
	json_t *json = json_pack("{s:s, s:s, s:s}", "type", "answer", "sdp", result->answer, "id", result->id);
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	return text;
}

static char *joined(const char *a, const char *b, const char *c)
{
	size_t size = strlen(a) + strlen(b) + strlen(c) + 1;
	char *out = malloc(size);

	if (out)
		snprintf(out, size, "%s%s%s", a, b, c);
	return out;
}

static void set_reply(struct request *r, unsigned status, const char *type, char *text)
{
	r->status = text ? status : 503;
	r->type = text ? type : "text/plain; charset=utf-8";
	r->text = text ? text : strdup("out of memory\n");
}

/* On the loop's thread. */
static void on_result(const struct session_result *result, void *user)
{
	struct request *r = user;

	if (!result->answer) {
		set_reply(r, result->status, "text/plain; charset=utf-8", joined(result->reason, "\n", ""));
	} else if (r->route == ROUTE_OFFER) {
		set_reply(r, result->status, "application/json", json_answer(result));
	} else {
		set_reply(r, result->status, "application/sdp", strdup(result->answer));
		r->location = joined("/whip/", result->id, "");
		r->etag = joined("\"", result->id, "\"");
	}
	r->answered = true;
	MHD_resume_connection(r->connection);
}

static void offer_on_loop(void *user)
{
	struct request *r = user;
	bool json = r->route == ROUTE_OFFER;

	sessions_offer(r->server->sessions, json ? SESSION_ECHO : SESSION_WHIP, r->id,
		       json ? json_string_value(json_object_get(r->json, "sdp")) : r->body, json_object_get(r->json, "channels"),
		       on_result, r);
}

static void end_on_loop(void *user)
{
	struct request *r = user;
	bool ended = sessions_end(r->server->sessions, SESSION_WHIP, r->id);

	set_reply(r, ended ? 200 : 404, "text/plain; charset=utf-8", strdup(ended ? "ended\n" : "no session has this id\n"));
	r->answered = true;
	MHD_resume_connection(r->connection);
}

static enum MHD_Result hand_over(struct request *r, void (*fn)(void *))
{
	struct http_server *server = r->server;
	enum MHD_Result result = MHD_YES;

	pthread_mutex_lock(&server->hand_over);
	if (server->is_stopping) {
		result = refuse(r->connection, 503, "the server ends");
	} else {
		MHD_suspend_connection(r->connection);
		if (wlk_loop_post(server->loop, fn, r)) {
			set_reply(r, 503, "text/plain; charset=utf-8", strdup("out of memory\n"));
			r->answered = true;
			MHD_resume_connection(r->connection);
		}
	}
	pthread_mutex_unlock(&server->hand_over);
	return result;
}

/* ---- what is asked ---- */

static const char *header(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* The media type without parameters, in any case. */
static bool has_type(struct MHD_Connection *connection, const char *type)
{
	const char *value = header(connection, "Content-Type");
	size_t size = strlen(type);

	return value && !strncasecmp(value, type, size) && (value[size] == '\0' || value[size] == ';' || value[size] == ' ');
}

/* In constant time with regard to the bytes (R36); only the length shows. */
static bool token_equal(const char *a, const char *b)
{
	size_t size = strlen(a);
	volatile unsigned char different = 0;

	if (size != strlen(b))
		return false;
	for (size_t i = 0; i < size; i++)
		different |= (unsigned char)(a[i] ^ b[i]);
	return different == 0;
}

static bool authorised(const struct request *r)
{
	const char *value = header(r->connection, "Authorization");

	if (!r->server->options->token)
		return true;
	return value && !strncasecmp(value, "Bearer ", 7) && token_equal(value + 7, r->server->options->token);
}

static const struct sockaddr *client_of(struct MHD_Connection *connection)
{
	return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
}

static enum route route_of(const char *url, const char **id)
{
	*id = NULL;
	if (!strcmp(url, "/"))
		return ROUTE_PAGE;
	if (!strcmp(url, "/offer"))
		return ROUTE_OFFER;
	if (!strcmp(url, "/whip"))
		return ROUTE_WHIP;
	if (!strncmp(url, "/whip/", 6) && strlen(url + 6) == SESSION_ID_SIZE - 1) {
		*id = url + 6;
		return ROUTE_WHIP_SESSION;
	}
	return ROUTE_NONE;
}

/* A JSON body into r->json and r->id; the reason when it will not do. */
static const char *read_json(struct request *r)
{
	const char *type;

	r->json = json_loadb(r->body ? r->body : "", r->size, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(r->json))
		return "the body is no JSON object";
	type = json_string_value(json_object_get(r->json, "type"));
	if (!type || strcmp(type, "offer") != 0)
		return "\"type\" has to be \"offer\"";
	if (!json_is_string(json_object_get(r->json, "sdp")))
		return "\"sdp\" has to be a string";
	if (json_object_get(r->json, "id") && !json_is_string(json_object_get(r->json, "id")))
		return "\"id\" has to be a string";
	if (json_object_get(r->json, "channels") && !json_is_array(json_object_get(r->json, "channels")))
		return "\"channels\" has to be an array";
	if (json_object_get(r->json, "id"))
		r->id = strdup(json_string_value(json_object_get(r->json, "id")));
	return NULL;
}

static enum MHD_Result finish_offer(struct request *r)
{
	const char *problem = read_json(r);

	if (problem)
		return refuse(r->connection, 400, problem);
	if (!r->id && !rate_limiter_take(r->server->rate, client_of(r->connection)))
		return refuse(r->connection, 429, "too many new sessions from this address");
	return hand_over(r, offer_on_loop);
}

static enum MHD_Result finish_whip(struct request *r)
{
	if (!r->size || memchr(r->body, '\0', r->size))
		return refuse(r->connection, 400, "the body is no session description");
	if (!rate_limiter_take(r->server->rate, client_of(r->connection)))
		return refuse(r->connection, 429, "too many new sessions from this address");
	return hand_over(r, offer_on_loop);
}

/* ---- the request's course ---- */

static bool is_method(const char *method, const char *wanted)
{
	return !strcmp(method, wanted);
}

/* Judge what needs no body: 0 goes on reading, otherwise a reply was queued (or failed, MHD_NO). */
static bool reply_early(struct request *r, const char *method, enum MHD_Result *result)
{
	bool post = is_method(method, MHD_HTTP_METHOD_POST);
	struct MHD_Connection *c = r->connection;

	if (header(c, "Content-Length") && header(c, "Transfer-Encoding")) {
		*result = refuse(c, 400, "Content-Length and Transfer-Encoding exclude each other");
		return true;
	}
	switch (r->route) {
	case ROUTE_NONE:
		*result = refuse(c, 404, "there is nothing here");
		return true;
	case ROUTE_PAGE:
		if (is_method(method, MHD_HTTP_METHOD_GET) || is_method(method, MHD_HTTP_METHOD_HEAD))
			*result = reply_with(c, 200, "text/html; charset=utf-8", (const char *)echo_page, NULL);
		else
			*result = refuse_method(c, "GET, HEAD");
		return true;
	case ROUTE_OFFER:
		if (!post)
			*result = refuse_method(c, "POST");
		else if (!has_type(c, "application/json"))
			*result = refuse(c, 415, "the body has to be application/json");
		return !post || !has_type(c, "application/json");
	case ROUTE_WHIP:
		if (is_method(method, MHD_HTTP_METHOD_OPTIONS))
			*result = reply_with(c, 200, "text/plain; charset=utf-8", "", "POST, OPTIONS");
		else if (!post)
			*result = refuse_method(c, "POST, OPTIONS");
		else if (!authorised(r))
			*result = refuse(c, 401, "a bearer token is needed");
		else if (!has_type(c, "application/sdp"))
			*result = refuse(c, 415, "the body has to be application/sdp");
		else
			return false;
		return true;
	case ROUTE_WHIP_SESSION:
		if (is_method(method, MHD_HTTP_METHOD_OPTIONS))
			*result = reply_with(c, 200, "text/plain; charset=utf-8", "", "DELETE, OPTIONS");
		else if (!is_method(method, MHD_HTTP_METHOD_DELETE))
			*result = refuse_method(c, "DELETE, OPTIONS");
		else if (!authorised(r))
			*result = refuse(c, 401, "a bearer token is needed");
		else
			return false;
		return true;
	}
	return false;
}

static void append(struct request *r, const char *data, size_t size)
{
	if (r->too_large || size > r->limit - r->size) {
		r->too_large = true;
		return;
	}
	if (r->size + size + 1 > r->capacity) {
		size_t capacity = (r->size + size + 1) * 2;
		char *body = realloc(r->body, capacity);

		if (!body) {
			r->too_large = true;
			return;
		}
		r->body = body;
		r->capacity = capacity;
	}
	memcpy(r->body + r->size, data, size);
	r->size += size;
	r->body[r->size] = '\0';
}

static struct request *request_new(struct http_server *server, struct MHD_Connection *connection, const char *url)
{
	struct request *r = calloc(1, sizeof(*r));
	const char *id;

	if (!r)
		return NULL;
	r->server = server;
	r->connection = connection;
	r->route = route_of(url, &id);
	r->limit = r->route == ROUTE_OFFER ? MAX_JSON_BODY : MAX_SDP_BODY;
	if (id && !(r->id = strdup(id))) {
		free(r);
		return NULL;
	}
	return r;
}

static enum MHD_Result on_request(void *user, struct MHD_Connection *connection, const char *url, const char *method,
				  const char *version, const char *data, size_t *data_size, void **state)
{
	struct request *r = *state;
	enum MHD_Result result = MHD_NO;

	(void)version;
	if (!r) { /* the header is complete */
		const char *length;

		r = request_new(user, connection, url);
		if (!r)
			return MHD_NO;
		*state = r;
		deadlines_header_done(r->server->deadlines, connection);
		length = header(connection, "Content-Length");
		if (length && strtoull(length, NULL, 10) > r->limit)
			return refuse(connection, 413, "the body is too large");
		return reply_early(r, method, &result) ? result : MHD_YES;
	}
	if (r->answered)
		return send_answer(r);
	if (*data_size) {
		append(r, data, *data_size);
		*data_size = 0;
		return MHD_YES;
	}
	deadlines_request_done(r->server->deadlines, connection);
	if (r->too_large)
		return refuse(connection, 413, "the body is too large");
	switch (r->route) {
	case ROUTE_OFFER:
		return finish_offer(r);
	case ROUTE_WHIP:
		return finish_whip(r);
	case ROUTE_WHIP_SESSION:
		return hand_over(r, end_on_loop);
	default:
		return MHD_NO; /* replied to early: MHD does not come back for these */
	}
}

static void on_completed(void *user, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode code)
{
	struct http_server *server = user;
	struct request *r = *state;

	(void)code;
	deadlines_next_request(server->deadlines, connection);
	if (!r)
		return;
	json_decref(r->json);
	free(r->id);
	free(r->body);
	free(r->text);
	free(r->location);
	free(r->etag);
	free(r);
	*state = NULL;
}

/* ---- life ---- */

static char *read_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	char *text = file ? calloc(1, 65536) : NULL;

	if (text && !fread(text, 1, 65535, file)) {
		free(text);
		text = NULL;
	}
	if (file)
		fclose(file);
	return text;
}

static bool bind_address(const struct echo_options *options, struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, options->bind, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(options->port);
		return true;
	}
	if (inet_pton(AF_INET6, options->bind, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(options->port);
		return true;
	}
	return false;
}

static const char *listen_on(struct http_server *server)
{
	const struct echo_options *o = server->options;
	unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME;
	struct sockaddr_storage address;
	struct MHD_OptionItem tls[3] = { { MHD_OPTION_END, 0, NULL } };

	if (!bind_address(o, &address))
		return "--bind is no IP address";
	if (address.ss_family == AF_INET6)
		flags |= MHD_USE_IPv6;
	if (o->cert) {
		server->cert = read_file(o->cert);
		server->key = read_file(o->key);
		if (!server->cert || !server->key)
			return "--cert or --key cannot be read";
		flags |= MHD_USE_TLS;
		tls[0] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_CERT, 0, server->cert };
		tls[1] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_KEY, 0, server->key };
		tls[2] = (struct MHD_OptionItem){ MHD_OPTION_END, 0, NULL };
	}
	server->daemon = MHD_start_daemon(
		flags, o->port, NULL, NULL, on_request, server, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_NOTIFY_COMPLETED,
		on_completed, server, MHD_OPTION_NOTIFY_CONNECTION, deadlines_on_connection, server->deadlines, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)MAX_CONNECTIONS, MHD_OPTION_PER_IP_CONNECTION_LIMIT, o->max_per_ip, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned)IDLE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADER_MEMORY, MHD_OPTION_LISTENING_ADDRESS_REUSE,
		1u, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
	return server->daemon ? NULL : "the HTTP server cannot listen there";
}

struct http_server *http_server_start(const struct echo_options *options, wlk_loop *loop, struct sessions *sessions,
				      const char **problem)
{
	struct http_server *server = calloc(1, sizeof(*server));

	*problem = "out of memory";
	if (!server)
		return NULL;
	server->options = options;
	server->loop = loop;
	server->sessions = sessions;
	pthread_mutex_init(&server->hand_over, NULL);
	server->rate = rate_limiter_create(options->max_rate);
	server->deadlines = deadlines_create();
	if (server->rate && server->deadlines)
		*problem = listen_on(server);
	if (*problem) {
		http_server_stop(server);
		return NULL;
	}
	return server;
}

uint16_t http_server_port(const struct http_server *server)
{
	return MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}

void http_server_refuse(struct http_server *server)
{
	pthread_mutex_lock(&server->hand_over);
	server->is_stopping = true;
	pthread_mutex_unlock(&server->hand_over);
}

void http_server_stop(struct http_server *server)
{
	if (!server)
		return;
	if (server->daemon)
		MHD_stop_daemon(server->daemon);
	deadlines_destroy(server->deadlines);
	rate_limiter_destroy(server->rate);
	free(server->cert);
	free(server->key);
	pthread_mutex_destroy(&server->hand_over);
	free(server);
}
