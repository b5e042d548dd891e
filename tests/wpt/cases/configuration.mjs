// RTCConfiguration and certificates: webrtc-pc 4.2, 4.4.1.6, 4.9.
import { test } from '../harness.mjs';

const AREA = 'configuration';
const SET = 'webrtc-pc 4.4.1.6 step';
const stun = 'stun:stun.invalid';
const turn = { urls: 'turn:turn.invalid', username: 'user', credential: 'secret' };

test(AREA, 'webrtc-pc 4.4.1.1', 'a connection needs no configuration', (t) => t.equal(t.pc(undefined).signalingState, 'stable'));
test(AREA, 'webrtc-pc 4.4.1.1, Web IDL', 'null and {} are empty configurations', (t) => {
  t.pc(null);
  t.pc({});
});
test(AREA, 'webrtc-pc 4.4.1.1, Web IDL', 'what is no object is a TypeError', (t) => {
  t.throws('TypeError', () => t.pc('x'));
  t.throws('TypeError', () => t.pc(1));
});
const DEFAULTS = { iceTransportPolicy: 'all', bundlePolicy: 'balanced', rtcpMuxPolicy: 'require', iceCandidatePoolSize: 0 };
for (const [name, value] of Object.entries(DEFAULTS))
  test(AREA, 'webrtc-pc 4.2.1', `${name} is ${value} by default`, (t) => t.equal(t.pc().getConfiguration()[name], value, name));
test(AREA, 'webrtc-pc 4.2.1', 'there are no ICE servers by default', (t) => t.same(t.pc().getConfiguration().iceServers, []));
const OTHERS = { iceTransportPolicy: ['relay', 'all'], bundlePolicy: ['max-bundle', 'max-compat', 'balanced'], rtcpMuxPolicy: ['require'],
  iceCandidatePoolSize: [0, 1, 255] };
for (const [name, values] of Object.entries(OTHERS))
  for (const value of values)
    test(AREA, 'webrtc-pc 4.4.2 getConfiguration()', `${name} ${value} is kept`, (t) => {
      t.equal(t.pc({ [name]: value }).getConfiguration()[name], value, name);
    });
for (const name of ['iceTransportPolicy', 'bundlePolicy', 'rtcpMuxPolicy'])
  for (const value of ['nonsense', '', null])
    test(AREA, `webrtc-pc 4.2, Web IDL`, `${name} ${JSON.stringify(value)} is a TypeError`, (t) => {
      t.throws('TypeError', () => t.pc({ [name]: value }));
    });
for (const value of [-1, 256, Infinity])
  test(AREA, 'webrtc-pc 4.2.1, Web IDL', `iceCandidatePoolSize ${value} is a TypeError`, (t) => {
    t.throws('TypeError', () => t.pc({ iceCandidatePoolSize: value }));
  });
for (const name of ['iceServers', 'certificates'])
  test(AREA, 'webrtc-pc 4.2.1, Web IDL', `${name} null is a TypeError`, (t) => t.throws('TypeError', () => t.pc({ [name]: null })));
test(AREA, 'webrtc-pc 4.4.2 getConfiguration()', 'the answer is a copy', (t) => {
  const pc = t.pc({ iceServers: [{ urls: [stun] }] });
  pc.getConfiguration().iceServers.push({ urls: 'stun:x' });
  t.equal(pc.getConfiguration().iceServers.length, 1);
});
test(AREA, `${SET} 6.2`, 'one URL is a string or a list', (t) => {
  t.equal(t.pc({ iceServers: [{ urls: stun }] }).getConfiguration().iceServers.length, 1);
  t.equal(t.pc({ iceServers: [{ urls: [stun, 'stun:two.invalid:3478'] }] }).getConfiguration().iceServers[0].urls.length, 2);
});
test(AREA, `${SET} 6.3`, 'an empty list of URLs is a SyntaxError', (t) => {
  t.throws('SyntaxError', () => t.pc({ iceServers: [{ urls: [] }] }));
});
test(AREA, `${SET} 6, Web IDL`, 'a server without urls is a TypeError', (t) => {
  t.throws('TypeError', () => t.pc({ iceServers: [{}] }));
  t.throws('TypeError', () => t.pc({ iceServers: [null] }));
});
for (const url of ['', 'relative', 'http://stun.invalid', 'stun:', 'stun:host:99999', 'stun:host?transport=udp', 'turn:?transport=udp', 'stun://host'])
  test(AREA, `${SET} 6.4.2`, `the URL '${url}' is a SyntaxError`, (t) => {
    t.throws('SyntaxError', () => t.pc({ iceServers: [{ ...turn, urls: url }] }));
  });
