"""The rooms, one room with its messages, and posting by form; socket.py posts over a WebSocket."""

from uuid import uuid4

from flask import abort, redirect, render_template, request, url_for
from flask_login import current_user, login_required

from blueprints.chat import bp
from blueprints.chat.broadcasts import MAX_ID, message_posted, room_topic
from blueprints.chat.models import MAX_TEXT_CHARS, Room, UnfitMessageError
from database import db


@bp.get("/chat/")
@login_required
def index():
    return render_template("chat/index.html", rooms=Room.all())


@bp.get("/chat/rooms/<int:room_id>")
@login_required
def show(room_id):
    before = request.args.get("before", type=int)
    if before is not None and not 0 < before <= MAX_ID:
        abort(404)
    return _room_page(_find(room_id), before=before)


@bp.post("/chat/rooms/<int:room_id>/messages")
@login_required
def create_message(room_id):
    room = _find(room_id)
    try:
        message, is_new = room.post(current_user, request.form.get("text"), request.form.get("token"))
    except UnfitMessageError as problem:
        return _refused(room, str(problem))
    answer = message_posted(message).html if is_new else ""
    db.session.commit()
    if request.headers.get("HX-Request"):
        return answer, 200 if answer else 204
    return redirect(url_for("chat.show", room_id=room.id, _anchor=f"message-{message.id}"), 303)


def _find(room_id):
    return db.session.get(Room, room_id) or abort(404)


def _room_page(room, before=None, problem=None, status=200):
    messages = room.messages(before)
    page = render_template(
        "chat/show.html",
        messages=messages,
        has_older=bool(messages) and room.has_before(messages[0]),
        is_newest=before is None,
        topic=room_topic(room.id),
        **_composer(room, problem),
    )
    return page, status


def _composer(room, problem=None):
    typed = request.form.get("text", "") if problem else ""
    return {"room": room, "problem": problem, "typed": typed, "token": uuid4().hex, "most": MAX_TEXT_CHARS}


def _refused(room, problem):
    """422 with the sentence beside the field and what was typed still in it."""
    if request.headers.get("HX-Request"):
        return render_template("chat/_composer_answer.html", **_composer(room, problem)), 422
    return _room_page(room, problem=problem, status=422)
