"""Posting a message, however it came: by form or by the socket's command, with the same result."""

from blueprints.chat.broadcasts import message_posted
from blueprints.chat.models import Message, Picture
from blueprints.chat.texts import UnfitMessageError, fit_token


def was_posted(author, fields):
    """Is this only a repeat? Then it costs nobody's allowance."""
    return Message.of_token(author, fit_token(fields.get("token"))) is not None


def post(room, author, fields, picture=None):
    """(the message, its event or None for a repeat); raises UnfitMessageError with a sentence. The caller commits."""
    if was_posted(author, fields):
        return Message.of_token(author, fields.get("token")), None
    name = fields.get("picture")
    picture = picture or Picture.waiting(author, room, name)
    if name and picture is None:
        raise UnfitMessageError("The picture is not here any more. Please choose it again.")
    message, is_new = room.post(author, fields.get("text"), fields.get("token"), picture)
    return message, message_posted(message) if is_new else None
