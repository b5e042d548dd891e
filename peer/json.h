/* A small JSON writer for statistics: objects of named numbers, strings and booleans, commas kept by the writer. */
#ifndef PEER_JSON_H
#define PEER_JSON_H

#include "core/text.h"

struct json {
	struct text *out;
	bool comma; /* something stands in front in the object that is open */
};

void json_open(struct json *j, const char *name); /* NULL: the outermost object */
void json_close(struct json *j);
void json_string(struct json *j, const char *name, struct str value);
void json_number(struct json *j, const char *name, uint64_t value);
void json_signed(struct json *j, const char *name, int64_t value);
/* Written with six digits behind the point; what is not finite becomes 0. */
void json_real(struct json *j, const char *name, double value);
void json_null(struct json *j, const char *name);
void json_bool(struct json *j, const char *name, bool value);

#endif
