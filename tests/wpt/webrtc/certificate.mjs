// RTCCertificate.
import { call, native, onlyInside, PRIVATE } from './base.mjs';

const handles = new Map();

export class RTCCertificate {
  #handle;

  constructor(key, handle) {
    onlyInside(key);
    this.#handle = handle;
    handles.set(this, handle);
  }

  get expires() { return native.certificateExpires(this.#handle) * 1000; }

  getFingerprints() {
    return native.certificateFingerprints(this.#handle);
  }
}

export const certificateHandle = (certificate) => handles.get(certificate);

/** Web Crypto's algorithm as words: what it asks for, or the exception for what it cannot. */
function normalize(algorithm) {
  const name = typeof algorithm === 'string' ? algorithm : algorithm?.name;
  if (typeof name !== 'string') throw new TypeError('an algorithm has a name');
  if (name.toUpperCase() === 'ECDSA') {
    if (typeof algorithm === 'string' || algorithm.namedCurve === undefined) throw new TypeError('ECDSA needs its namedCurve');
    return { type: 'ECDSA', namedCurve: String(algorithm.namedCurve) };
  }
  if (name.toUpperCase() === 'RSASSA-PKCS1-V1_5') {
    if (typeof algorithm === 'string' || algorithm.modulusLength === undefined) throw new TypeError('RSA needs its members');
    const hash = algorithm.hash?.name ?? algorithm.hash;
    if (String(hash).toUpperCase() !== 'SHA-256') throw new DOMException('certificates are signed with SHA-256', 'NotSupportedError');
    return { type: 'RSA', modulusLength: Number(algorithm.modulusLength) };
  }
  throw new DOMException(`${name} makes no certificate`, 'NotSupportedError');
}

export async function generateCertificate(algorithm) {
  const wanted = normalize(algorithm);
  let expires;
  if (algorithm?.expires !== undefined) {
    expires = Number(algorithm.expires);
    if (!Number.isFinite(expires) || expires < 0) throw new TypeError('expires is a number of milliseconds');
  }
  const isDefault = wanted.type === 'ECDSA' && wanted.namedCurve === 'P-256' && expires === undefined;
  const handle = call(() => (isDefault ? native.certificateGenerate() : native.certificateGenerateWith({ ...wanted, expires })));
  return new RTCCertificate(PRIVATE, handle);
}

/** Between two cases: what was made is let go. */
export function releaseCertificates() {
  for (const handle of handles.values()) native.certificateRelease(handle);
  handles.clear();
}
