"""The rooms, one room with its messages, and posting by form; socket.py posts over a WebSocket."""

from uuid import uuid4

from flask import abort, redirect, render_template, request, url_for
from flask_login import current_user, login_required

from blueprints.chat import bp, limits, pictures, posting, rooms, window
from blueprints.chat.broadcasts import MAX_ID, ROOMS_TOPIC, count_changed, people_changed, room_topic, typing
from blueprints.chat.frame import REACTION_WORDS
from blueprints.chat.models import DIRECT, Message, Room
from blueprints.chat.texts import MAX_TEXT_CHARS, UnfitMessageError, fit_text
from blueprints.chat.unread import read
from database import db, end_reading, only_reading
from extensions import live


@bp.get("/chat/")
@login_required
def index():
    page = request.args.get("page", 1, type=int)
    if not 0 < page < 1000:
        abort(404)
    doors, more = rooms.doors(current_user, page)
    return render_template("chat/index.html", doors=doors, page=page, more=more, topic=ROOMS_TOPIC)


@bp.get("/chat/rooms/<int:room_id>")
@login_required
def show(room_id):
    return _room_page(find(room_id))


@bp.post("/chat/rooms/<int:room_id>/messages")
@login_required
def create_message(room_id):
    """What takes its time comes first, before anybody has to wait: may they, how fast, and the picture."""
    author = current_user._get_current_object()
    try:
        with only_reading():
            find(room_id)
            repeated = posting.posted_before(author, request.form)
        if repeated:
            return saved(repeated, None)
        with limits.one_post(author):
            drawn = _drawn(request.files.get("file"))
            room = find(room_id)
            with pictures.kept(author, room, drawn) as picture:
                posted = posting.post(room, author, request.form, picture)
            return saved(*posted)
    except UnfitMessageError as problem:
        db.session.rollback()
        with only_reading():
            return _refused(find(room_id), str(problem))


@bp.post("/chat/rooms/<int:room_id>/read")
@login_required
def read_room(room_id):
    """`upto`: everything to that message was seen. `back`: from that message on it is unread again."""
    limits.slow_down(current_user, limits.NOTES, what="chat-read")
    upto, back = (request.form.get(name, type=int) for name in ("upto", "back"))
    known = upto or back
    room = find(room_id)
    message = known and 0 < known <= MAX_ID and db.session.get(Message, known)
    if not message or message.room_id != room.id:
        abort(404)
    membership = read(room.lock(), current_user.id, upto, None if upto else back)
    if membership:
        count_changed(membership)
        if membership.is_new:
            people_changed(room.id)
        db.session.commit()
    return "", 204


@bp.post("/chat/rooms/<int:room_id>/typing")
@login_required
def type_in_room(room_id):
    limits.slow_down(current_user, limits.NOTES, what="chat-typing")
    with only_reading():
        find(room_id)
    typing(room_id, current_user)
    return "", 204


def saved(message, event):
    """Commits, with an answer made before: to read what is committed would be another turn of whoever may write."""
    answer = redirect(url_for("chat.show", room_id=message.room_id, _anchor=f"message-{message.id}"), 303)
    if request.headers.get("HX-Request"):
        answer = (event.html, 200) if event else ("", 204)
    db.session.commit()
    return answer


def find(room_id):
    """The room, if it is there and open to whoever asks: else 404 for both."""
    room = db.session.get(Room, room_id)
    return room if room and room.admits(current_user.id) else abort(404)


def _drawn(file):
    """Without scripts a picture comes along with the text, which is judged first: that takes no time."""
    if not file or not file.filename:
        return None
    fit_text(request.form.get("text"), may_be_empty=True)
    return pictures.draw(file)


def _room_page(room, problem=None, status=200):
    end_reading()  # Redis may hang
    here = len(live.presence(room_topic(room.id)))
    mine = room.membership(current_user.id)
    messages, is_newest = window.asked_for(room, mine)
    if not is_newest and "before" not in request.args:
        return window.too_much_since(room, messages)
    missed = window.missed(room, mine) if is_newest else None
    doors, more = rooms.doors(current_user)
    members, _ = rooms.people(room)
    page = render_template(
        "chat/show.html",
        messages=messages,
        has_older=bool(messages) and room.has_before(messages[0]),
        is_newest=is_newest,
        topics=(room_topic(room.id), ROOMS_TOPIC),
        here=here,
        mine=mine,
        first_unread=None if missed else window.first_unread(messages, mine),
        missed=missed,
        doors=doors,
        more=more,
        members=members,
        reactions=REACTION_WORDS,
        is_direct=room.kind == DIRECT,
        **composer(room, problem),
    )
    return page, status


def composer(room, problem=None):
    typed = request.form.get("text", "") if problem else ""
    named = {"room": room, "room_title": rooms.title(room, current_user), "problem": problem, "typed": typed}
    return named | {"token": uuid4().hex, "most": MAX_TEXT_CHARS}


def _refused(room, problem):
    """422 with the sentence beside the field and what was typed still in it."""
    if request.headers.get("HX-Request"):
        return render_template("chat/_problem_answer.html", problem=problem), 422
    return _room_page(room, problem=problem, status=422)
