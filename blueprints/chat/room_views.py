"""Opening a room, who is in it, direct messages, and looking for what was said."""

from flask import abort, redirect, render_template, request, url_for
from flask_login import current_user, login_required

from blueprints.auth.models import User
from blueprints.chat import bp, limits, rooms
from blueprints.chat.broadcasts import MAX_ID, member_added, member_removed, room_opened, room_topic
from blueprints.chat.models import DIRECT, OPEN
from blueprints.chat.texts import MAX_ABOUT_CHARS, MAX_ROOM_CHARS, UnfitMessageError
from blueprints.chat.views import find
from database import db

MAX_QUERY_CHARS = 100


@bp.get("/chat/rooms", endpoint="rooms")
@bp.get("/chat/rooms/new")
@login_required
def new_room():
    """Also where a refused form leaves its page: a repair asks for that address again."""
    return _form()


@bp.post("/chat/rooms")
@login_required
def create_room():
    limits.slow_down(current_user, limits.PICTURES, what="chat-room")
    fields = request.form
    try:
        room = rooms.open_room(
            current_user, fields.get("name"), fields.get("about"), fields.get("kind") == "closed"
        )
    except UnfitMessageError as problem:
        db.session.rollback()
        return _form(str(problem), 422)
    room_opened(room)
    member_added(room, current_user.id)
    db.session.commit()
    return redirect(url_for("chat.show", room_id=room.id), 303)


@bp.get("/chat/rooms/<int:room_id>/people")
@login_required
def people(room_id):
    return _people_page(find(room_id))


@bp.post("/chat/rooms/<int:room_id>/people")
@login_required
def add_person(room_id):
    room, person = find(room_id), _person(request.form.get("user", type=int))
    if room.kind == DIRECT:
        abort(403, "A direct message stays between two.")
    if rooms.add(room, person.id):
        member_added(room, person.id)
        db.session.commit()
    return redirect(url_for("chat.people", room_id=room.id), 303)


@bp.post("/chat/rooms/<int:room_id>/people/<int:user_id>/removal")
@login_required
def remove_person(room_id, user_id):
    """Whoever opened the room may take others out; everybody may leave."""
    room = find(room_id)
    if user_id != current_user.id and room.owner_id != current_user.id:
        abort(403, "Only whoever opened the room may take others out of it.")
    if room.kind == DIRECT:
        abort(403, "A direct message stays between two.")
    if rooms.remove(room, user_id):
        member_removed(room, user_id)
        db.session.commit()
    if user_id == current_user.id:
        return redirect(url_for("chat.index"), 303)
    return redirect(url_for("chat.people", room_id=room.id), 303)


@bp.get("/chat/directs/new")
@login_required
def new_direct():
    text = _query()
    found = [each for each in rooms.find_people(text) if each.id != current_user.id]
    return render_template("chat/direct.html", text=text, people=found)


@bp.post("/chat/directs")
@login_required
def create_direct():
    other = _person(request.form.get("user", type=int))
    if other.id == current_user.id:
        abort(400, "A direct message needs somebody else.")
    room, is_new = rooms.direct(current_user, other)
    if is_new:
        for each in sorted((current_user.id, other.id)):
            member_added(room, each)
        db.session.commit()
    return redirect(url_for("chat.show", room_id=room.id), 303)


@bp.get("/chat/search")
@login_required
def search():
    text, before = _query(), request.args.get("before", type=int)
    if before is not None and not 0 < before <= MAX_ID:
        abort(404)
    found, more = rooms.search(current_user, text, before) if text else ([], False)
    names = rooms.titles(current_user, {each.room for each in found})
    return render_template("chat/search.html", text=text, found=found, more=more, names=names)


def _query():
    return request.args.get("q", "").strip()[:MAX_QUERY_CHARS]


def _form(problem=None, status=200):
    page = render_template(
        "chat/new.html",
        problem=problem,
        fields=request.form,
        name_most=MAX_ROOM_CHARS,
        about_most=MAX_ABOUT_CHARS,
    )
    return page, status


def _people_page(room):
    page, text = request.args.get("page", 1, type=int), _query()
    if not 0 < page < 1000:
        abort(404)
    members, more = rooms.people(room, page)
    return render_template(
        "chat/people.html",
        room=room,
        room_title=rooms.title(room, current_user),
        members=members,
        page=page,
        more=more,
        text=text,
        found=rooms.find_people(text, besides=room) if text else [],
        may_remove=room.owner_id == current_user.id,
        may_add=room.kind != DIRECT,
        is_open=room.kind == OPEN,
        topic=room_topic(room.id),
    )


def _person(user_id):
    known = user_id is not None and 0 < user_id <= MAX_ID
    return (known and db.session.get(User, user_id)) or abort(404)
