"""The moving picture that goes through other stacks, drawn, read and compared as tests/support/scene.c does."""
import numpy

TILE, COLUMNS, CUT = 256, 20, 90
WHITE, BLACK, CHECK = 220, 30, 10
MOMENTS = 2**20  # milliseconds


def triangle(a, period):
    rest = a % period
    return numpy.where(rest < period // 2, rest, period - rest)


def bounce(n, reach):
    at = n % (2 * reach)
    return at if at < reach else 2 * reach - at


def make_tile():
    y, x = numpy.mgrid[0:TILE, 0:TILE].astype(numpy.uint32)
    noise = (x * numpy.uint32(2654435761)) ^ (y * numpy.uint32(2246822519))
    noise = (noise ^ (noise >> 15)) * numpy.uint32(2654435761)
    return (70 + triangle(x, 256) // 4 + triangle(y, 128) // 4 + ((x >> 4 ^ y >> 4) & 1) * 20 + (noise >> 31)).astype(numpy.uint8)


GROUND = numpy.tile(make_tile(), (4, 5))


def nibbles(number, moment):
    found = [number >> shift & 15 for shift in (0, 4, 8, 12)] + [moment >> shift & 15 for shift in (0, 4, 8, 12, 16)]
    check = CHECK
    for nibble in found:
        check ^= nibble
    return found + [check]


def draw_disc(luma, number, i):
    height, width = luma.shape
    bottom, r = height // 8 * 7, height // (6 + 2 * i)
    cx, cy = r + bounce(number * (5 + 2 * i), width - 2 * r), r + bounce(number * (3 + i), bottom - 2 * r)
    dy, dx = numpy.mgrid[-r:r, -r:r]
    square = luma[cy - r : cy + r, cx - r : cx + r]
    inside = dx * dx + dy * dy < r * r
    square[inside] = (190 - 50 * i + (dx + dy + 1024) // 8 - 128)[inside]


def draw_mark(luma, number, moment):
    height, width = luma.shape
    bits = [nibble >> bit & 1 for nibble in nibbles(number, moment) for bit in range(4)]
    shades = numpy.where(numpy.array(bits).reshape(2, COLUMNS), WHITE, BLACK).astype(numpy.uint8)
    column = numpy.arange(width) * COLUMNS // width
    luma[height // 8 * 7 : height // 16 * 15] = shades[0][column]
    luma[height // 16 * 15 :] = shades[1][column]


def draw(width, height, number, moment):
    """The luma of a picture; the moment is the wall clock in milliseconds."""
    number %= 65536
    scene = number // CUT
    dx, dy = (1, TILE - 2, 3, 0)[scene % 4] * number % TILE, (1, 0, TILE - 1, 2)[scene % 4] * number % TILE
    luma = GROUND[dy : dy + height, dx : dx + width] + numpy.uint8(40 if scene % 2 else 0)
    for i in range(3):
        draw_disc(luma, number, i)
    draw_mark(luma, number, moment % MOMENTS)
    return luma


def colour(width, height, number):
    """The planes U and V."""
    width, height = width // 2, height // 2
    across = numpy.broadcast_to(112 + numpy.arange(width) * 32 // width, (height, width)).astype(numpy.uint8)
    down = numpy.broadcast_to((144 - numpy.arange(height) * 32 // height)[:, None], (height, width)).astype(numpy.uint8)
    across[height // 8 * 7 :] = down[height // 8 * 7 :] = 128
    return (down, across) if number % 65536 // CUT % 2 else (across, down)


def read(luma):
    """(number, moment), or None where they cannot be read."""
    height, width = luma.shape
    x = (2 * numpy.arange(COLUMNS) + 1) * width // (2 * COLUMNS)
    bits = numpy.concatenate([luma[height * 29 // 32, x], luma[height * 31 // 32, x]]) > (WHITE + BLACK) // 2
    found = [sum(int(bits[4 * i + bit]) << bit for bit in range(4)) for i in range(10)]
    check = 0
    for nibble in found:
        check ^= nibble
    if check != CHECK:
        return None
    value = sum(nibble << 4 * i for i, nibble in enumerate(found[:9]))
    return value % 65536, value >> 16


def ssim(a, b):
    """Structural similarity of two planes: mean over blocks of 8 by 8."""
    height, width = (side // 8 * 8 for side in a.shape)
    blocks = [plane[:height, :width].astype(float).reshape(height // 8, 8, width // 8, 8).swapaxes(1, 2).reshape(-1, 64) for plane in (a, b)]
    (mean_a, mean_b), (var_a, var_b) = [block.mean(1) for block in blocks], [block.var(1) for block in blocks]
    both = (blocks[0] * blocks[1]).mean(1) - mean_a * mean_b
    top = (2 * mean_a * mean_b + 6.5025) * (2 * both + 58.5225)
    return float((top / ((mean_a**2 + mean_b**2 + 6.5025) * (var_a + var_b + 58.5225))).mean())
