"""Photos of pizzas: what is let in, by content and never by name, and the sizes made of it. By Pillow."""

import io

from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS = ("JPEG", "PNG", "WEBP")
MOST_PIXELS = 40_000_000  # what a telephone takes; decoded, three bytes each
SIDES = (160, 320, 640, 1280)
QUALITY = 82
Image.MAX_IMAGE_PIXELS = None  # the limit above is lower than Pillow's, and asked before a pixel is decoded


class NoPhoto(ValueError):
    """Its text is a sentence for people."""


def look(content):
    """(width, height) as the head of the file says, without decoding a single pixel.

    Errors: NoPhoto.
    """
    with _opened(content) as image:
        return image.size


def sizes(content):
    """(name, bytes) of each size, smallest first, upright and without what the camera wrote into it."""
    with _opened(content) as image:
        try:
            upright = ImageOps.exif_transpose(image).convert("RGB")
        except (OSError, ValueError, SyntaxError):
            raise NoPhoto("The picture is damaged: only part of it can be read.") from None
    for side in SIDES:
        smaller = upright.copy()
        smaller.thumbnail((side, side))
        made = io.BytesIO()
        smaller.save(made, "WEBP", quality=QUALITY)
        yield f"{side}.webp", smaller.size, made.getvalue()


def _opened(content):
    try:
        image = Image.open(io.BytesIO(content), formats=FORMATS)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        raise NoPhoto(
            "This is no picture that we can read, whatever its name says: JPEG, PNG and WebP are."
        ) from None
    width, height = image.size
    if width * height > MOST_PIXELS:
        limit = f"{MOST_PIXELS // 1_000_000} million in all are the limit."
        raise NoPhoto(f"This picture has {width:,} x {height:,} pixels. {limit}")
    return image
