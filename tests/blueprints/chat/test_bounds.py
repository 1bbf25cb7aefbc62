"""How much, how fast, and which files: both sides of each limit."""

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from PIL import Image
from sqlalchemy.exc import OperationalError

from blueprints.chat import pictures
from blueprints.chat.limits import MAX_POST_BYTES
from blueprints.chat.models import Message, Room
from blueprints.chat.texts import UnfitMessageError
from database import db
from tests.blueprints.pages import AS_HTMX, soup

BUSY = OperationalError("INSERT", None, Exception("database is locked"))
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def ada(as_user):
    return as_user("ada")


def post(client, room, text="Hello", token=None, **options):
    data = {"text": text, "token": token or uuid4().hex}
    return client.post(f"/chat/rooms/{room}/messages", data=data, **options)


@pytest.mark.parametrize("headers", [{}, AS_HTMX])
def test_the_eleventh_at_once_is_429_with_a_sentence_and_nothing_posted(ada, rooms, headers):
    codes = [post(ada, rooms[0], headers=headers).status_code for _ in range(11)]
    assert codes[:10] == [200 if headers else 303] * 10
    answer = post(ada, rooms[0], "too much", headers=headers)
    assert (codes[10], answer.status_code) == (429, 429)
    assert "ten messages at once" in answer.text
    assert int(answer.headers["Retry-After"]) > 0
    assert "too much" not in ada.get(f"/chat/rooms/{rooms[0]}").text


def test_a_repeat_costs_nothing_and_one_person_does_not_slow_another(ada, as_user, rooms):
    for _ in range(15):
        assert post(ada, rooms[0], token="same").status_code == 303
    for _ in range(12):
        post(ada, rooms[0])
    assert post(as_user("grace"), rooms[0]).status_code == 303


def test_a_post_of_64_kib_is_read_and_one_byte_more_is_413(ada, rooms):
    fields = b"token=t1&text=hello&more="
    for length, status in [(MAX_POST_BYTES, 303), (MAX_POST_BYTES + 1, 413)]:
        body = fields + b"x" * (length - len(fields))
        answer = ada.post(f"/chat/rooms/{rooms[0]}/messages", data=body, content_type=FORM)
        assert answer.status_code == status
    assert "64 KiB" in answer.text


def test_the_longest_message_passes_and_shows(ada, rooms):
    longest = "\U0001f355" * 4000  # 16,000 bytes, 48,000 in a form
    assert post(ada, rooms[0], longest).status_code == 303
    assert soup(ada.get(f"/chat/rooms/{rooms[0]}")).select_one(".message .body").text == longest
    assert post(ada, rooms[0], longest + "x").status_code == 422


# -- pictures ------------------------------------------------------------------------------------------


def image(kind="PNG", size=(60, 40), **options):
    file = io.BytesIO()
    Image.new("RGB", size, "red").save(file, kind, **options)
    return file.getvalue()


def upload(client, room, data, name="a.png"):
    return client.post(
        f"/chat/rooms/{room}/pictures", data={"file": (io.BytesIO(data), name)}, headers=AS_HTMX
    )


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_picture_is_drawn_anew_and_served_with_its_own_type(ada, rooms, kind):
    answer = upload(ada, rooms[0], image(kind) + b"<script>alert(1)</script>", "evil.html")
    served = ada.get(answer.json["address"])
    assert served.headers["Content-Type"] == "image/jpeg"
    assert served.headers["X-Content-Type-Options"] == "nosniff"
    assert b"script" not in served.data
    assert Image.open(io.BytesIO(served.data)).size == (60, 40)
    again = ada.get(answer.json["address"], headers={"If-None-Match": served.headers["ETag"]})
    assert again.status_code == 304


def test_where_it_was_taken_does_not_travel_along_and_large_ones_shrink(ada, rooms):
    exif = Image.Exif()
    exif[0x010F] = "a secret camera"
    exif[0x0112] = 6  # lies on its side
    name = upload(ada, rooms[0], image("JPEG", (5000, 1000), exif=exif)).json["address"]
    served = ada.get(name).data
    assert b"secret" not in served
    assert Image.open(io.BytesIO(served)).size == (410, 2048)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<script>",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        image()[:60],
        b"GIF89a" + b"\0" * 50,
        b"\x89PNG\r\n\x1a\n",
    ],
)
def test_what_is_no_picture_is_refused_in_words(ada, rooms, data):
    answer = upload(ada, rooms[0], data)
    assert answer.status_code == 422
    assert "no picture we can show" in answer.text


