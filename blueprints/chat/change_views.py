"""What is done to a message that is there: edit, delete, react; and its picture. Without scripts, on its own page."""

from flask import Response, abort, render_template, request, url_for
from flask_login import current_user, login_required

from blueprints.chat import bp, limits, pictures
from blueprints.chat.broadcasts import counts_changed, message_changed
from blueprints.chat.frame import REACTION_WORDS
from blueprints.chat.models import REACTIONS, Message, Picture
from blueprints.chat.texts import MAX_TEXT_CHARS, UnfitMessageError
from blueprints.chat.views import find, saved
from database import db, only_reading


@bp.get("/chat/messages/<int:message_id>")
@login_required
def message(message_id):
    return _page(_find(message_id))


@bp.post("/chat/messages/<int:message_id>")
@login_required
def edit_message(message_id):
    limits.slow_down(current_user, limits.NOTES, what="chat-change")
    message = _find(message_id, own=True)
    try:
        changed = message.edit(request.form.get("text"))
    except UnfitMessageError as problem:
        return _refused(message, str(problem))
    return _done(message, changed)


@bp.post("/chat/messages/<int:message_id>/deletion")
@login_required
def delete_message(message_id):
    limits.slow_down(current_user, limits.NOTES, what="chat-change")
    message = _find(message_id, own=True)
    picture, was_unread = message.delete()
    if was_unread:
        counts_changed(message.room_id)
    answer = _done(message, True)
    if picture:  # after the commit: a file that stays is a lesser evil than a message without its picture
        pictures.remove_file(picture)
    return answer


@bp.post("/chat/messages/<int:message_id>/reactions")
@login_required
def react(message_id):
    """`on` is 1 or 0; without it, as from a plain form, whichever is new."""
    limits.slow_down(current_user, limits.NOTES, what="chat-change")
    message, kind = _find(message_id), request.form.get("kind")
    if kind not in REACTIONS:
        abort(400, "There is no such reaction.")
    on = {"1": True, "0": False}.get(request.form.get("on"))
    return _done(message, message.react(current_user, kind, on))


@bp.post("/chat/rooms/<int:room_id>/pictures")
@login_required
def create_picture(room_id):
    """Ahead of its message: what the composer then names in its field `picture`."""
    limits.slow_down(current_user, limits.PICTURES, what="chat-picture")
    file = request.files.get("file")
    if file is None:
        abort(400, "No picture came along.")
    with only_reading():
        find(room_id)
    try:
        drawn = pictures.draw(file)
    except UnfitMessageError as problem:
        return render_template("chat/_problem_answer.html", problem=str(problem)), 422
    with pictures.kept(current_user, find(room_id), drawn) as picture:
        answer = {"name": picture.name, "address": url_for("chat.picture", name=picture.name)}
    db.session.commit()
    return answer


@bp.get("/chat/pictures/<name>")
@login_required
def picture(name):
    """Asked for its rights each time; a browser may keep it, and then asks whether it still may."""
    found = db.session.scalar(db.select(Picture).filter_by(name=name)) or abort(404)
    if found.message_id is None and found.user_id != current_user.id:
        abort(404)
    if not found.room.admits(current_user.id):
        abort(404)
    answer = Response(mimetype="image/jpeg", headers={"Cache-Control": "private, no-cache"})
    answer.set_etag(found.name)  # what is under a name never changes
    if answer.make_conditional(request).status_code != 304:
        answer.set_data(pictures.read(found.name) or abort(404))
    return answer


def _find(message_id, own=False):
    message = db.session.get(Message, message_id)
    if message is None or not message.room.admits(current_user.id):
        abort(404)
    if own and message.user_id != current_user.id:
        abort(403, "Only whoever wrote a message may change it.")
    return message


def _done(message, changed):
    event = message_changed(message) if changed else None
    return saved(message, event)


def _page(message, problem=None, status=200):
    page = render_template(
        "chat/message.html", message=message, problem=problem, reactions=REACTION_WORDS, most=MAX_TEXT_CHARS
    )
    return page, status


def _refused(message, problem):
    db.session.rollback()
    if request.headers.get("HX-Request"):
        return render_template("chat/_problem_answer.html", problem=problem), 422
    return _page(message, problem, 422)
