// Data channels: webrtc-pc 6.2, RFC 8831, RFC 8832.
import { test } from '../harness.mjs';

const AREA = 'data channels';
const CREATE = 'webrtc-pc 6.1 createDataChannel()';
const SEND = 'webrtc-pc 6.2 send()';

// ---- creating ----

test(AREA, `${CREATE} 4`, 'the label is kept', (t) => t.equal(t.pc().createDataChannel('chat').label, 'chat'));
test(AREA, `${CREATE} 4`, 'the label may be empty', (t) => t.equal(t.pc().createDataChannel('').label, ''));
test(AREA, `${CREATE} 4`, 'two channels may have the same label', (t) => {
  const pc = t.pc();
  t.different(pc.createDataChannel('x'), pc.createDataChannel('x'));
});
test(AREA, `${CREATE} 4, Web IDL`, 'the label is a string', (t) => {
  t.equal(t.pc().createDataChannel(null).label, 'null');
  t.equal(t.pc().createDataChannel(undefined).label, 'undefined');
  t.equal(t.pc().createDataChannel(12).label, '12');
});
test(AREA, `${CREATE} 4, Web IDL`, 'a lone surrogate in the label becomes U+FFFD', (t) => {
  t.equal(t.pc().createDataChannel('\uD800').label, '\uFFFD');
});
test(AREA, `${CREATE}, Web IDL`, 'without a label it is a TypeError', (t) => {
  t.throws('TypeError', () => t.pc().createDataChannel());
});
test(AREA, `${CREATE} 5`, 'a label above 65,535 bytes is a TypeError', (t) => {
  t.throws('TypeError', () => t.pc().createDataChannel('l'.repeat(65536)));
});
test(AREA, `${CREATE} 5`, 'bytes of a label are counted as UTF-8', (t) => {
  t.throws('TypeError', () => t.pc().createDataChannel('\u00B5'.repeat(32768)));
});
test(AREA, `${CREATE} 5`, 'a label of 65,535 bytes is taken', (t) => {
  t.equal(t.pc().createDataChannel('l'.repeat(65535)).label.length, 65535);
});
test(AREA, `${CREATE} 2`, 'on a closed connection it is an InvalidStateError', (t) => {
  const pc = t.pc();
  pc.close();
  t.throws('InvalidStateError', () => pc.createDataChannel(''));
});

const defaults = { ordered: true, maxPacketLifeTime: null, maxRetransmits: null, protocol: '', negotiated: false, id: null,
  readyState: 'connecting', bufferedAmount: 0, bufferedAmountLowThreshold: 0, binaryType: 'arraybuffer' };
for (const [name, value] of Object.entries(defaults))
  test(AREA, 'webrtc-pc 6.2.1 create an RTCDataChannel', `${name} of a new channel is ${JSON.stringify(value)}`, (t) => {
    t.equal(t.pc().createDataChannel('')[name], value, name);
  });

test(AREA, `${CREATE} 9`, 'ordered false is kept', (t) => t.equal(t.pc().createDataChannel('', { ordered: false }).ordered, false));
for (const value of [0, 1, 65535]) {
  test(AREA, `${CREATE} 8`, `maxRetransmits ${value} is kept`, (t) => {
    const channel = t.pc().createDataChannel('', { maxRetransmits: value });
    t.equal(channel.maxRetransmits, value, 'maxRetransmits');
    t.equal(channel.maxPacketLifeTime, null, 'maxPacketLifeTime');
  });
  test(AREA, `${CREATE} 7`, `maxPacketLifeTime ${value} is kept`, (t) => {
    const channel = t.pc().createDataChannel('', { maxPacketLifeTime: value });
    t.equal(channel.maxPacketLifeTime, value, 'maxPacketLifeTime');
    t.equal(channel.maxRetransmits, null, 'maxRetransmits');
  });
}
for (const name of ['maxRetransmits', 'maxPacketLifeTime', 'id'])
  for (const value of [-1, 65536])
    test(AREA, `${CREATE}, Web IDL`, `${name} ${value} is a TypeError`, (t) => {
      t.throws('TypeError', () => t.pc().createDataChannel('', { [name]: value, negotiated: true }));
    });
