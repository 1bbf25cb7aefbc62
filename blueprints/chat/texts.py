"""What a text may be, and how it is shown: escaped, addresses as links, mentions marked. Pure functions."""

import re

from markupsafe import Markup, escape

MAX_TEXT_CHARS = 4000
MAX_TOKEN_CHARS = 64
MAX_ROOM_CHARS, MAX_ABOUT_CHARS = 60, 200
MAX_NAMES = 20  # so many @ in one message are looked up
_ADDRESS = re.compile(r"\bhttps?://[^\s<>\"']+", re.IGNORECASE)
_AFTER_ADDRESS = ".,;:!?)]}"  # ends a sentence more often than an address
_NAMED = re.compile(r"(?<!\w)@(\w[\w.'-]*(?: \w[\w.'-]*){0,2})")
NOBODY = r"(?!)"  # matches nothing
LINK = Markup('<a href="{0}" rel="noopener noreferrer nofollow ugc" target="_blank">{0}</a>')
MENTION = Markup('<span class="mention" data-user="{}">{}</span>')


class UnfitMessageError(ValueError):
    """What was sent can't be taken; the text says why, to the person who sent it."""


def fit_text(text, *, may_be_empty=False):
    # A command's fields are JSON from a browser: anything may stand in the place of a text.
    text = text.replace("\r\n", "\n").strip() if isinstance(text, str) else ""
    if not text and not may_be_empty:
        raise UnfitMessageError("Please write something first.")
    if len(text) > MAX_TEXT_CHARS:
        raise UnfitMessageError(f"That is {len(text):,} characters; a message may have {MAX_TEXT_CHARS:,}.")
    if "\0" in text or not _is_unicode(text):
        raise UnfitMessageError("The message holds a character that can't be stored. Please remove it.")
    return text


def fit_token(token):
    proper = isinstance(token, str) and 0 < len(token) <= MAX_TOKEN_CHARS and token.isascii()
    if not (proper and token.replace("-", "").isalnum()):
        raise UnfitMessageError("The form was incomplete. Please reload the page and send it once more.")
    return token


def fit_room(name, about):
    name, about = " ".join((name or "").split()), " ".join((about or "").split())
    if not name:
        raise UnfitMessageError("Please give the room a name.")
    if len(name) > MAX_ROOM_CHARS:
        raise UnfitMessageError(f"A name may have {MAX_ROOM_CHARS} characters; this one has {len(name)}.")
    if len(about) > MAX_ABOUT_CHARS:
        raise UnfitMessageError(f"What it is about may take {MAX_ABOUT_CHARS} characters, not {len(about)}.")
    return name, about


def possible_names(text):
    """What may be a name behind an @, as it was typed and in lower case: one, two and three words of each."""
    names = set()
    for found in list(_NAMED.finditer(text))[:MAX_NAMES]:
        words = found[1].split(" ")
        for count in range(1, len(words) + 1):
            name = " ".join(words[:count])
            names |= {name, name.rstrip(".'-")}
    return names | {name.lower() for name in names}


def shown(text, mentions=()):
    """The text as HTML; `mentions` are rows with a user_id and a name."""
    people = {mention.name.lower(): mention.user_id for mention in mentions}
    html, done = [], 0
    for start, end, markup in _marked(text, people):
        html += [escape(text[done:start]), markup]
        done = end
    return Markup("").join([*html, escape(text[done:])])


def _marked(text, people):
    """(start, end, HTML) of what is not plain text, in order and without overlap."""
    names = "|".join(re.escape(name) for name in sorted(people, key=len, reverse=True))
    mention = rf"(?<!\w)@(?P<name>{names or NOBODY})(?!\w)"
    for found in re.finditer(f"{_ADDRESS.pattern}|{mention}", text, re.IGNORECASE):
        if found["name"]:
            if user_id := people.get(
                found["name"].lower()
            ):  # regular expressions take more letters for the same
                yield found.start(), found.end(), MENTION.format(user_id, found[0])
            continue
        address = _without_end(found[0])
        yield found.start(), found.start() + len(address), LINK.format(address)


def _without_end(address):
    while address[-1] in _AFTER_ADDRESS and not (
        address[-1] == ")" and address.count("(") >= address.count(")")
    ):
        address = address[:-1]
    return address


def _is_unicode(text):
    """False for half of a surrogate pair, which JSON may carry and no database takes."""
    return text.encode("utf-8", "ignore").decode() == text
