#include "listener.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "apps/echo/deadlines.h"
#include "signal.h"

/* The limits of R36 that one call needs. */
enum { BODY_MAX = 320 << 10, HEADER_MEMORY = 12 << 10, CONNECTIONS = 16, IDLE_S = 15 };

struct request;

struct listener {
	struct MHD_Daemon *daemon;
	struct deadlines *deadlines; /* of headers and bodies that come byte by byte */
	wlk_session_description offer;
	struct request *caller; /* whose offer it is */
	bool taken;             /* nobody else may call */
};

/* One request, from its first header to its reply. */
struct request {
	struct MHD_Connection *connection;
	char *body;
	size_t size;
	bool too_large;
	unsigned status; /* of the reply, 0: not decided */
	char *reply;
	const char *type;
};

/* ---- replies ---- */

static enum MHD_Result reply(struct MHD_Connection *connection, unsigned status, const char *type, const char *text)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, "Content-Type", type);
	MHD_add_response_header(response, "Cache-Control", "no-store");
	if (status == 405)
		MHD_add_response_header(response, "Allow", "POST");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned status, const char *reason)
{
	return reply(connection, status, "text/plain; charset=utf-8", reason);
}

/* |text| is taken over; NULL: there was no memory for it. */
static void decide(struct listener *l, unsigned status, const char *type, char *text)
{
	if (!l->caller) { /* it has hung up */
		free(text);
		return;
	}
	l->caller->status = text ? status : 503;
	l->caller->type = text ? type : "text/plain; charset=utf-8";
	l->caller->reply = text ? text : strdup("out of memory\n");
	MHD_resume_connection(l->caller->connection);
	l->caller = NULL;
}

/* ---- requests ---- */

static bool is_json(struct MHD_Connection *connection)
{
	const char *type = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Type");
	size_t size = strlen("application/json");

	return type && !strncasecmp(type, "application/json", size) && (!type[size] || strchr("; ", type[size]));
}

/* What needs no body: MHD_YES goes on reading unless a reply was queued. */
static enum MHD_Result begin(struct listener *l, struct MHD_Connection *connection, const char *url, const char *method, void **state)
{
	struct request *r;

	deadlines_header_done(l->deadlines, connection);
	if (strcmp(url, "/offer") != 0)
		return refuse(connection, 404, "there is nothing here: POST /offer\n");
	if (strcmp(method, "POST") != 0)
		return refuse(connection, 405, "the method is not allowed here\n");
	/* Pages say where they come from, programs do not; a page must not get a call that is answered by itself. */
	if (MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Origin"))
		return refuse(connection, 403, "not for web pages\n");
	if (MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Length") &&
	    MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Transfer-Encoding"))
		return refuse(connection, 400, "a length and a transfer encoding\n");
	if (!is_json(connection))
		return refuse(connection, 415, "the body has to be application/json\n");
	if (l->taken)
		return refuse(connection, 503, "a call is going on\n");
	r = calloc(1, sizeof(*r));
	if (!r)
		return MHD_NO;
	r->connection = connection;
	*state = r;
	return MHD_YES;
}

/* What is too much is read and forgotten, so that the reply is heard. */
static void append(struct request *r, const char *data, size_t size)
{
	char *body = !r->too_large && size <= BODY_MAX - r->size ? realloc(r->body, r->size + size + 1) : NULL;

	r->too_large |= !body;
	if (!body)
		return;
	memcpy(body + r->size, data, size);
	r->body = body;
	r->size += size;
	r->body[r->size] = 0;
}

static enum MHD_Result take_offer(struct listener *l, struct request *r)
{
	deadlines_request_done(l->deadlines, r->connection);
	if (l->taken)
		return refuse(r->connection, 503, "a call is going on\n");
	if (r->too_large)
		return refuse(r->connection, 413, "the body is too large\n");
	if (!r->body || !signal_from_json(r->body, &l->offer))
		return refuse(r->connection, 400, "the body has to be {\"type\":\"offer\",\"sdp\":\"...\"}\n");
	l->taken = true;
	l->caller = r;
	MHD_suspend_connection(r->connection);
	return MHD_YES;
}

static enum MHD_Result on_request(void *user, struct MHD_Connection *connection, const char *url, const char *method,
				  const char *version, const char *data, size_t *size, void **state)
{
	struct request *r = *state;

	(void)version;
	if (!r)
		return begin(user, connection, url, method, state);
	if (*size) {
		append(r, data, *size);
		*size = 0;
		return MHD_YES;
	}
	return r->status ? reply(connection, r->status, r->type, r->reply ? r->reply : "") : take_offer(user, r);
}

static void on_completed(void *user, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode code)
{
	struct listener *l = user;
	struct request *r = *state;

	(void)code;
	deadlines_next_request(l->deadlines, connection);
	if (!r)
		return;
	if (l->caller == r)
		l->caller = NULL;
	free(r->body);
	free(r->reply);
	free(r);
	*state = NULL;
}

/* ---- life ---- */

/* "8080", "127.0.0.1:8080" or "[::1]:8080". */
static bool address_of(const char *where, struct sockaddr_storage *out, char host[64])
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
	const char *colon = strrchr(where, ':'), *digits = colon ? colon + 1 : where;
	size_t size = colon ? (size_t)(colon - where) : 0;
	bool bracketed = size > 2 && where[0] == '[' && where[size - 1] == ']';
	char *end;
	unsigned long port = strtoul(digits, &end, 10);

	if (*digits < '0' || *digits > '9' || *end || port > 65535 || size >= 64)
		return false;
	memset(out, 0, sizeof(*out));
	snprintf(host, 64, "%.*s", colon ? (int)(bracketed ? size - 2 : size) : 9, colon ? where + bracketed : "127.0.0.1");
	out->ss_family = bracketed ? AF_INET6 : AF_INET;
	if (bracketed)
		v6->sin6_port = htons((uint16_t)port);
	else
		v4->sin_port = htons((uint16_t)port);
	return inet_pton(out->ss_family, host, bracketed ? (void *)&v6->sin6_addr : (void *)&v4->sin_addr) == 1;
}

bool listener_is_loopback(const char *where)
{
	return !strchr(where, ':') || !strncmp(where, "127.", 4) || !strncmp(where, "[::1]", 5);
}

struct listener *listener_open(const char *where)
{
	struct listener *l = calloc(1, sizeof(*l));
	struct sockaddr_storage address;
	char host[64];
	bool is_v6;