test(AREA, `${CREATE} 15`, 'both limits at once are a TypeError', (t) => {
  t.throws('TypeError', () => t.pc().createDataChannel('', { maxRetransmits: 1, maxPacketLifeTime: 1 }));
});
test(AREA, `${CREATE} 10`, 'the protocol is kept', (t) => t.equal(t.pc().createDataChannel('', { protocol: 'foo' }).protocol, 'foo'));
test(AREA, `${CREATE} 11`, 'a protocol above 65,535 bytes is a TypeError', (t) => {
  t.throws('TypeError', () => t.pc().createDataChannel('', { protocol: 'p'.repeat(65536) }));
});
test(AREA, `${CREATE} 13`, 'a negotiated channel keeps its id', (t) => {
  const channel = t.pc().createDataChannel('', { negotiated: true, id: 42 });
  t.equal(channel.negotiated, true, 'negotiated');
  t.equal(channel.id, 42, 'id');
});
test(AREA, `${CREATE} 13`, 'a negotiated channel may have id 0', (t) => {
  t.equal(t.pc().createDataChannel('', { negotiated: true, id: 0 }).id, 0);
});
test(AREA, `${CREATE} 14`, 'a negotiated channel without an id is a TypeError', (t) => {
  t.throws('TypeError', () => t.pc().createDataChannel('', { negotiated: true }));
});
test(AREA, `${CREATE} 13`, 'without negotiated the id is not looked at', (t) => {
  t.equal(t.pc().createDataChannel('', { id: 42 }).id, null);
});
test(AREA, `${CREATE} 18`, 'id 65535 is a TypeError', (t) => {
  t.throws('TypeError', () => t.pc().createDataChannel('', { negotiated: true, id: 65535 }));
});
test(AREA, `${CREATE} 19`, 'an id in use is an OperationError', (t) => {
  const pc = t.pc();
  pc.createDataChannel('', { negotiated: true, id: 42 });
  t.throws('OperationError', () => pc.createDataChannel('', { negotiated: true, id: 42 }));
});
test(AREA, `${CREATE} 19`, 'an id in use is an OperationError when connected', async (t) => {
  const { a, channel } = await t.connectedPair();
  t.throws('OperationError', () => a.createDataChannel('', { negotiated: true, id: channel.id }));
});
test(AREA, `${CREATE} 19`, 'an id above the negotiated streams is an OperationError when connected', async (t) => {
  const { a } = await t.connectedPair();
  if (a.sctp.maxChannels > 65534) return;
  t.throws('OperationError', () => a.createDataChannel('', { negotiated: true, id: a.sctp.maxChannels }));
});
test(AREA, `${CREATE} 24`, 'the first channel makes negotiation needed', async (t) => {
  const pc = t.pc();
  const needed = t.next(pc, 'negotiationneeded');
  pc.createDataChannel('');
  await needed;
});
test(AREA, `${CREATE} 24`, 'the second channel needs no negotiation', async (t) => {
  const { a } = await t.connectedPair();
  const seen = t.record(a, 'negotiationneeded');
  a.createDataChannel('');
  await t.quiet(a);
  t.same(seen, []);
});

// ---- ids ----

test(AREA, 'RFC 8832 6; webrtc-pc 4.4.1.5 step 4.6.9.2', 'the DTLS client takes even ids, the server odd ones', async (t) => {
  const { a, b, channel } = await t.connectedPair();
  const isClient = /a=setup:active/.test(a.remoteDescription.sdp) ? 1 : 0;
  t.equal(channel.id % 2, isClient, 'the parity of the offerer');
  const back = b.createDataChannel('');
  await t.opened(back);
  t.equal(back.id % 2, 1 - isClient, 'the parity of the answerer');
});
test(AREA, 'webrtc-pc 4.4.1.5 step 4.6.9.2', 'a channel has its id once the answer is set', async (t) => {
  const [a, b] = t.pair();
  const channel = a.createDataChannel('');
  await t.offer(a, b);
  t.equal(channel.id, null, 'the id before');
  await t.answer(b, a);
  t.ok(channel.id !== null, 'there is no id');
});
test(AREA, `${CREATE} 17`, 'a channel of an open association has its id at once', async (t) => {
  const { a } = await t.connectedPair();
  t.ok(a.createDataChannel('').id !== null, 'there is no id');
});
test(AREA, 'RFC 8832 6', 'ids differ', async (t) => {
  const { a } = await t.connectedPair();
  const ids = Array.from({ length: 20 }, () => a.createDataChannel('').id);
  t.equal(new Set(ids).size, 20, 'different ids');
});
test(AREA, 'RFC 8832 6', 'ids that the page took are left out', async (t) => {
  const [a, b] = t.pair();
  for (let id = 0; id < 4; id++) a.createDataChannel('', { negotiated: true, id });
  const channel = a.createDataChannel('');
  await t.negotiate(a, b);
  await t.opened(channel);
  t.ok(channel.id > 3, `the id is ${channel.id}`);
});

