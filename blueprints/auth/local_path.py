"""Where `next=` may lead: a path of this site, or nowhere. A pure function with a long table of tests."""

from urllib.parse import unquote

MAX_CHARS = 500


def local_path(text, otherwise="/"):
    """The path if it can only mean a page of ours, whatever a browser or proxy decodes; else `otherwise`.

    "//x" and "/\\x" are other hosts to a browser, control characters vanish in it, and %2F may be decoded on the way.
    """
    text = text or ""
    plain = unquote(unquote(text))
    ours = plain.startswith("/") and "//" not in plain and "\\" not in plain
    clean = text.isascii() and text.startswith("/") and plain.isascii() and plain.isprintable()
    return text if ours and clean and len(text) <= MAX_CHARS else otherwise
