#include "window.h"

#include <SDL.h>
#include <stdio.h>

#include "layout.h"

/* OWN_MS: so long our own picture waits for one of the far end's, so that both are drawn at once. */
enum { WIDTH = 640, HEIGHT = 480, OWN_MS = 50 };

/* A picture as the renderer has it. */
struct shown {
	SDL_Texture *texture; /* NULL: nothing to show */
	wlk_pixel_format format;
	struct layout_picture picture;
	bool mirrored;
};

struct window {
	SDL_Window *window;
	SDL_Renderer *renderer;
	struct shown remote, own;
	bool is_sized;   /* by the first picture, or by the user */
	bool is_changed; /* since it was drawn */
	Uint64 own_since; /* our own picture has changed since this moment; 0: it has not */
	bool is_full;
};

/* ---- life ---- */

/*
 * Surprises of SDL: it takes over SIGINT unless told not to. A window that does not wait for the screen is drawn in
 * a few milliseconds, which the loop on this thread can spare; one that does would keep packets waiting.
 */
static bool start(struct window *w, const char *title)
{
	SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
	SDL_SetHint(SDL_HINT_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR, "0");
	SDL_SetHint(SDL_HINT_RENDER_SCALE_QUALITY, "linear");
	if (SDL_InitSubSystem(SDL_INIT_VIDEO) < 0)
		return false;
	SDL_SetYUVConversionMode(SDL_YUV_CONVERSION_BT601);
	w->window = SDL_CreateWindow(title, SDL_WINDOWPOS_UNDEFINED, SDL_WINDOWPOS_UNDEFINED, WIDTH, HEIGHT, SDL_WINDOW_RESIZABLE);
	if (!w->window)
		return false;
	w->renderer = SDL_CreateRenderer(w->window, -1, 0);
	return w->renderer;
}

static void set_full(struct window *w, bool full)
{
	w->is_full = full;
	SDL_SetWindowFullscreen(w->window, full ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0);
	SDL_ShowCursor(full ? SDL_DISABLE : SDL_ENABLE);
}

struct window *window_open(const char *title, bool full_screen)
{
	struct window *w = SDL_calloc(1, sizeof(*w));

	if (!w || !start(w, title)) {
		fprintf(stderr, "no window: %s\n", SDL_GetError());
		window_close(w);
		return NULL;
	}
	if (full_screen)
		set_full(w, true);
	w->is_changed = true;
	return w;
}

void window_close(struct window *w)
{
	if (!w)
		return;
	if (w->remote.texture)
		SDL_DestroyTexture(w->remote.texture);
	if (w->own.texture)
		SDL_DestroyTexture(w->own.texture);
	if (w->renderer)
		SDL_DestroyRenderer(w->renderer);
	if (w->window)
		SDL_DestroyWindow(w->window);
	SDL_free(w);
	SDL_QuitSubSystem(SDL_INIT_VIDEO);
}

/* ---- pictures ---- */

static void drop(struct shown *s)
{
	if (s->texture)
		SDL_DestroyTexture(s->texture);
	*s = (struct shown){ NULL };
}

static void take(struct window *w, struct shown *s, const wlk_video_frame *f)
{
	bool is_nv12 = f->format == WLK_PIXEL_FORMAT_NV12;

	if (s->texture && (s->picture.width != f->width || s->picture.height != f->height || s->format != f->format))
		drop(s);
	if (!s->texture)
		s->texture = SDL_CreateTexture(w->renderer, is_nv12 ? SDL_PIXELFORMAT_NV12 : SDL_PIXELFORMAT_IYUV,
					       SDL_TEXTUREACCESS_STREAMING, (int)f->width, (int)f->height);
	if (!s->texture)
		return;
	s->picture = (struct layout_picture){ f->width, f->height, f->rotation };
	s->format = f->format;
	if (is_nv12)
		SDL_UpdateNVTexture(s->texture, NULL, f->data[0], (int)f->stride[0], f->data[1], (int)f->stride[1]);
	else
		SDL_UpdateYUVTexture(s->texture, NULL, f->data[0], (int)f->stride[0], f->data[1], (int)f->stride[1], f->data[2],
				     (int)f->stride[2]);
}