// ---- opening ----

test(AREA, 'webrtc-pc 6.2.2 step 3', 'the channel opens with an event', async (t) => {
  const [a, b] = t.pair();
  const channel = a.createDataChannel('');
  const open = t.next(channel, 'open');
  await t.negotiate(a, b);
  await open;
  t.equal(channel.readyState, 'open');
});
test(AREA, 'webrtc-pc 6.2.3 step 6', 'the far end hears of it', async (t) => {
  const [a, b] = t.pair();
  a.createDataChannel('hello');
  const event = t.next(b, 'datachannel');
  await t.negotiate(a, b);
  const { channel } = await event;
  t.ok(channel instanceof RTCDataChannel, 'it is no RTCDataChannel');
  t.equal(channel.label, 'hello', 'label');
});
test(AREA, 'webrtc-pc 6.2.3 steps 4-7', 'the far end\'s channel is open when it is told', async (t) => {
  const [a, b] = t.pair();
  a.createDataChannel('');
  const told = t.next(b, 'datachannel').then(({ channel }) => channel.readyState);
  await t.negotiate(a, b);
  t.equal(await told, 'open', 'readyState in the event');
});
test(AREA, 'webrtc-pc 6.2.3 step 7', 'the far end\'s channel tells of its opening after datachannel', async (t) => {
  const [a, b] = t.pair();
  a.createDataChannel('');
  const order = [];
  const opened = new Promise((resolve) => {
    b.ondatachannel = ({ channel }) => {
      order.push('datachannel');
      channel.onopen = () => {
        order.push('open');
        resolve();
      };
    };
  });
  await t.negotiate(a, b);
  await opened;
  t.same(order, ['datachannel', 'open']);
});
const settings = { ordered: false, maxRetransmits: 3, protocol: 'p', label: 'l' };
for (const name of Object.keys(settings))
  test(AREA, 'webrtc-pc 6.2.3 step 3; RFC 8832 5.1', `the far end knows ${name}`, async (t) => {
    const { label, ...init } = settings;
    const { other } = await t.channelPair(label, init);
    t.equal(other[name], settings[name], name);
  });
test(AREA, 'webrtc-pc 6.2.3 step 3; RFC 8832 5.1', 'the far end knows maxPacketLifeTime', async (t) => {
  const { other } = await t.channelPair('', { maxPacketLifeTime: 100 });
  t.equal(other.maxPacketLifeTime, 100);
});
test(AREA, 'webrtc-pc 6.2.3 step 3; RFC 8832 5.1', 'the far end has the same id, and did not negotiate', async (t) => {
  const { channel, other } = await t.channelPair();
  t.equal(other.id, channel.id, 'id');
  t.equal(other.negotiated, false, 'negotiated');
});
test(AREA, 'RFC 8832 5.1', 'label and protocol travel as UTF-8', async (t) => {
  const { other } = await t.channelPair('Grüße 👋', { protocol: 'π' });
  t.equal(other.label, 'Grüße 👋', 'label');
  t.equal(other.protocol, 'π', 'protocol');
});
test(AREA, 'webrtc-pc 6.2 negotiated', 'negotiated channels open on both sides without an event', async (t) => {
  const [a, b] = t.pair();
  const init = { negotiated: true, id: 5 };
  const x = a.createDataChannel('x', init), y = b.createDataChannel('y', init);
  const seen = t.record(b, 'datachannel');
  await t.negotiate(a, b);
  await Promise.all([t.opened(x), t.opened(y)]);
  await t.quiet(b);
  t.same(seen, []);
  t.equal(y.label, 'y', 'the label of each side');
});
test(AREA, 'webrtc-pc 6.2.2', 'a channel created when connected opens', async (t) => {
  const { a, b } = await t.connectedPair();
  const event = t.next(b, 'datachannel');
  const channel = a.createDataChannel('second');
  await t.opened(channel);
  t.equal((await event).channel.label, 'second');
});
test(AREA, 'RFC 8831 6.4', 'the answerer may open channels', async (t) => {
  const { a, b } = await t.connectedPair();
  const event = t.next(a, 'datachannel');
  b.createDataChannel('back');
  t.equal((await event).channel.label, 'back');
});
test(AREA, 'webrtc-pc 6.2.3', 'channels are told in the order of their creation', async (t) => {
  const [a, b] = t.pair();
  for (let i = 0; i < 5; i++) a.createDataChannel(`${i}`);
  const labels = [];
  const all = new Promise((resolve) => {
    b.ondatachannel = ({ channel }) => { if (labels.push(channel.label) === 5) resolve(); };
  });
  await t.negotiate(a, b);
  await all;
  t.same(labels, ['0', '1', '2', '3', '4']);
});

