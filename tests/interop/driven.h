/*
 * A peer connection that a test drives call by call: a JSON object for each call, {"do": NAME, ...}, and one for its answer. What
 * comes in on its media is counted and sent back. Loop thread only.
 */
#ifndef INTEROP_DRIVEN_H
#define INTEROP_DRIVEN_H

#include <jansson.h>
#include <wirelark/wirelark.h>

struct driven;

/* Called with the answer of a call; takes it over. */
typedef void (*driven_answer_fn)(json_t *answer);

struct driven *driven_create(wlk_loop *loop, driven_answer_fn answer);
/*
 * Make a call. The answer has its "id" and either what the call gives or {"error": text}. "local" answers when all candidates are
 * in the description. `call` is borrowed. README.md lists the calls.
 */
void driven_call(struct driven *d, const json_t *call);
void driven_destroy(struct driven *d);

#endif
