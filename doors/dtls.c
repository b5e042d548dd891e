/* DTLS associations as objects of their own: the transport of dtls/, its context, and what of it the caller looks at. */
#include <wirelark/dtls.h>

#include "core/alloc.h"
#include "core/crypto.h"
#include "core/text.h"
#include "doors/lend.h"
#include "dtls/transport.h"
#include "peer/certificate.h"
#include "srtp/keys.h"

static_assert(WLK_DTLS_DATA_MAX == DTLS_DATA_MAX, "what is promised is what dtls/ takes");

struct wlk_dtls_context {
	struct dtls_context *inside;
	size_t refs;
};

struct wlk_dtls_association {
	struct dtls_transport *transport;
	wlk_dtls_context *context; /* one reference */
	struct pktbuf *lent;       /* the datagram that the caller sends */
};

/* ---- contexts ---- */

wlk_err wlk_dtls_context_create(size_t half_open_max, wlk_dtls_context **out)
{
	const struct dtls_context_config config = { .half_open_max = half_open_max };
	wlk_dtls_context *context;
	wlk_err err;

	if (!out)
		return WLK_ERR_INVALID;
	context = wlk_calloc(1, sizeof(*context));
	if (!context)
		return WLK_ERR_NOMEM;
	err = dtls_context_create(&context->inside, &config);
	if (err) {
		wlk_free(context);
		return err;
	}
	context->refs = 1;
	*out = context;
	return WLK_OK;
}

void wlk_dtls_context_release(wlk_dtls_context *context)
{
	if (!context || --context->refs)
		return;
	dtls_context_destroy(context->inside);
	wlk_free(context);
}

/* ---- life ---- */

/* The caller's profiles by dtls/'s names, or its defaults. WLK_ERR_INVALID: there is no such profile. */
static wlk_err choose_profiles(const wlk_dtls_config *config, enum dtls_srtp_profile *own, struct dtls_config *out)
{
	if (config->srtp_profile_count > ARRAY_SIZE(dtls_srtp_profiles_default) || (config->srtp_profile_count && !config->srtp_profiles))
		return WLK_ERR_INVALID;
	for (size_t i = 0; i < config->srtp_profile_count; i++) {
		own[i] = (enum dtls_srtp_profile)config->srtp_profiles[i];
		if (!srtp_keys_sizes((enum srtp_keys_profile)own[i]).key)
			return WLK_ERR_INVALID;
	}
	out->srtp_profiles = config->srtp_profile_count ? own : dtls_srtp_profiles_default;
	out->srtp_profile_count = config->srtp_profile_count ? config->srtp_profile_count : ARRAY_SIZE(dtls_srtp_profiles_default);
	if (config->no_srtp)
		out->srtp_profile_count = 0;
	return WLK_OK;
}

static wlk_err make(wlk_dtls_association *a, const wlk_dtls_config *config)
{
	enum dtls_srtp_profile profiles[ARRAY_SIZE(dtls_srtp_profiles_default)];
	struct dtls_config own = {
		.cert = certificate_unwrap(config->certificate),
		.rtt_us = config->round_trip_time,
		.mtu = config->mtu,
		.log_parent = config->log_name,
	};
	wlk_err err = choose_profiles(config, profiles, &own);

	if (err)
		return err;
	if (config->context) {
		a->context = config->context;
		a->context->refs++;
	} else if ((err = wlk_dtls_context_create(0, &a->context))) {
		return err;
	}
	own.context = a->context->inside;
	return dtls_transport_create(&a->transport, &own);
}

wlk_err wlk_dtls_association_create(const wlk_dtls_config *config, wlk_dtls_association **out)
{
	wlk_dtls_association *a;
	wlk_err err;

	if (!config || !out || config->struct_size != sizeof(*config) || !config->certificate || config->round_trip_time < 0)
		return WLK_ERR_INVALID;
	a = wlk_calloc(1, sizeof(*a));
	if (!a)
		return WLK_ERR_NOMEM;
	err = make(a, config);
	if (err) {
		wlk_dtls_association_destroy(a);
		return err;
	}
	*out = a;
	return WLK_OK;
}

void wlk_dtls_association_destroy(wlk_dtls_association *a)
{
	if (!a)
		return;
	dtls_transport_destroy(a->transport);
	wlk_dtls_context_release(a->context);
	pktbuf_release(a->lent);
	wlk_free(a);
}

wlk_err wlk_dtls_association_start(wlk_dtls_association *a, wlk_time now, wlk_dtls_role role)
{
	if (role != WLK_DTLS_ROLE_CLIENT && role != WLK_DTLS_ROLE_SERVER)
		return WLK_ERR_INVALID;
	return dtls_transport_start(a->transport, now, role == WLK_DTLS_ROLE_CLIENT ? DTLS_ROLE_CLIENT : DTLS_ROLE_SERVER);
}

wlk_err wlk_dtls_association_restart(wlk_dtls_association *a, wlk_time now)
{
	return dtls_transport_restart(a->transport, now);
}

/* WLK_ERR_UNSUPPORTED: by another hash, e.g. sha-1. */
static wlk_err read_fingerprint(const wlk_fingerprint *from, struct dtls_fingerprint *out)
{
	wlk_err err = dtls_hash_parse(&out->hash, from->algorithm, strnlen(from->algorithm, sizeof(from->algorithm)));

	if (err)
		return err;
	out->size = str_hex_pairs((struct str){ from->value, strnlen(from->value, sizeof(from->value)) }, out->digest, sizeof(out->digest));
	return out->size == dtls_hash_size(out->hash) ? WLK_OK : WLK_ERR_INVALID;
}

