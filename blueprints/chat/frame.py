"""What chat adds to every page: how much is unread, live. No feature knows of it: their pages' connections get some
topics more, and layout.html shows the region.
"""

from flask_login import current_user
from sqlalchemy import select

from blueprints.chat import bp
from blueprints.chat.broadcasts import news_topic, user_topic
from blueprints.chat.models import REACTIONS, Membership
from blueprints.chat.texts import shown
from database import db, only_reading
from extensions import live

MAX_ROOMS = 500  # counted live, the newest of them; the lists of rooms count them all
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
@only_reading()
def own_topics(user):
    """Each page also follows its viewer's memberships, and the news of their rooms."""
    room_ids = db.session.scalars(_newest(select(Membership.room_id), user))
    return [user_topic(user.id), *map(news_topic, room_ids)]


def unread():
    """The viewer's memberships, by room, with something unread or not; asked by the layout."""
    if not current_user.is_authenticated:
        return []
    query = _newest(select(Membership), current_user).execution_options(populate_existing=True)
    return sorted(db.session.scalars(query), key=lambda membership: membership.room_id)


def _newest(query, user):
    """The same on the page and at its connection, and as long as the memberships are."""
    return query.where(Membership.user_id == user.id).order_by(Membership.room_id.desc()).limit(MAX_ROOMS)


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
