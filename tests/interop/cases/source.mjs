// Sources of media whose return can be recognised: a camera, a tone, and a canvas that counts its frames.

export const WIDTH = 640;
export const HEIGHT = 480;
const BIT = 40;
const FRAMES_PER_SECOND = 30;

export async function camera() {
  const constraints = { video: { width: WIDTH, height: HEIGHT, frameRate: 30 }, audio: true };
  return navigator.mediaDevices.getUserMedia(constraints);
}

/** A 1 kHz tone as a track; stop() ends it. */
export function tone(hertz = 1000) {
  const context = new AudioContext();
  const oscillator = context.createOscillator();
  const destination = context.createMediaStreamDestination();
  oscillator.frequency.value = hertz;
  oscillator.connect(destination);
  oscillator.start();
  context.resume();
  return { context, track: destination.stream.getAudioTracks()[0], stop: () => context.close() };
}

/** Measures a stream: spectrum() gives { hertz, level } of its strongest frequency, level in dB. */
export function listen(context, track) {
  const analyser = context.createAnalyser();
  analyser.fftSize = 4096;
  context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  const bins = new Float32Array(analyser.frequencyBinCount);
  return function spectrum() {
    analyser.getFloatFrequencyData(bins);
    let best = 0;
    for (let i = 1; i < bins.length; i++) if (bins[i] > bins[best]) best = i;
    return { hertz: (best * context.sampleRate) / analyser.fftSize, level: bins[best] };
  };
}

/**
 * A canvas full of moving detail, so that an encoder spends all the bits it is given; a strip at the top shows the
 * frame's number in eight black or white blocks. `contrast` is how many levels of grey, of 256, the detail spans.
 */
export function busyCanvas(contrast = 128, width = WIDTH, height = HEIGHT) {
  const canvas = Object.assign(document.createElement('canvas'), { width, height });
  const pen = canvas.getContext('2d');
  const noise = noisePicture(contrast, width, height);
  let frame = 0;
  const draw = () => {
    frame++;
    const shift = (frame * 7) % width;
    pen.drawImage(noise, shift, 0);
    pen.drawImage(noise, shift - width, 0);
    for (let bit = 0; bit < 8; bit++) {
      pen.fillStyle = frame & (1 << bit) ? '#fff' : '#000';
      pen.fillRect(bit * BIT, 0, BIT, BIT);
    }
  };
  draw();
  const timer = setInterval(draw, 1000 / FRAMES_PER_SECOND);
  // Without a rate every drawn frame is captured; with one, Firefox drops a third of them.
  const track = canvas.captureStream().getVideoTracks()[0];
  return { track, frame: () => frame, stop: () => clearInterval(timer) };
}

function noisePicture(contrast, width, height) {
  const canvas = Object.assign(document.createElement('canvas'), { width, height });
  const pen = canvas.getContext('2d');
  const image = pen.createImageData(width, height);
  for (let i = 0; i < image.data.length; i += 4) {
    image.data[i] = image.data[i + 1] = image.data[i + 2] = 128 + (Math.random() - 0.5) * contrast;
    image.data[i + 3] = 255;
  }
  pen.putImageData(image, 0, 0);
  return canvas;
}

/** Reads the number that busyCanvas() drew from what a video element shows, modulo 256. */
export function shownFrame(video) {
  const canvas = document.createElement('canvas');
  canvas.width = 8 * BIT;
  canvas.height = BIT;
  const pen = canvas.getContext('2d');
  pen.drawImage(video, 0, 0, video.videoWidth * (8 * BIT / WIDTH), video.videoHeight * (BIT / HEIGHT),
    0, 0, 8 * BIT, BIT);
  const { data } = pen.getImageData(0, BIT / 2, 8 * BIT, 1);
  let number = 0;
  for (let bit = 0; bit < 8; bit++) if (data[4 * (bit * BIT + BIT / 2)] > 128) number |= 1 << bit;
  return number;
}
