"""Posting a message, however it came: by form or by the socket's command, with the same result."""

from blueprints.chat.broadcasts import message_posted
from blueprints.chat.models import Message
from blueprints.chat.texts import fit_token


def posted_before(author, fields):
    """The message, if this is only a repeat: it costs nobody's allowance, and nobody waits for it."""
    return Message.of_token(author, fit_token(fields.get("token")))


def post(room, author, fields, picture=None):
    """(the message, its event or None for a repeat); raises UnfitMessageError with a sentence. The caller commits."""
    picture = picture or fields.get("picture")
    message, is_new = room.post(author, fields.get("text"), fields.get("token"), picture)
    return message, message_posted(message) if is_new else None
