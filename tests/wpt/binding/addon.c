/*
 * The Node addon: <wirelark/...> as flat functions, and Wirelark's loop inside Node's. Everything runs on the thread of
 * JavaScript: libuv watches the loop's descriptor and its deadline, and dispatches.
 */
#include <stdlib.h>
#include <uv.h>

#include "event.h"

static struct {
	napi_env env;
	wlk_loop *loop;
	uv_poll_t poll;
	uv_timer_t timer;
	uv_prepare_t prepare;
	bool is_dispatching; /* events are being told: those of a call inside come with the same round */
} addon;

static void dispatch(void)
{
	napi_handle_scope scope;

	if (addon.is_dispatching)
		return;
	addon.is_dispatching = true;
	napi_open_handle_scope(addon.env, &scope);
	if (wlk_loop_dispatch(addon.loop))
		abort();
	napi_close_handle_scope(addon.env, scope);
	addon.is_dispatching = false;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	(void)poll;
	(void)status;
	(void)events;
	dispatch();
}

static void on_timer(uv_timer_t *timer)
{
	(void)timer;
	dispatch();
}

/* Before each wait of libuv: what the calls of this round set off, and when to look next. */
static void on_prepare(uv_prepare_t *prepare)
{
	wlk_time deadline, now = (wlk_time)(uv_hrtime() / 1000);

	(void)prepare;
	deadline = wlk_loop_deadline(addon.loop);
	if (deadline == WLK_TIME_NEVER)
		uv_timer_stop(&addon.timer);
	else
		uv_timer_start(&addon.timer, on_timer, deadline <= now ? 0 : (uint64_t)(deadline - now + 999) / 1000, 0);
}

/* start(onEvent): onEvent(connection, event) is called for each event of each connection. */
static napi_value start(struct call *call)
{
	wlk_err err = wlk_loop_create(NULL, &addon.loop);
	uv_loop_t *uv;

	if (err)
		return call_result(call, NULL, err);
	addon.env = call->env;
	event_set_handler(call->env, call_arg(call, 0));
	napi_get_uv_event_loop(call->env, &uv);
	uv_poll_init(uv, &addon.poll, wlk_loop_fd(addon.loop));
	uv_poll_start(&addon.poll, UV_READABLE, on_readable);
	uv_timer_init(uv, &addon.timer);
	uv_prepare_init(uv, &addon.prepare);
	uv_prepare_start(&addon.prepare, on_prepare);
	/* None of them keeps Node alive: a case that waits for nothing else has its own time limit. */
	uv_unref((uv_handle_t *)&addon.poll);
	uv_unref((uv_handle_t *)&addon.timer);
	uv_unref((uv_handle_t *)&addon.prepare);
	return make_undefined(call->env);
}

/* stop(): ends the loop and all of its connections; a leak shows at the end of the process. */
static napi_value stop(struct call *call)
{
	uv_poll_stop(&addon.poll);
	uv_timer_stop(&addon.timer);
	uv_prepare_stop(&addon.prepare);
	wlk_loop_destroy(addon.loop);
	addon.loop = NULL;
	return make_undefined(call->env);
}

static napi_value dispatch_call(struct call *call)
{
	dispatch();
	return make_undefined(call->env);
}

wlk_loop *addon_loop(void)
{
	return addon.loop;
}

static const struct call_entry addon_calls[] = {
	{ "start", start },
	{ "stop", stop },
	{ "dispatch", dispatch_call },
	{ NULL, NULL },
};

static napi_value init(napi_env env, napi_value exports)
{
	call_export(env, exports, addon_calls);
	call_export(env, exports, connection_calls);
	call_export(env, exports, description_calls);
	call_export(env, exports, certificate_calls);
	call_export(env, exports, channel_calls);
	call_export(env, exports, rtp_calls);
	call_export(env, exports, transport_calls);
	call_export(env, exports, parameter_calls);
	return exports;
}

NAPI_MODULE(wirelark, init)
