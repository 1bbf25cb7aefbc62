"""What chat adds to every page: how much is unread, live. No feature knows of it: their pages' connections get one
topic more, and layout.html shows the region.
"""

from flask_login import current_user
from sqlalchemy import select

from blueprints.chat import bp
from blueprints.chat.broadcasts import user_topic
from blueprints.chat.models import REACTIONS, Membership
from blueprints.chat.texts import shown
from database import db
from extensions import live

MAX_ROOMS = 200
REACTION_WORDS = {
    "heart": "Love it",
    "smile": "Funny",
    "tick": "Done",
    "eyes": "Looking",
    "pizza": "Pizza",
    "flame": "Hot",
}


@bp.app_context_processor
def frame():
    return {"chat_unread": unread}


@live.everywhere
def own_topic(user):
    """Each page also follows what is unread for its viewer."""
    return [user_topic(user.id)]


def unread():
    """The memberships with something unread, by room; asked by the layout."""
    if not current_user.is_authenticated:
        return []
    query = select(Membership).where(Membership.user_id == current_user.id, Membership.unread > 0)
    return db.session.scalars(query.order_by(Membership.room_id).limit(MAX_ROOMS)).all()


@bp.app_template_filter("chat_text")
def chat_text(message):
    return shown(message.text, message.mentions)


@bp.app_template_filter("chat_reactions")
def chat_reactions(message):
    """[(kind, word, names, user ids)] of the reactions a message has."""
    groups = [(kind, [each for each in message.reactions if each.kind == kind]) for kind in REACTIONS]
    return [
        (kind, REACTION_WORDS[kind], [each.name for each in rows], [each.user_id for each in rows])
        for kind, rows in groups
        if rows
    ]