// ---- messages ----

async function echo(t, data, binaryType = 'arraybuffer') {
  const { channel, other } = await t.channelPair();
  other.binaryType = binaryType;
  const message = t.next(other, 'message');
  channel.send(data);
  return message;
}

test(AREA, `${SEND} 3`, 'send() before it is open is an InvalidStateError', (t) => {
  const channel = t.pc().createDataChannel('');
  t.throws('InvalidStateError', () => channel.send('x'));
});
test(AREA, 'webrtc-pc 6.2.7 step 5', 'a string arrives as a string', async (t) => {
  const event = await echo(t, 'hello');
  t.equal(event.data, 'hello', 'data');
  t.ok(event instanceof MessageEvent, 'it is no MessageEvent');
});
test(AREA, 'RFC 8831 6.6', 'an empty string arrives', async (t) => t.equal((await echo(t, '')).data, ''));
test(AREA, 'webrtc-pc 6.2.7 step 5', 'a string travels as UTF-8', async (t) => {
  t.equal((await echo(t, 'Grüße 👋 \u0000 end')).data, 'Grüße 👋 \u0000 end');
});
test(AREA, `${SEND}, Web IDL`, 'a lone surrogate is sent as U+FFFD', async (t) => t.equal((await echo(t, 'a\uDC00b')).data, 'a\uFFFDb'));
test(AREA, `${SEND}, Web IDL`, 'what is no buffer is sent as a string', async (t) => t.equal((await echo(t, 12)).data, '12'));
test(AREA, 'webrtc-pc 6.2.7 step 4', 'an ArrayBuffer arrives as an ArrayBuffer', async (t) => {
  const { data } = await echo(t, new Uint8Array([1, 2, 255, 0]).buffer);
  t.ok(data instanceof ArrayBuffer, 'it is no ArrayBuffer');
  t.same([...new Uint8Array(data)], [1, 2, 255, 0]);
});
test(AREA, 'RFC 8831 6.6', 'an empty ArrayBuffer arrives', async (t) => {
  const { data } = await echo(t, new ArrayBuffer(0));
  t.ok(data instanceof ArrayBuffer, 'it is no ArrayBuffer');
  t.equal(data.byteLength, 0, 'byteLength');
});
test(AREA, `${SEND}`, 'a view sends only its part', async (t) => {
  const { data } = await echo(t, new Uint8Array([1, 2, 3, 4]).subarray(1, 3));
  t.same([...new Uint8Array(data)], [2, 3]);
});
test(AREA, `${SEND}`, 'a Blob is sent', async (t) => {
  const { data } = await echo(t, new Blob(['abc']));
  t.equal(new TextDecoder().decode(data), 'abc');
});
test(AREA, 'webrtc-pc 6.2.7 step 4', 'binaryType blob gives a Blob', async (t) => {
  const { data } = await echo(t, new Uint8Array([7, 8]), 'blob');
  t.ok(data instanceof Blob, 'it is no Blob');
  t.same([...new Uint8Array(await data.arrayBuffer())], [7, 8]);
});
test(AREA, 'webrtc-pc 6.2 binaryType, Web IDL', 'binaryType takes blob and arraybuffer, and nothing else', (t) => {
  const channel = t.pc().createDataChannel('');
  channel.binaryType = 'blob';
  t.equal(channel.binaryType, 'blob');
  channel.binaryType = 'nothing';
  t.equal(channel.binaryType, 'blob');
});
test(AREA, 'webrtc-pc 6.2.7', 'messages of an ordered channel arrive in order', async (t) => {
  const { channel, other } = await t.channelPair();
  const got = [];
  const all = new Promise((resolve) => {
    other.onmessage = ({ data }) => { if (got.push(Number(data)) === 200) resolve(); };
  });
  for (let i = 0; i < 200; i++) channel.send(`${i}`);
  await all;
  t.same(got, Array.from({ length: 200 }, (_, i) => i));
});
for (const init of [{ ordered: false }, { maxRetransmits: 0 }, { maxPacketLifeTime: 1000 }, { ordered: false, maxRetransmits: 5 }])
  test(AREA, 'RFC 8831 6.1', `a message crosses a channel of ${JSON.stringify(init)}`, async (t) => {
    const { channel, other } = await t.channelPair('', init);
    const message = t.next(other, 'message');
    channel.send('x');
    t.equal((await message).data, 'x');
  });
