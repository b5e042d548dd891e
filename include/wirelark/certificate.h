/** Certificates: RTCCertificate in C (W3C webrtc-pc 4.9), with import and export. */
#ifndef WIRELARK_CERTIFICATE_H
#define WIRELARK_CERTIFICATE_H

#include <wirelark/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A certificate and its private key. Immutable and counted: release what you got. All functions here are THREAD-SAFE. */
typedef struct wlk_certificate wlk_certificate;

/** The key of a certificate. */
typedef enum wlk_key_algorithm {
	WLK_KEY_ECDSA_P256 = 0,
	WLK_KEY_ECDSA_P384 = 1,
	WLK_KEY_RSA = 2 /**< RSASSA-PKCS1-v1_5 with SHA-256 and the exponent 65537 */
} wlk_key_algorithm;

/** How a certificate is made (W3C webrtc-pc 4.9.1). Set up with WLK_CERTIFICATE_OPTIONS_INIT. */
typedef struct wlk_certificate_options {
	size_t struct_size;
	wlk_key_algorithm algorithm;
	uint32_t rsa_modulus_bits; /**< 2048..8192; 0: 2048. A key of 2,048 bits takes 100 ms of CPU, ECDSA 0.3 ms */
	bool has_expires;
	uint64_t expires_ms; /**< from the call on; taken as 365 days when it is more. Without it 30 days */
} wlk_certificate_options;

#define WLK_CERTIFICATE_OPTIONS_INIT { sizeof(wlk_certificate_options), WLK_KEY_ECDSA_P256, 0, false, 0 }

/** A self-signed ECDSA P-256 certificate, valid for 30 days. Errors: WLK_ERR_INVALID, WLK_ERR_CRYPTO, WLK_ERR_NOMEM. */
WLK_API wlk_err wlk_certificate_generate(wlk_certificate **out);
/**
 * RTCPeerConnection.generateCertificate(): a self-signed one by @p options, NULL for the above.
 * Errors as above, and WLK_ERR_UNSUPPORTED (W3C NotSupportedError: another algorithm or modulus).
 */
WLK_API wlk_err wlk_certificate_generate_with(const wlk_certificate_options *options, wlk_certificate **out);

/**
 * From PEM text that holds a certificate and its private key (ECDSA on P-256 or P-384, or RSA from 2048 bits), without pass phrase.
 * Errors: WLK_ERR_PARSE, WLK_ERR_UNSUPPORTED (another key type), WLK_ERR_INVALID (the key is not the certificate's), WLK_ERR_NOMEM.
 */
WLK_API wlk_err wlk_certificate_from_pem(const char *pem, size_t size, wlk_certificate **out);
/** The same from DER: an X.509 certificate, and a key in PKCS#8 or in the form of its algorithm. */
WLK_API wlk_err wlk_certificate_from_der(wlk_bytes certificate, wlk_bytes key, wlk_certificate **out);
/** Certificate and private key as PEM; the caller wipes and frees it with wlk_secret_free(). */
WLK_API wlk_err wlk_certificate_to_pem(const wlk_certificate *certificate, char **out);
/** The certificate without its key in DER. Borrowed from it. */
WLK_API wlk_bytes wlk_certificate_der(const wlk_certificate *certificate);
/** The private key in PKCS#8 DER; the caller wipes and frees it with wlk_secret_free_bytes(). */
WLK_API wlk_err wlk_certificate_key_der(const wlk_certificate *certificate, uint8_t **out, size_t *size);

/** RTCDtlsFingerprint. */
typedef struct wlk_fingerprint {
	char algorithm[16]; /**< "sha-256" */
	char value[192];    /**< "ab:cd:...", lower case as in the W3C API */
} wlk_fingerprint;

/** RTCCertificate.getFingerprints(): 0 is SHA-256, 1 SHA-384, 2 SHA-512. Errors: WLK_ERR_NOT_FOUND (above), WLK_ERR_INVALID. */
WLK_API wlk_err wlk_certificate_get_fingerprint(const wlk_certificate *certificate, size_t index, wlk_fingerprint *out);
/** As SDP writes it: "sha-256 AB:CD:..." into @p out (at least 104 bytes). Errors: WLK_ERR_NOSPACE, WLK_ERR_INVALID. */
WLK_API wlk_err wlk_certificate_fingerprint(const wlk_certificate *certificate, char *out, size_t size);
/** RTCCertificate.expires, in seconds since 1970. */
WLK_API int64_t wlk_certificate_expires(const wlk_certificate *certificate);
WLK_API wlk_key_algorithm wlk_certificate_key_algorithm(const wlk_certificate *certificate);
WLK_API void wlk_certificate_release(wlk_certificate *certificate);

/** Wipe and free a string that the library handed over; NULL does nothing. */
WLK_API void wlk_secret_free(char *text);
/** The same for bytes. */
WLK_API void wlk_secret_free_bytes(uint8_t *data, size_t size);

#ifdef __cplusplus
}
#endif

#endif
