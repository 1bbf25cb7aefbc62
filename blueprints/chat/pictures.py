"""Pictures: judged by what is in them, not by their name; drawn anew, so that nothing else travels along.

A file is decoded and encoded again: no place where it was taken, no second meaning, no more than 2,048 pixels a side.
It lies in var/pictures under a name nobody can guess, and is served only after the rights were asked.
"""

import io
import pathlib
import secrets
from contextlib import contextmanager
from datetime import timedelta

from flask import current_app
from gevent import get_hub
from gevent.monkey import is_module_patched
from PIL import Image, ImageOps, UnidentifiedImageError
from sqlalchemy import select

from blueprints.chat.models import Picture
from blueprints.chat.texts import UnfitMessageError
from database import db, utcnow

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
MAX_PIXELS = 40_000_000  # a bomb says in its head how large it will be
MAX_SIDE = 2048
KEPT_UNUSED = timedelta(days=1)
NOT_A_PICTURE = UnfitMessageError("This file is no picture we can show: JPEG, PNG, WebP and GIF are.")


def draw(file):
    """(JPEG bytes, width, height) of an upload; raises UnfitMessageError with a sentence for whoever sent it. It takes
    a good part of a second: never inside a transaction that writes."""
    return _aside(_drawn_anew, file.read())


@contextmanager
def kept(user, room, drawn):
    """A row and a file for what was drawn, or None for nothing. If the block fails, which does what comes before the
    commit, the file goes again: nothing else would ever find it."""
    if drawn is None:
        yield None
        return
    _forget_unused(user)
    name, (data, width, height) = f"{secrets.token_urlsafe(16)}.jpg", drawn
    picture = Picture(name=name, room_id=room.id, user_id=user.id, width=width, height=height)
    db.session.add(picture)
    db.session.flush()
    try:
        folder().mkdir(parents=True, exist_ok=True)
        (folder() / name).write_bytes(data)
        yield picture
    except BaseException:
        remove_file(name)
        raise


def folder():
    return pathlib.Path(current_app.config["LEVAIN_VAR"]) / "pictures"


def read(name):
    """The bytes of a file, which is never large, or None."""
    path = folder() / name
    return path.read_bytes() if path.is_file() else None


def remove_file(name):
    (folder() / name).unlink(missing_ok=True)


def _forget_unused(user):
    """What was chosen a day ago and never sent."""
    old = utcnow() - KEPT_UNUSED
    query = select(Picture).where(
        Picture.user_id == user.id, Picture.message_id.is_(None), Picture.created_at < old
    )
    for picture in db.session.scalars(query.limit(20)):
        remove_file(picture.name)
        db.session.delete(picture)


def _aside(function, data):
    """In a real thread where gevent serves many from one."""
    return get_hub().threadpool.apply(function, (data,)) if is_module_patched("threading") else function(data)


def _drawn_anew(data):
    """(JPEG bytes, width, height)."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise UnfitMessageError(f"A picture may have {MAX_PIXELS // 1_000_000} million pixels.")
            image.draft("RGB", (MAX_SIDE, MAX_SIDE))  # a large JPEG need not be decoded in full
            upright = ImageOps.exif_transpose(image)
            upright.thumbnail((MAX_SIDE, MAX_SIDE))
            return _encoded(_on_white(upright))
    except (
        UnidentifiedImageError,
        OSError,
        SyntaxError,
        ValueError,
        Image.DecompressionBombError,
    ) as problem:
        if isinstance(problem, UnfitMessageError):
            raise
        raise NOT_A_PICTURE from problem


def _on_white(image):
    """JPEG knows no transparency."""
    if image.mode in ("RGB", "L"):
        return image.convert("RGB")
    layer = image.convert("RGBA")
    ground = Image.new("RGBA", layer.size, "white")
    return Image.alpha_composite(ground, layer).convert("RGB")


def _encoded(image):
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85, progressive=True, optimize=True)
    return out.getvalue(), image.width, image.height
