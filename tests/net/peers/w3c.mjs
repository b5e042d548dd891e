// One end of a call on the W3C interface, for Node and for a page: ../README.md lists the orders and the events.

/** Milliseconds since 1970, with fractions: the clock that all programs of the lab share. */
const now = () => performance.timeOrigin + performance.now();

/**
 * @param RTCPeerConnection  the constructor
 * @param print              takes each event
 * @returns a function that takes each order
 */
export function makePeer(RTCPeerConnection, print) {
  const say = (event) => print({ ...event, t: now() });
  let pc;
  let channel;

  function useChannel(opened) {
    channel = opened;
    const { label } = opened;
    opened.onopen = () => say({ event: 'open', label });
    opened.onmessage = ({ data }) => say({ event: 'message', text: data });
    // A channel of the other end may be open before we hear of it.
    if (opened.readyState !== 'open') return;
    opened.onopen();
    opened.onopen = null;
  }

  function start({ iceServers, iceTransportPolicy }) {
    const started = pc = new RTCPeerConnection({ iceServers, iceTransportPolicy });
    pc.onicecandidate = ({ candidate }) => candidate?.candidate && say({
      signal: {
        candidate: candidate.candidate,
        sdpMid: candidate.sdpMid,
        sdpMLineIndex: candidate.sdpMLineIndex,
        usernameFragment: candidate.usernameFragment ?? undefined,
      },
    });
    pc.onconnectionstatechange = () => say({ event: 'connection', state: started.connectionState });
    pc.oniceconnectionstatechange = () => say({ event: 'ice', state: started.iceConnectionState });
    pc.ondatachannel = (event) => useChannel(event.channel);
    say({ event: 'started' });
  }

  async function describe(description) {
    await pc.setLocalDescription(description);
    const { type, sdp } = pc.localDescription;
    say({ signal: { type, sdp } });
  }

  async function offer() {
    say({ event: 'offering' });
    if (!channel) useChannel(pc.createDataChannel('data'));
    await describe(await pc.createOffer());
  }

  async function takeSignal(signal) {
    if (!signal.type) return pc.addIceCandidate(signal);
    await pc.setRemoteDescription(signal);
    if (signal.type === 'offer') await describe(await pc.createAnswer());
  }

  async function stats() {
    const records = {};
    (await pc.getStats()).forEach((record) => { records[record.id] = record; });
    say({ event: 'stats', stats: records });
  }

  function close() {
    pc?.close();
    pc = channel = undefined;
    say({ event: 'closed' });
  }

  const orders = { start, offer, stats, close, send: ({ text }) => channel.send(text) };

  // One after the other: a candidate must not overtake the description before it.
  let last = Promise.resolve();
  return (line) => {
    last = last.then(() => (line.signal ? pc && takeSignal(line.signal) : orders[line.do](line)))
      .catch((error) => say({ event: 'problem', what: line.do ?? 'signal', error: String(error.message ?? error) }));
  };
}
