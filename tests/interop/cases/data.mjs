// Data channels: every case sends messages and requires each of them back, same type and bytes.
import { Channel, assertSame, pattern } from './channel.mjs';
import { Connection, withConnection } from './connect.mjs';
import { assert, assertEqual, until } from './wait.mjs';

const MIB = 1 << 20;

/** A connection with one open channel. */
async function withChannel(world, init, body, options = {}) {
  let channel;
  const prepare = (pc) => { channel = Channel.create(pc, 'echo', init); };
  await withConnection(world, { prepare, ...options }, async (connection) => {
    await channel.opened();
    await body(channel, connection);
  });
}

async function strings(world) {
  await withChannel(world, {}, async (channel) => {
    for (const text of ['hello', 'x', 'příliš žluťoučký 🐦', 'a'.repeat(1200), 'b'.repeat(16384)])
      await channel.roundTrip(text);
  });
}

async function binary(world) {
  await withChannel(world, {}, async (channel) => {
    for (const size of [1, 2, 3, 4, 5, 255, 1024, 1155, 1156, 1157, 1200, 16384, 65535])
      await channel.roundTrip(pattern(size, size));
  });
}

async function empty(world) {
  await withChannel(world, {}, async (channel) => {
    await channel.roundTrip('');
    await channel.roundTrip(new Uint8Array(0));
    await channel.roundTrip('after the empty ones');
  });
}

/** The size that ECHO.md promises at least, and the largest that Chromium sends. */
async function large(world) {
  await withChannel(world, {}, async (channel) => {
    for (let i = 0; i < 4; i++) await channel.roundTrip(pattern(262144, i));
    await channel.roundTrip('c'.repeat(262144));
  });
}

async function thousandInOrder(world) {
  const message = (i) => (i % 2 ? `message ${i} ${'.'.repeat(i % 700)}` : pattern(1 + (i % 1500), i));
  await withChannel(world, {}, async (channel) => {
    for (let i = 0; i < 1000; i++) await channel.sendPaced(message(i));
    for (let i = 0; i < 1000; i++) assertSame(await channel.next(), message(i));
    assertEqual(channel.messages.length, 0, 'number of messages too many');
  });
}

async function twentyChannels(world) {
  const channels = [];
  const prepare = (pc) => {
    for (let i = 0; i < 20; i++) channels.push(Channel.create(pc, `channel ${i}`, { protocol: `p${i}` }));
  };
  await withConnection(world, { prepare }, async () => {
    for (const channel of channels) await channel.opened();
    for (let round = 0; round < 5; round++) {
      channels.forEach((channel, i) => channel.send(`round ${round} of channel ${i}`));
      for (const [i, channel] of channels.entries())
        assertSame(await channel.next(), `round ${round} of channel ${i}`);
    }
    assertEqual(new Set(channels.map((channel) => channel.raw.id)).size, 20, 'number of different ids');
  });
}

/** Nothing is lost on loopback, but nothing promises that: most must come back, each once and unchanged. */
async function unreliable(world, init) {
  await withChannel(world, init, async (channel) => {
    const waiting = new Set();
    for (let i = 0; i < 200; i++) {
      waiting.add(`datagram ${i}`);
      channel.send(`datagram ${i}`);
      if (i % 10 === 9) await until('some echoes', () => channel.messages.length > i - 40, 5000);
    }
    await until('190 of 200 messages', () => channel.messages.length >= 190, 5000);
    for (const message of channel.messages)
      assert(waiting.delete(message), `'${message}' came twice or was never sent`);
  });
}

async function negotiated(world) {
  const init = { negotiated: true, id: 42 };
  const options = { channels: [{ id: 42, label: 'nego', ordered: true }] };
  await withChannel(world, init, async (channel) => {
    await channel.roundTrip('nobody announced this channel');
    await channel.roundTrip(pattern(5000));
  }, options);
}

async function reopen(world) {
  await withChannel(world, {}, async (keeper, connection) => {
    let id;
    for (let round = 0; round < 5; round++) {
      const channel = await Channel.create(connection.pc, 'again').opened();
      await channel.roundTrip(`round ${round}`);
      // The lowest free id is taken again only when the peer has reset its side of the stream too.
      if (round > 0 && world.reusesIds) assertEqual(channel.raw.id, id, 'id of the reopened channel');
      id = channel.raw.id;
      channel.raw.close();
      await channel.closed();
    }
    await keeper.roundTrip('still here');
  });
}

async function peerOpens(world) {
  await withChannel(world, { protocol: 'x-echo-open' }, async (channel, connection) => {
    const known = connection.incoming.length;
    for (const label of ['first', 'second']) await channel.roundTrip(label);
    await until('two channels from the peer', () => connection.incoming.length >= known + 2);
    for (const [i, label] of ['first', 'second'].entries()) {
      const opened = connection.incoming[known + i];
      assertEqual(opened.raw.label, label, 'label of the channel that the peer opened');
      await opened.opened();
      await opened.roundTrip(`on ${label}`);
    }
  });
}

async function peerCloses(world) {
  await withChannel(world, {}, async (keeper, connection) => {
    const channel = await Channel.create(connection.pc, 'short', { protocol: 'x-echo-close' }).opened();
    await channel.roundTrip('close me');
    assertEqual(channel.raw.readyState, 'open', 'state right after the echo');
    await channel.closed();
    await keeper.roundTrip('the others stay');
  });
}

async function sha256(parts) {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', whole));
  return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

async function bulk(world, mebibytes, messageSize) {
  await withChannel(world, {}, async (channel) => {
    const sent = [];
    const count = (mebibytes * MIB) / messageSize;
    for (let i = 0; i < count; i++) {
      sent.push(pattern(messageSize, i + 1));
      await channel.sendPaced(sent[i]);
    }
    let seen = 0;
    while (channel.messages.length < count) {
      await until(() => `more than ${seen} of ${count} messages back`, () => channel.messages.length > seen, 10000);
      seen = channel.messages.length;
    }
    assertEqual(await sha256(channel.messages), await sha256(sent), 'SHA-256 of what came back');
  });
}

/** The peer that offers opens a channel of its own and greets on it; what we answer comes back. */
async function offeredChannel(world) {
  await withConnection(world, {}, async (connection) => {
    await until('the channel of the peer', () => connection.incoming.length > 0);
    const channel = await connection.incoming[0].opened();
    assertSame(await channel.next(), 'hello');
    await channel.roundTrip('thank you');
  });
}

/** Ten peer connections one after another, each closed at once: set-up must not lean on timers. */
async function manyConnections(world) {
  for (let i = 0; i < 10; i++) {
    let channel;
    const connection = await Connection.open(world, { prepare: (pc) => { channel = Channel.create(pc, `n${i}`); } });
    await channel.opened();
    await channel.roundTrip(`connection ${i}`);
    connection.close();
  }
}

export const cases = {
  strings,
  binary,
  empty,
  large,
  'thousand-in-order': thousandInOrder,
  'twenty-channels': twentyChannels,
  'unordered-unreliable': (world) => unreliable(world, { ordered: false, maxRetransmits: 0 }),
  'limited-lifetime': (world) => unreliable(world, { ordered: false, maxPacketLifeTime: 500 }),
  negotiated,
  reopen,
  'peer-opens': peerOpens,
  'peer-closes': peerCloses,
  'bulk-64-mib': (world) => bulk(world, 64, 65536),
  'bulk-8-mib': (world) => bulk(world, 8, 16384),
  'offered-channel': offeredChannel,
  'many-connections': manyConnections,
};