test(AREA, 'RFC 8831 6.6', 'a message of 200,000 bytes arrives whole', async (t) => {
  const sent = Uint8Array.from({ length: 200000 }, (_, i) => i * 7 + (i >> 8));
  const got = new Uint8Array((await echo(t, sent)).data);
  t.equal(got.length, sent.length, 'length');
  t.ok(got.every((byte, i) => byte === sent[i]), 'a byte differs');
});
test(AREA, 'RFC 8831 6.6', 'both sides send at once', async (t) => {
  const { channel, other } = await t.channelPair();
  const messages = Promise.all([t.next(channel, 'message'), t.next(other, 'message')]);
  channel.send('to');
  other.send('fro');
  t.same((await messages).map(({ data }) => data), ['fro', 'to']);
});
test(AREA, 'webrtc-pc 6.2.2', 'what is sent in onopen arrives', async (t) => {
  const [a, b] = t.pair();
  const channel = a.createDataChannel('');
  channel.onopen = () => channel.send('first');
  const message = new Promise((resolve) => { b.ondatachannel = (event) => { event.channel.onmessage = resolve; }; });
  await t.negotiate(a, b);
  t.equal((await message).data, 'first');
});
test(AREA, 'webrtc-pc 6.2.3', 'what is sent in ondatachannel arrives', async (t) => {
  const [a, b] = t.pair();
  const channel = a.createDataChannel('');
  const message = t.next(channel, 'message');
  b.ondatachannel = (event) => event.channel.send('welcome');
  await t.negotiate(a, b);
  t.equal((await message).data, 'welcome');
});
test(AREA, `${SEND} 4`, 'a message above maxMessageSize is a TypeError', async (t) => {
  const { a, channel } = await t.connectedPair();
  const size = a.sctp.maxMessageSize;
  t.ok(Number.isFinite(size), 'there is no limit');
  t.throws('TypeError', () => channel.send(new Uint8Array(size + 1)));
  t.equal(channel.readyState, 'open', 'readyState');
});
test(AREA, `${SEND} 4`, 'a message of maxMessageSize is taken', async (t) => {
  const { a, channel, far } = await t.connectedPair();
  const message = t.next(far, 'message');
  channel.send(new Uint8Array(a.sctp.maxMessageSize));
  t.equal((await message).data.byteLength, a.sctp.maxMessageSize);
});
test(AREA, `${SEND}, Web IDL`, 'send() without an argument is a TypeError', async (t) => {
  const { channel } = await t.channelPair();
  t.throws('TypeError', () => channel.send());
});

// ---- bufferedAmount ----

