// The W3C classes over the addon, as globals, the way a page finds them. They map names, errors, promises and events; what they
// are told is what the library did.
import { native } from './webrtc/base.mjs';
import { RTCCertificate, releaseCertificates } from './webrtc/certificate.mjs';
import { RTCDataChannel, RTCDataChannelEvent } from './webrtc/channel.mjs';
import { destroyAll, RTCPeerConnection } from './webrtc/connection.mjs';
import { RTCIceCandidate, RTCPeerConnectionIceErrorEvent, RTCPeerConnectionIceEvent, RTCSessionDescription,
} from './webrtc/description.mjs';
import { RTCError, RTCErrorEvent } from './webrtc/error.mjs';
import { MediaStream, MediaStreamTrack } from './webrtc/media.mjs';
import { RTCDtlsTransport, RTCIceTransport, RTCSctpTransport } from './webrtc/transports.mjs';
import { RTCDTMFSender, RTCDTMFToneChangeEvent, RTCRtpReceiver, RTCRtpSender, RTCRtpTransceiver, RTCTrackEvent } from './webrtc/rtp.mjs';

Object.assign(globalThis, {
  RTCCertificate, RTCDataChannel, RTCDataChannelEvent, RTCPeerConnection, RTCIceCandidate, RTCPeerConnectionIceErrorEvent,
  RTCPeerConnectionIceEvent, RTCSessionDescription, RTCError, RTCErrorEvent, MediaStream, MediaStreamTrack, RTCRtpReceiver,
  RTCRtpSender, RTCRtpTransceiver, RTCTrackEvent, RTCDtlsTransport, RTCIceTransport, RTCSctpTransport,
  RTCDTMFSender, RTCDTMFToneChangeEvent,
});

/** What the cases ask of their surroundings. */
export const world = {
  makeTrack: (kind) => new MediaStreamTrack(kind),
  /** After each case. */
  cleanUp() {
    destroyAll();
    releaseCertificates();
  },
  end: () => native.stop(),
};
