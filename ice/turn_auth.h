/* The long-term credential mechanism as a TURN client uses it (RFC 8489 9.2): challenges in, signed requests out. */
#ifndef ICE_TURN_AUTH_H
#define ICE_TURN_AUTH_H

#include "core/text.h"
#include "ice/stun_msg.h"

/* A username and its password, shared by a server's entry and the clients that use it; wiped with the last reference.
 */
struct turn_credentials;

/*
 * Copies both. WLK_ERR_INVALID: one is empty, or the username does not fit its attribute. WLK_ERR_NOMEM. *out is
 * written on success only.
 */
wlk_err turn_credentials_create(struct turn_credentials **out, struct str username, struct str password) WLK_NODISCARD;
struct turn_credentials *turn_credentials_ref(struct turn_credentials *c);
void turn_credentials_release(struct turn_credentials *c);
bool turn_credentials_equal(const struct turn_credentials *a, const struct turn_credentials *b);

/*
 * The key that requests are signed with. A request keeps the one that it was signed with, because its response may come
 * after the credentials were replaced.
 */
struct turn_key;
struct turn_key *turn_key_ref(struct turn_key *key);
void turn_key_release(struct turn_key *key);
/* Whether |msg| carries an integrity attribute of the kind of |key| that fits it. */
bool turn_key_check(const struct turn_key *key, const struct stun_msg *msg);

/* Zero is "no challenge was seen": requests go out unsigned. */
struct turn_auth {
	struct turn_credentials *credentials;
	struct turn_credentials *fallback; /* what the allocation was made with, while |credentials| are newer ones */
	char *realm;
	size_t realm_size;
	char *nonce;
	size_t nonce_size;
	uint8_t *algorithms; /* PASSWORD-ALGORITHMS of the challenge, to be sent back to the byte (RFC 8489 9.2.5) */
	size_t algorithms_size;
	enum stun_password_algorithm algorithm;
	bool anonymous; /* the server wants USERHASH in place of USERNAME */
	struct turn_key *key;
	uint8_t userhash[STUN_USERHASH_SIZE];
	uint32_t version; /* grows with every change; 0: no challenge yet */
};

/* |credentials| gets a reference. */
void turn_auth_init(struct turn_auth *auth, struct turn_credentials *credentials);
/* Wipes and frees. */
void turn_auth_free(struct turn_auth *auth);

/*
 * Use |credentials| from the next request on. The ones before stay at hand for a server that holds an allocation to the
 * username that made it (441, RFC 8656 5).
 */
void turn_auth_replace(struct turn_auth *auth, struct turn_credentials *credentials);
/* A response to a request signed with |key| was good: these credentials are the ones that the server knows. */
void turn_auth_on_accepted(struct turn_auth *auth, const struct turn_key *key);
/* The server refused the new username for an old allocation: go back. False: there is nothing to go back to. */
bool turn_auth_fall_back(struct turn_auth *auth);

enum turn_challenge {
	TURN_CHALLENGE_RETRY,   /* sign anew and send again */
	TURN_CHALLENGE_REFUSED, /* the same would be answered with the same: the credentials are wrong */
	TURN_CHALLENGE_BAD,     /* no usable realm, nonce or algorithm, or an attempt to bid down (RFC 8489 9.2.5) */
};

/*
 * A 401 or 438 to a request that was made when auth->version was |version|, and signed or not. On NOMEM the answer is
 * TURN_CHALLENGE_BAD and nothing changed.
 */
enum turn_challenge turn_auth_on_challenge(struct turn_auth *auth, const struct stun_msg *msg, uint32_t version,
					   bool was_signed);

/*
 * Finish a request: the attributes of RFC 8489 9.2.3.2 and the integrity once there was a challenge. *key is the key it
 * was signed with, a new reference, or NULL. Errors as stun_writer_finish(), and WLK_ERR_NOMEM.
 */
wlk_err turn_auth_finish(struct turn_auth *auth, struct stun_writer *w, size_t *size,
			 struct turn_key **key) WLK_NODISCARD;

#endif