test(AREA, `${SEND} 6`, 'bufferedAmount grows by the bytes of each send()', async (t) => {
  const { channel } = await t.channelPair();
  channel.send('abc');
  t.equal(channel.bufferedAmount, 3);
  channel.send(new Uint8Array(5));
  t.equal(channel.bufferedAmount, 8);
});
test(AREA, `${SEND} 6`, 'bufferedAmount counts a string in UTF-8', async (t) => {
  const { channel } = await t.channelPair();
  channel.send('\u00B5\u20AC');
  t.equal(channel.bufferedAmount, 5);
});
test(AREA, 'webrtc-pc 6.2 bufferedAmount', 'bufferedAmount falls to 0, in a task of its own', async (t) => {
  const { channel } = await t.channelPair();
  const low = t.next(channel, 'bufferedamountlow');
  channel.send('abc');
  await null;
  t.equal(channel.bufferedAmount, 3, 'in the same task');
  await low;
  t.equal(channel.bufferedAmount, 0, 'later');
});
test(AREA, 'webrtc-pc 6.2 bufferedAmount', 'bufferedAmount stays after closing', async (t) => {
  const { channel } = await t.channelPair();
  channel.send(new Uint8Array(1000));
  channel.close();
  t.equal(channel.bufferedAmount, 1000);
});
test(AREA, 'webrtc-pc 6.2.7 bufferedAmountLowThreshold', 'bufferedamountlow comes at the threshold', async (t) => {
  const { channel } = await t.channelPair();
  channel.bufferedAmountLowThreshold = 100000;
  const low = t.next(channel, 'bufferedamountlow');
  for (let i = 0; i < 4; i++) channel.send(new Uint8Array(60000));
  await low;
  t.ok(channel.bufferedAmount <= 100000, `bufferedAmount is ${channel.bufferedAmount}`);
});
test(AREA, 'webrtc-pc 6.2 bufferedAmountLowThreshold', 'no bufferedamountlow when the amount was below all along', async (t) => {
  const { channel, other } = await t.channelPair();
  channel.bufferedAmountLowThreshold = 1000;
  const seen = t.record(channel, 'bufferedamountlow');
  const message = t.next(other, 'message');
  channel.send('x');
  await message;
  await t.quiet();
  t.same(seen, []);
});
test(AREA, 'webrtc-pc 6.2 bufferedAmountLowThreshold, Web IDL', 'the threshold is an unsigned long', (t) => {
  const channel = t.pc().createDataChannel('');
  channel.bufferedAmountLowThreshold = 4294967295;
  t.equal(channel.bufferedAmountLowThreshold, 4294967295);
});

// ---- closing ----

