// The groups of cases/reach.mjs: a browser and an echo peer of its own for each way, with coturn where relays are used.
import { Coturn } from './coturn.mjs';
import { startEcho } from './echo.mjs';
import { missingProgram } from './paths.mjs';
import { Relay } from './relay.mjs';

const LIMIT = 60;
const RATES = ['--max-per-ip', '1000', '--max-rate', '1000'];

/**
 * By name: the body in cases/reach.mjs, the transport from the browser and from our peer to the server, and the flavour of
 * the browser. Relays are on loopback, so a browser with host candidates needs one there to reach them.
 */
const WAYS = {
  'browser-relay-udp': { body: 'browser-relays', transport: 'udp' },
  'browser-relay-tcp': { body: 'browser-relays', transport: 'tcp' },
  'browser-relay-tls': { body: 'browser-relays', transport: 'tls', flavour: 'anyCertificate' },
  'peer-relay-udp': { body: 'peer-relays', peerTransport: 'udp', flavour: 'loopback' },
  'peer-relay-tcp': { body: 'peer-relays', peerTransport: 'tcp', flavour: 'loopback' },
  'peer-relay-tls': { body: 'peer-relays', peerTransport: 'tls', flavour: 'loopback' },
  'both-relay': { body: 'both-relay', transport: 'udp', peerTransport: 'udp' },
  'tcp-only': { body: 'tcp-only' },
  'local-names': { body: 'local-names', flavour: 'hidden' },
};

async function endCleanly(child) {
  const result = await child.stop('SIGINT');
  if (result !== 0) throw new Error(`the echo peer ended with ${result}: ${child.complaint}`);
}

async function runWay(browser, way, context) {
  const { body, transport, peerTransport, flavour = 'media' } = way;
  const needsServer = transport || peerTransport;
  const started = [];
  const keep = (thing) => started.unshift(thing) && thing;
  try {
    const server = needsServer && keep(await Coturn.start());
    let { relay } = context;
    if (peerTransport) {
      if (!context.echoProgram) throw new Error('needs an echo peer of its own: give --echo');
      const { url, child } = await startEcho(context.echoProgram, [], [...RATES, ...server.echoFlags(peerTransport)]);
      keep({ stop: () => endCleanly(child) });
      relay = keep(new Relay(url));
      await relay.start();
    }
    return await browser.runCase(relay.url, {
      file: 'reach',
      name: body,
      flavour,
      world: { direction: 'offer', transport, iceServer: transport && server.iceServer(transport) },
    });
  } finally {
    for (const thing of started) await thing.stop();
  }
}

/** `browser` is shared with the other groups of its name. */
export function reachGroup(browser, missing, close) {
  return {
    name: `${browser.name}-reach`,
    offers: true,
    missing: () => missing() ?? missingProgram('/usr/bin/turnserver'),
    close,
    cases: Object.entries(WAYS).map(([name, way]) => ({
      name,
      limit: () => LIMIT,
      run: (context) => runWay(browser, way, context),
    })),
  };
}