def test_a_bomb_is_refused_by_what_its_head_says(ada, rooms, monkeypatch):
    monkeypatch.setattr(pictures, "MAX_PIXELS", 100)
    assert upload(ada, rooms[0], image(size=(10, 10))).status_code == 200
    assert upload(ada, rooms[0], image(size=(10, 11))).status_code == 422


def test_a_file_of_more_than_8_mb_is_413(ada, rooms):
    part = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
    body, kind = part + b"x" * 8_000_000, "multipart/form-data; boundary=x"
    answer = ada.post(f"/chat/rooms/{rooms[0]}/pictures", data=body, content_type=kind, headers=AS_HTMX)
    assert answer.status_code == 413
    assert "8 MB" in answer.text


def test_a_picture_is_its_senders_until_it_is_posted_and_then_the_rooms(ada, as_user, rooms):
    grace, chosen = as_user("grace"), upload(ada, rooms[0], image()).json
    assert grace.get(chosen["address"]).status_code == 404
    stolen = {"text": "", "token": "t0", "picture": chosen["name"]}
    assert grace.post(f"/chat/rooms/{rooms[0]}/messages", data=stolen).status_code == 422
    mine = stolen | {"token": "t1"}
    for _ in range(2):
        assert ada.post(f"/chat/rooms/{rooms[0]}/messages", data=mine).status_code == 303
    assert grace.get(chosen["address"]).status_code == 200
    message = soup(ada.get(f"/chat/rooms/{rooms[0]}")).select(".message")
    assert len(message) == 1
    ada.post(f"/chat/messages/{message[0]['data-sort']}/deletion")
    assert ada.get(chosen["address"]).status_code == 404
    assert not list(pictures_folder(ada).iterdir())


def test_a_picture_of_a_closed_room_is_not_there_for_others(ada, as_user):
    path = ada.post("/chat/rooms", data={"name": "Crew", "kind": "closed"}).location
    file = {"file": (io.BytesIO(image()), "a.png"), "text": "", "token": "t1"}
    assert ada.post(f"{path}/messages", data=file).status_code == 303
    address = soup(ada.get(path)).select_one(".picture img")["src"]
    assert ada.get(address).status_code == 200
    assert as_user("grace").get(address).status_code == 404
    assert ada.get("/chat/pictures/..%2flevain.db").status_code == 404


def test_a_picture_with_a_text_that_is_refused_is_not_even_drawn(ada, rooms, monkeypatch):
    monkeypatch.setattr(pictures, "draw", None)
    file = {"file": (io.BytesIO(image()), "a.png"), "text": "x" * 4001, "token": "t1"}
    assert ada.post(f"/chat/rooms/{rooms[0]}/messages", data=file).status_code == 422
    assert not pictures_folder(ada).exists()


@pytest.mark.parametrize(("problem", "status"), [(UnfitMessageError("no"), 422), (BUSY, 503)])
def test_no_file_stays_of_a_picture_that_was_not_posted(ada, rooms, monkeypatch, problem, status):
    monkeypatch.setattr(Room, "post", lambda *_: (_ for _ in ()).throw(problem))
    file = {"file": (io.BytesIO(image()), "a.png"), "text": "", "token": "t1"}
    assert ada.post(f"/chat/rooms/{rooms[0]}/messages", data=file).status_code == status
    assert not list(pictures_folder(ada).iterdir())


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_two_pictures_for_one_room_at_the_same_moment_do_not_wait_for_each_other(app, rooms, person):
    both_added = threading.Barrier(2)

    def post_as(name):
        with app.app_context():
            room, author = db.session.get(Room, rooms[0]), person(name)
            with pictures.kept(author, room, (image(), 60, 40)) as picture:
                both_added.wait()
                room.post(author, "", uuid4().hex, picture)
            db.session.commit()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(post_as, ["ada", "grace"]))
    with app.app_context():
        assert db.session.scalar(db.select(db.func.count()).select_from(Message)) == 2


def pictures_folder(client):
    with client.application.app_context():
        return pictures.folder()
