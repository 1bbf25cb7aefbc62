"""Which messages a page of a room shows: the newest, what is new to its viewer, or older ones by their address."""

from flask import abort, redirect, request, url_for

from blueprints.chat.broadcasts import MAX_ID
from blueprints.chat.models import MESSAGES_PER_PAGE

CONTEXT = 10  # so many read messages above the first new one
MAX_UNREAD_SHOWN = 100  # with more, the page opens at its end


def asked_for(room, mine):
    """(messages, whether the newest is among them), as the address asks or so that the first new one is in it."""
    before, since = _message_id("before"), _message_id("from")
    if before is not None:
        return room.messages(before, since), False
    by_address = since is not None
    if not by_address:
        since = _first_new(room, mine)
    if since is None:
        return room.messages(), True
    messages = room.messages(since=since)
    is_newest = not (messages and room.has_after(messages[-1]))
    if is_newest or by_address:
        return messages, is_newest
    return (
        room.messages(),
        True,
    )  # a page cannot hold all since: most of it is the viewer's own, and so not new


def too_much_since(room, messages):
    """A page that followed the room begins anew. Else these are older messages: of those the address says where they
    end, too, so that it stands for the same ones as long as somebody reads them."""
    if "Live-Repair" in request.headers:
        return redirect(url_for("chat.show", room_id=room.id))
    piece = {"from": messages[0].id, "before": messages[-1].id + 1}
    return redirect(url_for("chat.show", room_id=room.id, **piece))


def first_unread(messages, mine):
    if not mine or not mine.unread:
        return None
    mine_not = (each for each in messages if each.id > mine.read_id and each.user_id != mine.user_id)
    return next(mine_not, None)


def missed(room, mine):
    """The first of more new messages than the page shows."""
    if not mine or mine.unread <= MAX_UNREAD_SHOWN or "from" in request.args:
        return None
    return room.first_after(mine.read_id, mine.user_id)


def _message_id(name):
    text = request.args.get(name)
    if text is None:
        return None
    number = request.args.get(name, type=int)
    return number if number and 0 < number <= MAX_ID else abort(404)


def _first_new(room, mine):
    """Where the page has to begin so that what is new to its viewer is all in it; None: the newest do."""
    if not mine or not mine.unread or mine.unread > MAX_UNREAD_SHOWN:
        return None
    newest_page = room.nth_newest(MESSAGES_PER_PAGE)
    if newest_page is None or mine.read_id >= newest_page:
        return None
    return room.nth_newest(CONTEXT, upto=mine.read_id) or 1