for (const url of ['stun:stun.invalid', 'stun:stun.invalid:3478', 'stun:192.0.2.1', 'stun:[2001:db8::1]:3478', 'turn:turn.invalid',
  'turn:turn.invalid:3478?transport=udp', 'turn:turn.invalid?transport=tcp', 'turns:turn.invalid', 'turns:turn.invalid:5349?transport=tcp'])
  test(AREA, `${SET} 6.4; RFC 7064 3.1, RFC 7065 3.1`, `the URL ${url} is taken`, (t) => {
    t.pc({ iceServers: [{ ...turn, urls: url }] });
  });
for (const member of ['username', 'credential'])
  for (const scheme of ['turn', 'turns'])
    test(AREA, `${SET} 6.4.7`, `a ${scheme} server without ${member} is an InvalidAccessError`, (t) => {
      const { [member]: gone, ...server } = turn;
      t.throws('InvalidAccessError', () => t.pc({ iceServers: [{ ...server, urls: `${scheme}:turn.invalid` }] }));
    });
test(AREA, `${SET} 6.4.7`, 'empty credentials are credentials', (t) => {
  t.pc({ iceServers: [{ urls: 'turn:turn.invalid', username: '', credential: '' }] });
});
test(AREA, 'webrtc-pc 4.2.2', 'a STUN server may have credentials', (t) => {
  t.equal(t.pc({ iceServers: [{ ...turn, urls: stun }] }).getConfiguration().iceServers[0].username, 'user');
});
test(AREA, 'webrtc-pc 4.4.2 setConfiguration() 2', 'setConfiguration() on a closed connection is an InvalidStateError', (t) => {
  const pc = t.pc();
  pc.close();
  t.throws('InvalidStateError', () => pc.setConfiguration({}));
});
test(AREA, `${SET} 9`, 'setConfiguration() replaces the servers', (t) => {
  const pc = t.pc({ iceServers: [{ urls: stun }] });
  pc.setConfiguration({ iceServers: [turn] });
  t.equal([].concat(pc.getConfiguration().iceServers[0].urls)[0], turn.urls);
  pc.setConfiguration({});
  t.same(pc.getConfiguration().iceServers, []);
});
test(AREA, `${SET} 7`, 'setConfiguration() replaces iceTransportPolicy', (t) => {
  const pc = t.pc();
  pc.setConfiguration({ iceTransportPolicy: 'relay' });
  t.equal(pc.getConfiguration().iceTransportPolicy, 'relay');
});
test(AREA, `${SET} 3.4`, 'another bundlePolicy is an InvalidModificationError', (t) => {
  t.throws('InvalidModificationError', () => t.pc().setConfiguration({ bundlePolicy: 'max-bundle' }));
});
test(AREA, `${SET} 3.6`, 'iceCandidatePoolSize may change before setLocalDescription()', (t) => {
  const pc = t.pc();
  pc.setConfiguration({ iceCandidatePoolSize: 2 });
  t.equal(pc.getConfiguration().iceCandidatePoolSize, 2);
});
test(AREA, `${SET} 3.6`, 'iceCandidatePoolSize cannot change after setLocalDescription()', async (t) => {
  const pc = t.pc();
  pc.createDataChannel('');
  await pc.setLocalDescription();
  t.throws('InvalidModificationError', () => pc.setConfiguration({ iceCandidatePoolSize: 2 }));
});
test(AREA, `${SET} 6`, 'a bad server leaves the configuration as it was', (t) => {
  const pc = t.pc({ iceServers: [{ urls: stun }] });
  t.throws('SyntaxError', () => pc.setConfiguration({ iceServers: [{ urls: 'nonsense' }] }));
  t.equal(pc.getConfiguration().iceServers.length, 1);
});
test(AREA, 'webrtc-pc 4.2.4', 'policy relay without servers gathers nothing', async (t) => {
  const pc = t.pc({ iceTransportPolicy: 'relay' });
  pc.createDataChannel('');
  const candidates = [];
  pc.onicecandidate = ({ candidate }) => { if (candidate?.candidate) candidates.push(candidate); };
  await pc.setLocalDescription();
  await t.gathered(pc);
  t.same(candidates, []);
});
test(AREA, 'RFC 9429 4.1.1', 'max-compat announces a bundle and has a transport of its own for each section', async (t) => {
  const pc = t.pc({ bundlePolicy: 'max-compat' });
  pc.addTransceiver('audio');
  pc.addTransceiver('audio');
  await pc.setLocalDescription();
  const [x, y] = pc.getSenders().map(({ transport }) => transport);
  t.different(x, y, 'the transports');
  t.match(pc.localDescription.sdp, /^a=group:BUNDLE \S+ \S+\r$/m, 'the offer');
});
test(AREA, 'RFC 9429 4.1.1', 'max-bundle has one transport', async (t) => {
  const pc = t.pc({ bundlePolicy: 'max-bundle' });
  pc.addTransceiver('audio');
  pc.addTransceiver('video');
  await pc.setLocalDescription();
  const [x, y] = pc.getSenders().map(({ transport }) => transport);
  t.equal(x, y, 'the transports');
});
test(AREA, 'RFC 9429 4.1.1', 'max-bundle offers later sections as bundle-only', async (t) => {
  const pc = t.pc({ bundlePolicy: 'max-bundle' });
  pc.addTransceiver('audio');
  pc.addTransceiver('video');
  const { sdp } = await pc.createOffer();
  t.match(sdp, /^m=video 0 /m, 'the offer');
  t.match(sdp, /^a=bundle-only\r$/m, 'the offer');
});
test(AREA, 'RFC 9429 4.1.1', 'balanced has a transport for each kind', async (t) => {
  const pc = t.pc();
  for (const kind of ['audio', 'audio', 'video']) pc.addTransceiver(kind);
  await pc.setLocalDescription();
  const [x, y, z] = pc.getSenders().map(({ transport }) => transport);
  t.equal(x, y, 'those of one kind');
  t.different(x, z, 'those of two kinds');
});
for (const policy of ['balanced', 'max-compat', 'max-bundle'])
  test(AREA, 'RFC 9143 7.3', `after the answer ${policy} has one transport`, async (t) => {
    const a = t.pc({ bundlePolicy: policy }), b = t.pc();
    a.addTransceiver('audio');
    a.addTransceiver('video');
    await t.negotiate(a, b);
    const [x, y] = a.getSenders().map(({ transport }) => transport);
    t.equal(x, y, 'the transports');
  });

