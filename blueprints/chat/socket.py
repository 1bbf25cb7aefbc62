"""The WebSocket of a room: the page's events come down, messages go up as commands with an id."""

from functools import partial

from blueprints.auth.models import User
from blueprints.chat import bp, posting
from blueprints.chat.models import Room
from blueprints.chat.texts import UnfitMessageError
from database import db, writing
from extensions import live, sock
from live import CommandRefused


def room_socket(ws, room_id):
    live.serve_socket(ws, partial(run_command, room_id))


def run_command(room_id, name, fields):
    """One command of the page; raises CommandRefused with a sentence for the person who sent it."""
    if name != "post":
        raise CommandRefused("This room knows no such command.")
    with writing():
        _post(room_id, fields)


def _post(room_id, fields):
    room, author = db.session.get(Room, room_id), db.session.get(User, live.identity().user_id)
    if room is None or author is None or not room.admits(author.id):
        raise CommandRefused("This room is closed to you now.")
    try:
        posting.post(room, author, fields)
    except UnfitMessageError as problem:
        raise CommandRefused(str(problem)) from problem
    db.session.commit()


# Registered by a call: flask-sock's decorator returns nothing, and the handler must stay importable.
sock.route("/chat/rooms/<int:room_id>/socket", bp=bp)(room_socket)
