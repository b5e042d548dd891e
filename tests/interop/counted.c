#include "counted.h"

#include <stdlib.h>

enum { EVENT_SIZE = 4, TYPES = 128 };

struct counted {
	json_t *sections;
	bool is_event[TYPES];
};

struct counted *counted_create(void)
{
	struct counted *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->sections = json_object();
	return c;
}

void counted_destroy(struct counted *c)
{
	if (!c)
		return;
	json_decref(c->sections);
	free(c);
}

void counted_keep_events(struct counted *c, uint8_t payload_type)
{
	c->is_event[payload_type % TYPES] = true;
}

/* The object under `key`, made when there is none. */
static json_t *object_at(json_t *parent, const char *key)
{
	json_t *found = json_object_get(parent, key);

	if (!found && !json_object_set_new(parent, key, json_object()))
		found = json_object_get(parent, key);
	return found;
}

static void add(json_t *object, const char *key, json_int_t n)
{
	(void)!json_object_set_new(object, key, json_integer(json_integer_value(json_object_get(object, key)) + n));
}

static json_t *section_of(struct counted *c, wlk_transceiver *t)
{
	return object_at(c->sections, wlk_transceiver_mid(t) ? wlk_transceiver_mid(t) : "");
}

/* RFC 4733 2.3: event, E R volume, duration. */
static void keep_event(json_t *section, const wlk_rtp_packet *packet)
{
	const uint8_t *p = packet->payload;

	if (packet->payload_size != EVENT_SIZE)
		return;
	if (!json_object_get(section, "events"))
		(void)!json_object_set_new(section, "events", json_array());
	(void)!json_array_append_new(json_object_get(section, "events"),
				     json_pack("{s:i, s:i, s:b, s:i, s:i, s:I, s:b, s:I}", "event", p[0], "payloadType", packet->payload_type, "end", p[1] >> 7, "volume", p[1] & 0x3f,
					       "duration", p[2] << 8 | p[3], "timestamp", (json_int_t)packet->timestamp, "marker",
					       packet->marker, "sequence", (json_int_t)packet->sequence));
}

void counted_on_packet(struct counted *c, wlk_transceiver *t, const wlk_rtp_packet *packet)
{
	json_t *section = section_of(c, t);

	add(section, "packets", 1);
	if (c->is_event[packet->payload_type % TYPES])
		keep_event(section, packet);
}

void counted_on_frame(struct counted *c, wlk_transceiver *t, const wlk_encoded_frame *frame)
{
	json_t *section = section_of(c, t);
	json_t *layer = object_at(object_at(section, "layers"), frame->rid ? frame->rid : "");

	add(section, "packets", frame->packet_count);
	add(layer, "frames", 1);
	add(layer, "keys", frame->key);
	add(layer, "recovered", frame->recovered);
	if (!frame->key || !frame->width)
		return;
	(void)!json_object_set_new(layer, "width", json_integer(frame->width));
	(void)!json_object_set_new(layer, "height", json_integer(frame->height));
}

json_t *counted_json(const struct counted *c)
{
	return json_incref(c->sections);
}
