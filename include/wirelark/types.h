/** Types shared by every public header: errors, time, addresses, text and export macros. */
#ifndef WIRELARK_TYPES_H
#define WIRELARK_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__) || defined(__clang__)
#define WLK_API __attribute__((visibility("default")))
#define WLK_PRINTF(fmt_index, first_arg) __attribute__((format(printf, fmt_index, first_arg)))
#define WLK_NODISCARD __attribute__((warn_unused_result))
#else
#define WLK_API
#define WLK_PRINTF(fmt_index, first_arg)
#define WLK_NODISCARD
#endif

/**
 * What a call answers. A failing call leaves the object as it was.
 * wlk_last_error() gives the story behind the code of the last failing call on a peer connection.
 */
typedef enum wlk_err {
	WLK_OK = 0,
	WLK_ERR_INVALID = -1,     /**< an argument is out of its documented range */
	WLK_ERR_STATE = -2,       /**< the call is not allowed in this state */
	WLK_ERR_NOMEM = -3,       /**< an allocation failed, or the memory budget of the peer is spent */
	WLK_ERR_AGAIN = -4,       /**< not now: an event tells when to try again */
	WLK_ERR_NOSPACE = -5,     /**< no room: a buffer, a channel id or an m-section */
	WLK_ERR_PARSE = -6,       /**< malformed input */
	WLK_ERR_NEGOTIATION = -7, /**< the two descriptions do not fit together */
	WLK_ERR_UNSUPPORTED = -8, /**< well-formed, but not built or not allowed by the configuration */
	WLK_ERR_CRYPTO = -9,      /**< a cryptographic operation failed */
	WLK_ERR_IO = -10,         /**< the operating system refused; see wlk_last_error() */
	WLK_ERR_CLOSED = -11,     /**< the object is closed */
	WLK_ERR_TOO_LARGE = -12,  /**< larger than the peer or a limit allows */
	WLK_ERR_NOT_FOUND = -13,  /**< nothing by that id or name */
	WLK_ERR_TIMEOUT = -14     /**< no answer in time */
} wlk_err;

/** The name of an error in words, never NULL. THREAD-SAFE. */
WLK_API const char *wlk_strerror(wlk_err err);

/** Monotonic time in microseconds. The epoch is the caller's choice; it never runs backwards. */
typedef int64_t wlk_time;

#define WLK_TIME_NEVER INT64_MAX

/** The transport protocol of an address. */
typedef enum wlk_transport { WLK_TRANSPORT_UDP = 0, WLK_TRANSPORT_TCP = 1 } wlk_transport;

/** An IP transport address. All zero is "none". Mapped IPv4 (::ffff:a.b.c.d) is always stored as IPv4. */
typedef struct wlk_addr {
	uint8_t family;    /**< 0 none, 4 IPv4 (first four bytes of ip), 6 IPv6 */
	uint8_t transport; /**< a wlk_transport */
	uint16_t port;     /**< host byte order */
	uint32_t scope_id; /**< interface index of an IPv6 link-local address, else 0 */
	uint8_t ip[16];    /**< network byte order */
} wlk_addr;

/** Bytes needed for any address in text: "[v6%scope]:port/tcp" and the final NUL. */
#define WLK_ADDR_TEXT_MAX 80

/**
 * An address as text: "192.0.2.1:80", "[2001:db8::1]:80", "[fe80::1%2]:80", with "/tcp" behind it for TCP; "none" for none.
 *
 * @param out   gets the text and a NUL; "" when @p size is too small for it, WLK_ADDR_TEXT_MAX bytes never are
 * @return      @p out, so that it can stand in a call of printf(). THREAD-SAFE.
 */
WLK_API char *wlk_addr_to_string(const wlk_addr *addr, char *out, size_t size);

/** Which addresses are gathered: the modes of RFC 8828 5.2. */
typedef enum wlk_ip_handling {
	WLK_IP_HANDLING_ALL = 0,                      /**< mode 1: every interface */
	WLK_IP_HANDLING_DEFAULT_AND_PRIVATE = 2,      /**< mode 2: of each family the address of the default route */
	WLK_IP_HANDLING_DEFAULT_ROUTE = 3,            /**< mode 3: the same, but not told: no host candidates */
	WLK_IP_HANDLING_DISABLE_NON_PROXIED_UDP = 4   /**< mode 4: only TURN over TCP or TLS; no .local names are looked up */
} wlk_ip_handling;

/** NAT 1:1: candidates on @p internal are announced with the IP @p external (ports stay). internal none: every address of that family. */
typedef struct wlk_address_mapping {
	wlk_addr internal;
	wlk_addr external;
	bool as_srflx; /**< announce it as a server-reflexive candidate beside the host one, instead of in its place */
} wlk_address_mapping;

/**
 * Whether to use a local interface's address (@p interface_name, NULL when unknown, and @p address) or a remote candidate's.
 * It is asked in the middle of the work and only answers: it must not call any function of this library. Destroying the
 * connection that asks ends the process with a message.
 */
typedef bool (*wlk_address_filter)(const wlk_addr *address, const char *interface_name, void *user);

/** Borrowed bytes. */
typedef struct wlk_bytes {
	const uint8_t *data;
	size_t size;
} wlk_bytes;

#ifdef __cplusplus
}
#endif

#endif
