// libwebrtc (npm @roamhq/wrtc) as one end of a call.
import { createInterface } from 'node:readline';
import { load } from '../../interop/lib/paths.mjs';
import { makePeer } from './w3c.mjs';

const print = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);
const take = makePeer(load('@roamhq/wrtc').RTCPeerConnection, print);

createInterface({ input: process.stdin })
  .on('line', (line) => take(JSON.parse(line)))
  .on('close', () => process.exit());
print({ event: 'ready' });
