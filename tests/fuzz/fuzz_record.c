/*
 * The reader of recordings: whatever a stranger sends as a bug report. Oracle: entries lie in the file, one behind the other, and the
 * end stays the end; what is read of a field and written again is what was read.
 */
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "peer/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool fact)
{
	if (!fact)
		abort();
}

static void try_addresses(wlk_bytes body)
{
	struct bytes_reader r = bytes_reader(body.data, body.size);
	wlk_addr addresses[RECORD_CONFIG_ITEMS_MAX];
	size_t count = record_get_addresses(&r, addresses, RECORD_CONFIG_ITEMS_MAX);
	uint8_t again[2 + RECORD_CONFIG_ITEMS_MAX * RECORD_ADDR_SIZE];
	struct bytes_writer w = bytes_writer(again, sizeof(again));

	if (!bytes_ok(&r))
		return;
	record_put_addresses(&w, addresses, count);
	check(bytes_writer_ok(&w) && w.size == body.size - r.left && !memcmp(again, body.data, w.size));
}

static void try_text(wlk_bytes body)
{
	struct bytes_reader r = bytes_reader(body.data, body.size);
	char *text = record_get_text(&r);

	check(!text || (bytes_ok(&r) && strlen(text) <= body.size));
	wlk_free(text);
}

static void try_config(wlk_bytes body)
{
	struct bytes_reader r = bytes_reader(body.data, body.size);
	struct record_config config;

	if (!record_get_config(&r, &config)) {
		check(record_config_size(&config.config) >= body.size - r.left);
		check(config.config.ice_server_count <= RECORD_CONFIG_ITEMS_MAX);
	}
	record_config_free(&config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record_header header;
	struct record_reader reader;
	struct record_entry entry, peeked;
	size_t at = RECORD_HEADER_SIZE;

	if (record_reader_init(&reader, data, size, &header)) {
		check(size < RECORD_HEADER_SIZE || memcmp(data, record_magic, RECORD_MAGIC_SIZE) || header.version != RECORD_VERSION);
		return 0;
	}
	check(strlen(header.release) <= RECORD_RELEASE_SIZE);
	while (record_peek(&reader, &peeked)) {
		check(record_next(&reader, &entry) && peeked.offset == entry.offset && peeked.body.size == entry.body.size);
		check(entry.kind != RECORD_END && entry.offset == at && strlen(record_kind_name(entry.kind)) > 0);
		at += RECORD_ENTRY_HEAD + entry.body.size;
		check(at <= size);
		try_addresses(entry.body);
		try_text(entry.body);
		try_config(entry.body);
	}
	check(!record_next(&reader, &entry) && !record_next(&reader, &entry));
	check(reader.truncated || at == size || data[at] == RECORD_END);
	return 0;
}