// ---- certificates ----

const CERT = 'certificates';
const GENERATE = 'webrtc-pc 4.9 generateCertificate()';
const ecdsa = { name: 'ECDSA', namedCurve: 'P-256' };
const rsa = { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' };
const generate = (algorithm) => RTCPeerConnection.generateCertificate(algorithm);

for (const [what, algorithm] of Object.entries({ 'ECDSA P-256': ecdsa, 'RSA 2048': rsa }))
  test(CERT, `${GENERATE} 6`, `${what} can be had`, async (t) => t.ok(await generate(algorithm) instanceof RTCCertificate, 'it is no RTCCertificate'));
test(CERT, `${GENERATE} 3`, 'the name of an algorithm is not case sensitive', async (t) => {
  t.ok(await generate({ name: 'ecdsa', namedCurve: 'P-256' }) instanceof RTCCertificate, 'it is no RTCCertificate');
});
for (const [what, algorithm] of Object.entries({ 'another algorithm': { name: 'HMAC', hash: 'SHA-256' }, 'a short RSA key': { ...rsa, modulusLength: 512 },
  'RSA with SHA-1': { ...rsa, hash: 'SHA-1' }, 'an unknown curve': { name: 'ECDSA', namedCurve: 'P-1' } }))
  test(CERT, `${GENERATE} 5`, `${what} is a NotSupportedError`, (t) => t.rejects('NotSupportedError', generate(algorithm)));
test(CERT, `${GENERATE} 2-3`, 'ECDSA without a curve is a TypeError', (t) => t.rejects('TypeError', generate({ name: 'ECDSA' })));
test(CERT, 'webrtc-pc 4.9.1 expires', 'expires is counted from the call on', async (t) => {
  const before = Date.now();
  const { expires } = await generate({ ...ecdsa, expires: 60000 });
  t.ok(expires >= before + 58000 && expires <= Date.now() + 62000, `it is off by ${expires - before - 60000} ms`);
});
test(CERT, 'webrtc-pc 4.9.1 expires', 'the default is at most a year and more than a day', async (t) => {
  const left = (await generate(ecdsa)).expires - Date.now();
  t.ok(left > 86400e3 && left <= 366 * 86400e3, `it is ${left / 86400e3} days`);
});
test(CERT, 'webrtc-pc 4.9.1 expires, Web IDL', 'a negative expires is a TypeError', (t) => t.rejects('TypeError', generate({ ...ecdsa, expires: -1 })));
test(CERT, 'webrtc-pc 4.4.1.1 step 4.1', 'an expired certificate is an InvalidAccessError', async (t) => {
  const certificate = await generate({ ...ecdsa, expires: 0 });
  t.throws('InvalidAccessError', () => t.pc({ certificates: [certificate] }));
});
test(CERT, 'webrtc-pc 4.4.2 getConfiguration()', 'a certificate of the configuration is the same object', async (t) => {
  const certificate = await generate(ecdsa);
  t.equal(t.pc({ certificates: [certificate] }).getConfiguration().certificates[0], certificate);
});
test(CERT, 'webrtc-pc 4.9.2 getFingerprints()', 'fingerprints are in lower case, with the names of their hashes', async (t) => {
  const list = (await generate(ecdsa)).getFingerprints();
  t.ok(list.length > 0, 'there is none');
  for (const { algorithm, value } of list) {
    t.match(algorithm, /^sha-(256|384|512|1|224)$/, 'algorithm');
    t.match(value, /^([0-9a-f]{2}:)+[0-9a-f]{2}$/, 'value');
  }
});
for (const [what, algorithm] of Object.entries({ ECDSA: ecdsa, RSA: rsa }))
  test(CERT, 'webrtc-pc 4.4.2 createOffer()', `the offer has the fingerprint of an ${what} certificate`, async (t) => {
    const certificate = await generate(algorithm);
    const pc = t.pc({ certificates: [certificate] });
    pc.createDataChannel('');
    const { sdp } = await pc.createOffer();
    const [, hash, value] = sdp.match(/a=fingerprint:(\S+) (\S+)/);
    const own = certificate.getFingerprints().find(({ algorithm: name }) => name === hash);
    t.equal(value.toLowerCase(), own.value);
  });
test(CERT, 'webrtc-pc 4.9.2', 'two certificates differ', async (t) => {
  const [x, y] = [await generate(ecdsa), await generate(ecdsa)];
  t.different(x.getFingerprints()[0].value, y.getFingerprints()[0].value, 'the fingerprint');
});
test(CERT, `${SET} 3.1`, 'another number of certificates is an InvalidModificationError', async (t) => {
  const certificate = await generate(ecdsa);
  t.throws('InvalidModificationError', () => t.pc().setConfiguration({ certificates: [certificate] }));
  t.throws('InvalidModificationError', () => t.pc({ certificates: [certificate] }).setConfiguration({}));
});
test(CERT, `${SET} 3.3.1`, 'another certificate is an InvalidModificationError', async (t) => {
  const [x, y] = [await generate(ecdsa), await generate(ecdsa)];
  t.throws('InvalidModificationError', () => t.pc({ certificates: [x] }).setConfiguration({ certificates: [y] }));
});
test(CERT, `${SET} 3.3.1`, 'the same certificate may be given again', async (t) => {
  const certificates = [await generate(ecdsa)];
  t.pc({ certificates }).setConfiguration({ certificates });
});
for (const [what, algorithm] of Object.entries({ ECDSA: ecdsa, RSA: rsa }))
  test(CERT, 'webrtc-pc 4.2.1 certificates', `two sides connect with ${what}`, async (t) => {
    const { a } = await t.connectedPair({ certificates: [await generate(algorithm)] });
    await t.connected(a);
  });
test(CERT, 'RFC 8122 5', 'a wrong fingerprint fails the connection', async (t) => {
  const [a, b] = t.pair();
  a.createDataChannel('');
  await a.setLocalDescription();
  const sdp = a.localDescription.sdp.replace(/a=fingerprint:sha-256 \S+/g, `a=fingerprint:sha-256 ${Array(32).fill('00').join(':')}`);
  await b.setRemoteDescription({ type: 'offer', sdp });
  await t.answer(b, a);
  await t.when(b, 'connectionstatechange', () => b.connectionState === 'failed');
});