	if (!l || !address_of(where, &address, host)) {
		fprintf(stderr, "--listen: '%s' is no port, 127.0.0.1:PORT or [::1]:PORT\n", where);
		free(l);
		return NULL;
	}
	is_v6 = address.ss_family == AF_INET6;
	l->deadlines = deadlines_create();
	if (l->deadlines)
		l->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (is_v6 ? MHD_USE_IPv6 : 0), 0, NULL, NULL, on_request, l,
					     MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_NOTIFY_COMPLETED, on_completed, l,
					     MHD_OPTION_NOTIFY_CONNECTION, deadlines_on_connection, l->deadlines, MHD_OPTION_CONNECTION_LIMIT,
					     (unsigned)CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S,
					     MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADER_MEMORY,
					     MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_END);
	if (!l->daemon) {
		fprintf(stderr, "--listen: nothing can be served at %s\n", where);
		deadlines_destroy(l->deadlines);
		free(l);
		return NULL;
	}
	printf("http://%s%s%s:%u/\n", is_v6 ? "[" : "", host, is_v6 ? "]" : "",
	       (unsigned)MHD_get_daemon_info(l->daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
	fflush(stdout);
	return l;
}

void listener_close(struct listener *l)
{
	if (!l)
		return;
	decide(l, 503, "text/plain; charset=utf-8", strdup("the program ends\n"));
	MHD_run(l->daemon);
	MHD_stop_daemon(l->daemon);
	deadlines_destroy(l->deadlines);
	free((char *)(uintptr_t)l->offer.sdp);
	free(l);
}

void listener_run(struct listener *l)
{
	MHD_run(l->daemon);
}

const wlk_session_description *listener_offer(const struct listener *l)
{
	return l->offer.sdp ? &l->offer : NULL;
}

void listener_answer(struct listener *l, const wlk_session_description *answer)
{
	decide(l, 200, "application/json", signal_to_json(answer));
}

void listener_refuse(struct listener *l, const char *problem)
{
	char *line = malloc(strlen(problem) + 2);

	if (line)
		sprintf(line, "%s\n", problem);
	decide(l, 400, "text/plain; charset=utf-8", line);
	free((char *)(uintptr_t)l->offer.sdp);
	l->offer = (wlk_session_description){ 0 };
	l->taken = false;
}