static void fit_to(struct window *w, const struct layout_picture *picture)
{
	int display = SDL_GetWindowDisplayIndex(w->window);
	SDL_Rect screen;
	struct layout_rect size;

	w->is_sized = true;
	if (w->is_full || SDL_GetDisplayUsableBounds(display, &screen) < 0)
		return;
	size = layout_window(screen.w, screen.h, *picture);
	SDL_SetWindowSize(w->window, size.width, size.height);
}

void window_show_remote(struct window *w, const wlk_video_frame *frame)
{
	take(w, &w->remote, frame);
	w->is_changed = true;
	if (!w->is_sized && w->remote.texture)
		fit_to(w, &w->remote.picture);
}

void window_show_own(struct window *w, const wlk_video_frame *frame, bool mirrored)
{
	if (frame)
		take(w, &w->own, frame);
	else if (w->own.texture)
		drop(&w->own);
	w->own.mirrored = mirrored;
	if (!w->own_since)
		w->own_since = SDL_GetTicks64() + 1; /* never 0 */
}

void window_set_title(struct window *w, const char *title)
{
	SDL_SetWindowTitle(w->window, title);
}

/* ---- drawing ---- */

static void draw_at(struct window *w, const struct shown *s, struct layout_rect upright)
{
	struct layout_rect r = layout_before_turn(upright, s->picture.rotation);
	SDL_Rect to = { r.x, r.y, r.width, r.height };
	/* Mirrored is said of what stands upright. */
	SDL_RendererFlip lying = s->picture.rotation % 180 ? SDL_FLIP_VERTICAL : SDL_FLIP_HORIZONTAL;

	if (s->texture && to.w > 0)
		SDL_RenderCopyEx(w->renderer, s->texture, NULL, &to, s->picture.rotation, NULL, s->mirrored ? lying : SDL_FLIP_NONE);
}

static void draw_frame(struct window *w, struct layout_rect r)
{
	SDL_Rect around = { r.x - 1, r.y - 1, r.width + 2, r.height + 2 };

	if (!w->own.texture || r.width <= 0)
		return;
	SDL_SetRenderDrawColor(w->renderer, 255, 255, 255, 255);
	SDL_RenderDrawRect(w->renderer, &around);
}

static void draw(struct window *w)
{
	int width, height;
	struct layout_rect corner;

	w->is_changed = false;
	w->own_since = 0;
	if (SDL_GetRendererOutputSize(w->renderer, &width, &height) < 0)
		return;
	corner = layout_corner(width, height, w->own.picture);
	SDL_SetRenderDrawColor(w->renderer, 0, 0, 0, 255);
	SDL_RenderClear(w->renderer);
	draw_at(w, &w->remote, layout_fit(width, height, w->remote.picture));
	draw_at(w, &w->own, corner);
	draw_frame(w, corner);
	SDL_RenderPresent(w->renderer);
}

/* ---- the user ---- */

static unsigned on_key(struct window *w, SDL_Keycode key)
{
	switch (key) {
	case SDLK_q:
		return WINDOW_HANG_UP;
	case SDLK_m:
		return WINDOW_MUTE;
	case SDLK_v:
		return WINDOW_VIDEO_OFF;
	case SDLK_f:
	case SDLK_F11:
		set_full(w, !w->is_full);
		return 0;
	case SDLK_ESCAPE:
		if (w->is_full)
			set_full(w, false);
		return 0;
	default:
		return 0;
	}
}

static unsigned on_event(struct window *w, const SDL_Event *event)
{
	switch (event->type) {
	case SDL_QUIT:
		return WINDOW_HANG_UP;
	case SDL_KEYDOWN:
		return event->key.repeat ? 0 : on_key(w, event->key.keysym.sym);
	case SDL_WINDOWEVENT:
		w->is_changed = true;
		w->is_sized |= event->window.event == SDL_WINDOWEVENT_RESIZED;
		return 0;
	default:
		return 0;
	}
}

unsigned window_turn(struct window *w)
{
	unsigned wishes = 0;
	SDL_Event event;

	while (SDL_PollEvent(&event))
		wishes ^= on_event(w, &event); /* twice off is on again */
	if (w->is_changed || (w->own_since && SDL_GetTicks64() >= w->own_since + OWN_MS))
		draw(w);
	return wishes;
}
