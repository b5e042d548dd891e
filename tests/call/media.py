"""Films with numbered pictures, tones, and measures of what became of them; screens of Xvfb."""
import struct
import wave
import zlib

import numpy as np

BITS = 16  # blocks along the bottom of a picture: 12 of its number, 4 of their sum
SOUND_RATE = 48000


# ---- films: Y4M, 4:2:0 ----

def _draw(width, height, number, rng):
    """A picture that is not easy to encode: moving waves, a square that bounces, a little noise, and its number."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    luma = 120 + 40 * np.sin((x + 3 * number) / 17) * np.cos((y - 2 * number) / 23) + rng.normal(0, 2, (height, width))
    side = height // 5
    left = abs((number * 7) % (2 * (width - side)) - (width - side))
    top = abs((number * 5) % (2 * (height // 2)) - height // 2)
    luma[top:top + side, left:left + side] = 200
    code = number & 0xfff
    code |= (sum(code >> shift & 15 for shift in (0, 4, 8)) & 15) << 12
    for bit in range(BITS):
        block = slice(bit * width // BITS, (bit + 1) * width // BITS)
        luma[height - height // 10:, block] = 210 if code >> bit & 1 else 40
    half = (height + 1) // 2, (width + 1) // 2
    u = 128 + 50 * np.sin(np.mgrid[0:half[0], 0:half[1]][1] / 31 + number / 9)
    v = np.full(half, 110 + 30 * np.cos(number / 15))
    return [np.clip(plane, 16, 235).astype(np.uint8) for plane in (luma, u, v)]


def write_film(path, width, height, fps, count, seed=1):
    """Writes it; gives the luma of each picture."""
    rng = np.random.default_rng(seed)
    pictures = [_draw(width, height, number, rng) for number in range(count)]
    with open(path, "wb") as file:
        file.write(b"YUV4MPEG2 W%d H%d F%d:1 Ip A1:1 C420jpeg\n" % (width, height, fps))
        for planes in pictures:
            file.write(b"FRAME\n" + b"".join(plane.tobytes() for plane in planes))
    return [planes[0] for planes in pictures]


def read_film(path):
    """The luma of each picture of a file."""
    with open(path, "rb") as file:
        head = file.readline().split()
        words = {word[:1]: word[1:] for word in head[1:]}
        if head[:1] != [b"YUV4MPEG2"]:
            raise ValueError(f"{path} is no Y4M file")
        width, height = int(words[b"W"]), int(words[b"H"])
        size = width * height + 2 * ((width + 1) // 2) * ((height + 1) // 2)
        pictures = []
        while file.readline() == b"FRAME\n":
            data = file.read(size)
            if len(data) < size:
                raise ValueError(f"{path} ends inside of a picture")
            pictures.append(np.frombuffer(data, np.uint8, width * height).reshape(height, width))
    return pictures


def number_of(luma):
    """The number that is in a picture; None: it cannot be read."""
    height, width = luma.shape
    rows = luma[height - height // 15:height - height // 30]
    code = 0
    for bit in range(BITS):
        middle = (2 * bit + 1) * width // (2 * BITS)
        code |= int(rows[:, middle - width // 64:middle + width // 64 + 1].mean() > 125) << bit
    number = code & 0xfff
    return number if sum(number >> shift & 15 for shift in (0, 4, 8)) & 15 == code >> 12 else None


def psnr(a, b):
    """Of two lumas [dB]."""
    error = np.mean((a.astype(np.float64) - b) ** 2)
    return 99.0 if error == 0 else 10 * np.log10(255 ** 2 / error)


def ssim(a, b):
    """The structural similarity of two lumas, the mean over blocks of 8x8."""
    height, width = (side // 8 * 8 for side in a.shape)
    first, second = (p[:height, :width].astype(np.float64).reshape(height // 8, 8, width // 8, 8) for p in (a, b))
    axes = (1, 3)
    m1, m2 = first.mean(axes), second.mean(axes)
    v1, v2 = first.var(axes), second.var(axes)
    both = (first * second).mean(axes) - m1 * m2
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return float(np.mean((2 * m1 * m2 + c1) * (2 * both + c2) / ((m1 ** 2 + m2 ** 2 + c1) * (v1 + v2 + c2))))


class Likeness:
    """What was shown against what was filmed, picture by picture, by their numbers."""

    def __init__(self, filmed, shown):
        numbers = [number_of(picture) for picture in shown]
        self.count = len(shown)
        self.unread = sum(number is None or number >= len(filmed) for number in numbers)
        pairs = [(filmed[number], picture) for number, picture in zip(numbers, shown)
                 if number is not None and number < len(filmed)]
        self.psnr = [psnr(a, b) for a, b in pairs]
        self.ssim = [ssim(a, b) for a, b in pairs]
        # Pictures come in their order; a film begins again at its end.
        read = [number for number in numbers if number is not None]
        self.backwards = sum(0 < before - after < len(filmed) // 2 for before, after in zip(read, read[1:]))

    def __str__(self):
        if not self.ssim:
            return f"{self.count} pictures, none with a number"
        return (f"{self.count} pictures, PSNR {np.mean(self.psnr):.1f} dB (min {min(self.psnr):.1f}), "
                f"SSIM {np.mean(self.ssim):.3f} (min {min(self.ssim):.3f})")


# ---- sound: 48 kHz, mono, 16 bits ----

def tone(hz, seconds, amplitude=8000):
    return (amplitude * np.sin(2 * np.pi * hz * np.arange(int(seconds * SOUND_RATE)) / SOUND_RATE)).astype(np.int16)


def write_wav(path, samples):
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SOUND_RATE)
        file.writeframes(samples.tobytes())


def read_wav(path):
    with wave.open(path) as file:
        if (file.getnchannels(), file.getsampwidth(), file.getframerate()) != (1, 2, SOUND_RATE):
            raise ValueError(f"{path} is of another format")
        return np.frombuffer(file.readframes(file.getnframes()), np.int16)


def share_at(samples, hz, width=15):
    """The share of the energy that lies within |width| Hz of a tone, 0 to 1."""
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    frequency = np.fft.rfftfreq(len(samples), 1 / SOUND_RATE)
    return float(power[np.abs(frequency - hz) <= width].sum() / max(power.sum(), 1))


# ---- screens ----

def read_screen(path):
    """An XWD file, 24 or 32 bits a pixel, as rows of red, green, blue. Xvfb -fbdir keeps its screen in one."""
    with open(path, "rb") as file:
        data = file.read()
    head = struct.unpack(">25I", data[:100])
    size, width, height, bits, line, colors = head[0], head[4], head[5], head[11], head[12], head[19]
    little = head[7] == 0
    if bits != 32 or not little:
        raise ValueError(f"{bits} bits a pixel, {'little' if little else 'big'} end first")
    begin = size + colors * 12
    rows = np.frombuffer(data, np.uint8, line * height, begin).reshape(height, line)[:, :width * 4]
    return rows.reshape(height, width, 4)[:, :, 2::-1]


def write_png(path, picture):
    """Rows of red, green, blue."""
    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
    height, width = picture.shape[:2]
    rows = picture.astype(np.int16)
    up = np.vstack([rows[:1], rows[1:] - rows[:-1]]).astype(np.uint8).reshape(height, width * 3)
    lines = b"".join(b"\2" + row.tobytes() for row in up)  # filter 2: the difference to the row above
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0)) +
                   chunk(b"IDAT", zlib.compress(lines, 9)) + chunk(b"IEND", b""))
