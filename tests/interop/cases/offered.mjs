// Offers of the peer under test that are not of the ordinary kind: another certificate, several transports.
import { withConnection } from './connect.mjs';
import { camera } from './source.mjs';
import { readStats } from './stats.mjs';
import { assertEqual, until } from './wait.mjs';

const withoutGroup = (sdp) => sdp.replace(/^a=group:BUNDLE.*\r\n/gm, '');

/** Audio, video and data answered; the browser is to see so many transports in the end. */
async function offered(world, options, transports) {
  const stream = await camera();
  let channel;
  try {
    await withConnection(world, {
      media: true,
      ...options,
      prepare(pc) {
        stream.getTracks().forEach((track) => pc.addTrack(track, stream));
        pc.ondatachannel = (event) => { channel = event.channel; };
      },
    }, async ({ pc }) => {
      await until('connected', () => pc.connectionState === 'connected');
      for (const kind of ['audio', 'video'])
        await until(`${kind} back`, async () => (await readStats(pc)).inbound[kind]?.packetsReceived > 20, 15000);
      await until('the offered channel', () => channel?.readyState === 'open');
      assertEqual(new Set(pc.getSenders().map((sender) => sender.transport).concat(pc.sctp.transport)).size, transports, 'transports');
    });
  } finally {
    stream.getTracks().forEach((track) => track.stop());
  }
}

export const cases = {
  'rsa-certificate': (world) => offered(world, { offererOptions: ['rsa'] }, 1),
  'max-compat-bundled': (world) => offered(world, { offererOptions: ['max-compat'] }, 1),
  'max-compat-apart': (world) => offered(world, { offererOptions: ['max-compat'], mungeOffer: withoutGroup }, 3),
};