test(AREA, 'webrtc-pc 6.2 close() 4', 'close() makes it closing', async (t) => {
  const { channel } = await t.channelPair();
  channel.close();
  t.equal(channel.readyState, 'closing');
});
test(AREA, 'webrtc-pc 6.2.5 step 2', 'it ends closed on both sides, with an event', async (t) => {
  const { channel, other } = await t.channelPair();
  const closed = Promise.all([t.next(channel, 'close'), t.next(other, 'close')]);
  channel.close();
  await closed;
  t.equal(channel.readyState, 'closed');
  t.equal(other.readyState, 'closed');
});
test(AREA, 'webrtc-pc 6.2.4', 'the far end hears closing before close, the closer only close', async (t) => {
  const { channel, other } = await t.channelPair();
  const here = t.record(channel, 'closing', 'close'), there = t.record(other, 'closing', 'close');
  const closed = Promise.all([t.next(channel, 'close'), t.next(other, 'close')]);
  channel.close();
  await closed;
  t.same(here, ['close'], 'the closer');
  t.same(there, ['closing', 'close'], 'the far end');
});
test(AREA, 'webrtc-pc 6.2.4', 'the far end is closing in its closing event', async (t) => {
  const { channel, other } = await t.channelPair();
  const state = t.next(other, 'closing').then(() => other.readyState);
  channel.close();
  t.equal(await state, 'closing');
});
test(AREA, 'webrtc-pc 6.2 close() 3', 'close() twice is as once', async (t) => {
  const { channel } = await t.channelPair();
  const seen = t.record(channel, 'close');
  const closed = t.next(channel, 'close');
  channel.close();
  channel.close();
  await closed;
  channel.close();
  await t.quiet();
  t.same(seen, ['close']);
});
test(AREA, `${SEND} 3`, 'send() while closing is an InvalidStateError', async (t) => {
  const { channel } = await t.channelPair();
  channel.close();
  t.throws('InvalidStateError', () => channel.send('x'));
});
test(AREA, `${SEND} 3`, 'send() when closed is an InvalidStateError', async (t) => {
  const { channel } = await t.channelPair();
  const closed = t.next(channel, 'close');
  channel.close();
  await closed;
  t.throws('InvalidStateError', () => channel.send('x'));
});
test(AREA, 'webrtc-pc 6.2.4 step 2', 'what was sent before close() arrives', async (t) => {
  const { channel, other } = await t.channelPair();
  let count = 0;
  other.onmessage = () => { count++; };
  const closed = t.next(other, 'close');
  for (let i = 0; i < 50; i++) channel.send(new Uint8Array(1000));
  channel.close();
  await closed;
  t.equal(count, 50, 'messages');
});
test(AREA, 'webrtc-pc 6.2 close()', 'a channel that is connecting may be closed', async (t) => {
  const [a, b] = t.pair();
  const channel = a.createDataChannel('');
  a.createDataChannel('keeps');
  channel.close();
  t.equal(channel.readyState, 'closing', 'readyState');
  const closed = t.next(channel, 'close');
  await t.negotiate(a, b);
  await closed;
  t.equal(channel.readyState, 'closed');
});
test(AREA, 'RFC 8831 6.7', 'an id is free again after closing', async (t) => {
  const { a, b } = await t.connectedPair();
  const init = { negotiated: true, id: 100 };
  const x = a.createDataChannel('', init), y = b.createDataChannel('', init);
  const closed = Promise.all([t.next(x, 'close'), t.next(y, 'close')]);
  await t.opened(x);
  x.close();
  await closed;
  t.equal(a.createDataChannel('', init).id, 100);
});
test(AREA, 'RFC 8831 6.7', 'another channel stays open', async (t) => {
  const { a, channel, far } = await t.connectedPair();
  const second = a.createDataChannel('');
  await t.opened(second);
  const closed = t.next(second, 'close');
  second.close();
  await closed;
  const message = t.next(far, 'message');
  channel.send('still');
  t.equal((await message).data, 'still');
});
test(AREA, 'webrtc-pc 6.2.5', 'label and id of a closed channel stay', async (t) => {
  const { channel } = await t.channelPair('kept');
  const { id } = channel;
  const closed = t.next(channel, 'close');
  channel.close();
  await closed;
  t.equal(channel.label, 'kept', 'label');
  t.equal(channel.id, id, 'id');
});
test(AREA, 'webrtc-pc 4.4.2 close() 3.6', 'close() of the connection closes its channels at once', async (t) => {
  const { a, channel } = await t.channelPair();
  a.close();
  t.equal(channel.readyState, 'closed');
});
test(AREA, 'webrtc-pc 4.4.2 close() 3.6', 'close() of the connection closes the channels of the far end', async (t) => {
  const { a, other } = await t.channelPair();
  const closed = t.next(other, 'close');
  a.close();
  await closed;
  t.equal(other.readyState, 'closed');
});
test(AREA, 'RFC 8841 10', 'a rejected data section closes nothing by itself', async (t) => {
  const a = t.pc(), b = t.pc();
  const channel = a.createDataChannel('');
  await t.offer(a, b);
  const { sdp } = await b.createAnswer();
  await a.setRemoteDescription({ type: 'answer', sdp: sdp.replace(/^m=application \d+/m, 'm=application 0').replace(/^a=group:BUNDLE.*$/m, 'a=group:BUNDLE') });
  t.equal(a.sctp, null, 'sctp');
  t.different(channel.readyState, 'open', 'readyState');
});
test(AREA, 'webrtc-pc 6.3', 'RTCDataChannelEvent needs its channel', (t) => {
  const channel = t.pc().createDataChannel('');
  t.equal(new RTCDataChannelEvent('datachannel', { channel }).channel, channel);
  t.throws('TypeError', () => new RTCDataChannelEvent('datachannel'));
  t.throws('TypeError', () => new RTCDataChannelEvent('datachannel', {}));
});
