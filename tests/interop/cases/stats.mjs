// What getStats() says about the streams of one connection, and what changed between two such readings.

/** { outbound: { audio, video }, inbound: { audio, video }, codecs, pair } of the running streams. */
export async function readStats(pc) {
  const reading = { at: 0, outbound: {}, inbound: {}, codecs: {}, pair: undefined };
  const report = await pc.getStats();
  for (const entry of report.values()) {
    reading.at = Math.max(reading.at, entry.timestamp);
    // With rtx a stream can have several entries; the one that moved most is the stream itself.
    if (entry.type === 'outbound-rtp') keepLarger(reading.outbound, entry, 'packetsSent');
    if (entry.type === 'inbound-rtp') keepLarger(reading.inbound, entry, 'packetsReceived');
    if (entry.type === 'codec') reading.codecs[entry.id] = entry;
    if (entry.type === 'candidate-pair' && entry.nominated && entry.state === 'succeeded') reading.pair = entry;
  }
  return reading;
}

function keepLarger(group, entry, counter) {
  const kept = group[entry.kind];
  if (!kept || (entry[counter] ?? 0) > (kept[counter] ?? 0)) group[entry.kind] = entry;
}

/** The codec's MIME type in lower case, as the stream's entry refers to it. */
export function codecOf(reading, entry) {
  return (reading.codecs[entry?.codecId]?.mimeType ?? '').toLowerCase();
}

/** The addresses of both ends of the selected pair, as far as the browser shows them. */
export async function pairAddresses(pc) {
  const report = await pc.getStats();
  for (const entry of report.values()) {
    if (entry.type !== 'candidate-pair' || !entry.nominated || entry.state !== 'succeeded') continue;
    const ends = [entry.localCandidateId, entry.remoteCandidateId].map((id) => report.get(id));
    return ends.map((end) => end?.address).filter((address) => address);
  }
  return [];
}
