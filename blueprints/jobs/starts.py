"""The forms that start a job: which of them somebody gets, filled in with what they sent, and the job made of one."""

from flask import abort, request
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from werkzeug.datastructures import CombinedMultiDict

from blueprints.jobs import bp
from database import db
from work import KINDS, Job, moves
from work.forms import MAX_UPLOAD_BYTES, TOO_LARGE, JobForm, Upload

ROOM_FOR_FIELDS = 100_000
MAX_TOKEN_CHARS = 64
DRAIN_BYTES = 256_000_000


@bp.url_value_preprocessor
def let_files_in(endpoint, _values):
    """Before anything reads the body, whose general limit is lower."""
    if endpoint == "jobs.create":
        request.max_content_length = MAX_UPLOAD_BYTES + ROOM_FOR_FIELDS


def startable():
    """[(kind, an empty form)] of what this person may start."""
    return [(kind, (kind.form or JobForm)()) for kind in KINDS.values() if kind.may_start(current_user)]


def chosen():
    """(kind, the form as it was sent)."""
    kind = KINDS.get(request.args.get("kind", ""))
    if kind is None or not kind.may_start(current_user):
        abort(403, "You may not start a job of this kind.")
    return kind, (kind.form or JobForm)(CombinedMultiDict([request.files, request.form]))


def start(kind, form):
    """The job of this form; the same one when the form comes twice."""
    once = _once()
    try:
        with db.session.begin_nested():
            job = moves.create(kind.name, form.arguments, user=current_user, once=once, files=form.files)
    except IntegrityError:
        return db.session.scalar(select(Job).where(Job.once == once))
    return job


def refuse_large():
    """(kind, form) to show after a body over the limit, of which nothing was read: the address names the kind.

    None where no form of this person's was sent.
    """
    kind = KINDS.get(request.args.get("kind", "")) if request.endpoint == "jobs.create" else None
    if kind is None or not current_user.is_authenticated or not kind.may_start(current_user):
        return None
    form = (kind.form or JobForm)()
    for field in form:
        if isinstance(field, Upload):
            field.errors = [TOO_LARGE]
    return kind, form


def drain():
    """Reads what a browser still sends: most show an answer only when they could send everything. Keeps none of it."""
    left, stream = DRAIN_BYTES, request.environ["wsgi.input"]
    while left > 0 and (piece := stream.read(min(65536, left))):
        left -= len(piece)


def _once():
    token = request.form.get("token", "")
    usable = 0 < len(token) <= MAX_TOKEN_CHARS and token.isascii() and token.isalnum()
    return f"{current_user.id}:{token}" if usable else None