wlk_err wlk_dtls_association_set_remote_fingerprints(wlk_dtls_association *a, wlk_time now, const wlk_fingerprint *fingerprints, size_t count)
{
	struct dtls_fingerprint list[DTLS_FINGERPRINTS_MAX];
	size_t known = 0;

	if (!fingerprints || count == 0 || count > ARRAY_SIZE(list))
		return WLK_ERR_INVALID;
	for (size_t i = 0; i < count; i++) {
		wlk_err err = read_fingerprint(&fingerprints[i], &list[known]);

		if (err == WLK_ERR_INVALID)
			return err;
		known += !err;
	}
	return known ? dtls_transport_set_remote_fingerprints(a->transport, now, list, known) : WLK_ERR_UNSUPPORTED;
}

/* ---- the verbs ---- */

void wlk_dtls_association_input(wlk_dtls_association *a, wlk_time now, const uint8_t *data, size_t size)
{
	dtls_transport_input(a->transport, now, data, size);
}

bool wlk_dtls_association_poll_transmit(wlk_dtls_association *a, wlk_time now, wlk_bytes *out)
{
	struct pktbuf *buf = NULL;
	bool any = dtls_transport_poll_transmit(a->transport, now, &buf);

	*out = lend_packet(&a->lent, buf);
	return any;
}

bool wlk_dtls_association_poll_event(wlk_dtls_association *a, wlk_dtls_event *out)
{
	struct dtls_event ev;

	if (!dtls_transport_poll_event(a->transport, &ev))
		return false;
	*out = (wlk_dtls_event){ (wlk_dtls_state)ev.state, (wlk_dtls_reason)ev.reason, ev.alert, ev.restartable };
	return true;
}

bool wlk_dtls_association_poll_data(wlk_dtls_association *a, wlk_time now, wlk_bytes *out)
{
	return dtls_transport_poll_data(a->transport, now, out);
}

wlk_time wlk_dtls_association_deadline(const wlk_dtls_association *a)
{
	return dtls_transport_deadline(a->transport);
}

void wlk_dtls_association_handle_timeout(wlk_dtls_association *a, wlk_time now)
{
	dtls_transport_handle_timeout(a->transport, now);
}

wlk_err wlk_dtls_association_send(wlk_dtls_association *a, wlk_time now, const uint8_t *data, size_t size)
{
	return data ? dtls_transport_send(a->transport, now, data, size) : WLK_ERR_INVALID;
}

void wlk_dtls_association_close(wlk_dtls_association *a, wlk_time now)
{
	dtls_transport_close(a->transport, now);
}

/* ---- what is known of it ---- */

wlk_err wlk_dtls_association_export_srtp(const wlk_dtls_association *a, wlk_srtp_keys *out)
{
	struct dtls_srtp_export export;
	struct srtp_keys keys;
	wlk_err err;

	if (!out)
		return WLK_ERR_INVALID;
	err = dtls_transport_export_srtp(a->transport, &export);
	if (err)
		return err;
	err = srtp_keys_from_exporter(&keys, (enum srtp_keys_profile)export.profile, export.block, export.size, export.is_client);
	crypto_wipe(&export, sizeof(export));
	if (err)
		return err;
	*out = (wlk_srtp_keys){ .profile = (wlk_srtp_profile)keys.profile, .size = keys.size };
	memcpy(out->local, keys.local, sizeof(keys.local));
	memcpy(out->remote, keys.remote, sizeof(keys.remote));
	srtp_keys_wipe(&keys);
	return WLK_OK;
}

wlk_dtls_state wlk_dtls_association_state(const wlk_dtls_association *a)
{
	return (wlk_dtls_state)dtls_transport_state(a->transport);
}

wlk_dtls_role wlk_dtls_association_role(const wlk_dtls_association *a)
{
	if (dtls_transport_state(a->transport) == DTLS_STATE_NEW)
		return WLK_DTLS_ROLE_UNKNOWN;
	return dtls_transport_role(a->transport) == DTLS_ROLE_CLIENT ? WLK_DTLS_ROLE_CLIENT : WLK_DTLS_ROLE_SERVER;
}

wlk_bytes wlk_dtls_association_remote_certificate(const wlk_dtls_association *a)
{
	return dtls_transport_remote_cert(a->transport);
}

uint16_t wlk_dtls_association_version(const wlk_dtls_association *a)
{
	return dtls_transport_version(a->transport);
}

const char *wlk_dtls_association_cipher(const wlk_dtls_association *a)
{
	return dtls_transport_cipher_name(a->transport);
}

wlk_srtp_profile wlk_dtls_association_srtp_profile(const wlk_dtls_association *a)
{
	return (wlk_srtp_profile)dtls_transport_srtp_profile(a->transport);
}

size_t wlk_dtls_association_mtu(const wlk_dtls_association *a)
{
	return dtls_transport_mtu(a->transport);
}

wlk_err wlk_dtls_association_get_stats(const wlk_dtls_association *a, wlk_dtls_stats *out)
{
	const struct dtls_stats *of = dtls_transport_stats(a->transport);
	const wlk_dtls_stats full = {
		.datagrams_sent = of->datagrams_out,
		.bytes_sent = of->bytes_out,
		.datagrams_received = of->datagrams_in,
		.bytes_received = of->bytes_in,
		.datagrams_dropped = of->datagrams_dropped,
		.records_dropped = of->records_dropped,
		.retransmissions = of->retransmissions,
	};

	return lend_struct(out, &full, sizeof(full), offsetof(wlk_dtls_stats, retransmissions) + sizeof(full.retransmissions));
}
