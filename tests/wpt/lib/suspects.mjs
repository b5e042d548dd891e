// Cases that fail in both browsers, and why they are right all the same.

const MUNGING = 'the step is plain; browsers still let pages change their own SDP, for old applications';
const PRANSWER = 'Firefox has no provisional answers, and Chromium makes a final one of a pranswer without text';
const CLOSED = 'the step closes them in the same call; browsers do it in a later task';
const UNBUILT = 'neither browser has this member yet';

export const suspects = {
  'descriptions: an offer that was changed is refused': MUNGING,
  'descriptions: an answer that was changed is refused': MUNGING,
  'descriptions: a pranswer that was changed is refused': MUNGING,
  'descriptions: a pranswer without text is made': PRANSWER,
  'descriptions: without a type it answers in have-local-pranswer': PRANSWER,
  'signaling: have-remote-offer: a local pranswer leads to have-local-pranswer': PRANSWER,
  'descriptions: a line without an equals sign is a syntax error':
    'RFC 8866 5 has no such line; Firefox passes over it, Chromium rejects without an RTCError',
  'descriptions: a syntax error names its line': 'the step wants sdpLineNumber; neither browser tells it here',
  'offers and answers: ice2 is announced': 'RFC 8445 10 asks for it; browsers do not nominate by those rules alone',
  'close: transceivers are stopped': CLOSED,
  'close: transceivers, senders and receivers are no longer listed': 'browsers go on to list them; the library does as they do',
  'close: close() in a message handler is heard': CLOSED,
  'data channels: close() of the connection closes its channels at once': CLOSED,
  'transceivers: stop() ends the receiver\'s track': 'the step says so for the call itself; browsers end it with the negotiation',
  'transceivers: direction stopped is a TypeError':
    'a transceiver cannot be made stopped, as its setter says; browsers take the word and make it so',
  'configuration: empty credentials are credentials':
    'the step asks that both exist; RFC 8265 forbids an empty password, which is why browsers and this library refuse it',
  'SCTP transport: sctp is null before it is negotiated': 'the object is made with an answer; browsers make it with the offer',
  'ICE transport: its component is RTP': UNBUILT,
  'ICE transport: getRemoteCandidates() gives RTCIceCandidates of the description': UNBUILT,
  'ICE transport: the local parameters are those of the description': UNBUILT,
  'ICE transport: the remote parameters are those of the description': UNBUILT,
};
