// The table of docs/offer-answer.md: who accepts whose descriptions, by what passed.
import { readFile, writeFile } from 'node:fs/promises';

const COLUMNS = {
  Chromium: 'chromium', Firefox: 'firefox', libwebrtc: 'libwebrtc', libdatachannel: 'libdatachannel', werift: 'werift',
  aiortc: 'aiortc', pion: 'pion', webrtcbin: 'webrtcbin',
};

/** By the cases of exchange.mjs; for the programs that do not run those, the calls that stand for them. */
const ROWS = {
  'data': 'data channel',
  'audio': 'audio',
  'video': 'video',
  'audio-video': 'audio and video',
  'audio-video-data': 'audio, video, data',
  'send-only': 'sendonly',
  'receive-only': 'recvonly',
  'inactive': 'inactive, data',
  'simulcast': 'simulcast of three layers',
  'six-media': 'three audio, three video, data',
  'prefers-vp9': 'codec preferences: VP9',
  'prefers-pcmu': 'codec preferences: PCMU',
  'balanced': 'bundle policy balanced, two video',
  'max-compat': 'bundle policy max-compat',
  'max-bundle': 'bundle policy max-bundle',
  'not-bundled': 'no BUNDLE group',
  'stopped': 'an m-line stopped',
  'recycled': 'its m-line used again',
  'ice-restart': 'ICE restart',
};
const CALLS = {
  aiortc: { data: 'strings', 'audio-video': 'audio-video' },
  pion: { data: 'strings', 'audio-video': 'media' },
  webrtcbin: { data: 'strings', 'audio-video': 'audio-video', 'audio-video-data': 'audio-video-data', audio: 'audio', video: 'video' },
};

/** Where they offer and where we do: names of the two cases of a cell. */
function casesOf(stack, row) {
  const call = CALLS[stack]?.[row];
  if (CALLS[stack]) return call ? [`${stack}/${call}`, `${stack}-answer/${call}`] : [];
  return [`${stack}-sdp/${row}`, `${stack}-answer-sdp/${row}`];
}

const IN_TABLE = new Set(Object.values(COLUMNS).flatMap((stack) => Object.keys(ROWS).flatMap((row) => casesOf(stack, row))));
const isCorpus = (name) => /-corpus\//.test(name);

export const isInTable = (name) => isCorpus(name) || IN_TABLE.has(name);

/** What one cell says: blank where nothing was tried. */
function cell(results, stack, row) {
  const [theirs, ours] = casesOf(stack, row).map((name) => results.get(name));
  if (theirs === undefined && ours === undefined) return '';
  if (theirs && ours) return 'both';
  if (theirs === undefined ? ours : ours === undefined && theirs) return theirs ? 'they offer' : 'we offer';
  return theirs ? 'not our offer' : ours ? 'not our answer' : 'neither';
}

function corpusLines(results) {
  return Object.entries(COLUMNS).flatMap(([column, stack]) => {
    const tried = [...results].filter(([name]) => name.startsWith(`${stack}-corpus/`));
    return tried.map(([name, passed]) => `- ${column}, those of ${name.split('/')[1]}: ${passed ? 'all' : 'not all'}`);
  });
}

function render(results) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [
    line(['', ...Object.keys(COLUMNS)]),
    line(['---', ...Object.keys(COLUMNS).map(() => '---')]),
    ...Object.entries(ROWS).map(([row, text]) => line([text, ...Object.values(COLUMNS).map((stack) => cell(results, stack, row))])),
    '',
    'Descriptions of `tests/vectors/sdp` that went both ways, as below:',
    '',
    ...corpusLines(results),
  ].join('\n');
}

/** Between the two marks of the file; the rest is written by hand. */
export async function writeTable(file, results) {
  const text = await readFile(file, 'utf8');
  const marks = /(<!-- table -->\n)[^]*(<!-- end of the table -->)/;
  if (!marks.test(text)) throw new Error(`${file} has no place for the table`);
  await writeFile(file, text.replace(marks, (_, begin, end) => `${begin}${render(results)}\n${end}`));
}
