"""Files that people send: wrong shapes, wrong contents and too much of it, each answered beside its field."""

import http.client
import io
import zipfile
import zlib
from contextlib import closing

import psutil
import pytest
from PIL import Image
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from database import db
from tests.blueprints.pages import AS_HTMX, soup
from tests.support.clients import signed_in
from tests.support.sessions import cookie
from work import Job


@pytest.fixture
def ada(as_user):
    return as_user("ada")


@pytest.fixture
def carlo(as_user):
    return as_user("carlo")


def picture(width, height, form="PNG"):
    made = io.BytesIO()
    Image.new("1", (width, height)).save(made, form)
    return made.getvalue()


def bomb(width, height):
    """A PNG of a few hundred bytes that says it has that many pixels."""
    small = bytearray(picture(8, 8))
    small[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    small[29:33] = zlib.crc32(bytes(small[12:29])).to_bytes(4, "big")
    return bytes(small)


def a_zip():
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("a.txt", "a")
    return made.getvalue()


def upload(client, kind, field, content, name, **options):
    boundary, body = encode_multipart({field: FileStorage(io.BytesIO(content), name)})
    options |= {"input_stream": io.BytesIO(body), "content_length": len(body)}
    return client.post(
        f"/jobs/?kind={kind}", content_type=f"multipart/form-data; boundary={boundary}", **options
    )


def nothing_started(app):
    with app.app_context():
        return db.session.scalar(db.select(db.func.count()).select_from(Job)) == 0


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "choose a file"),
        (b"\x00\x01\x02", "bytes that no text has"),
        (b"\xff\xfe\xfa", "not a text in UTF-8"),
        (b"just a line\n", "“name”, “description”, “price” is missing"),
        (b"name,description\na,b\n", "“price” is missing"),
        (b"name,description,price,colour\na,b,1,red\n", "no column called “colour”"),
        (b"name,description,price\n", "no row below"),
        (b'name,description,price\n"a,b,1\n', "not a CSV file"),
        (b"name,description,price\n" + b"a,b,1\n" * 5001, "5,001 rows"),
    ],
)
def test_a_csv_of_the_wrong_shape_is_said_beside_its_field(app, carlo, content, sentence):
    answer = upload(carlo, "menu_import", "menu", content, "menu.csv")
    assert answer.status_code == 422
    assert sentence in soup(answer).find(id="menu_import-menu-problem").text
    assert nothing_started(app)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param(
            a_zip(), "no picture that we can read, whatever its name says", id="a zip"
        ),  # has the time in it
        (b"GIF89a", "no picture that we can read"),
        (bomb(50_000, 50_000), "50,000 x 50,000 pixels. 40 million in all are the limit"),
        (bomb(4_000_000, 4_000_000), "limit"),
        (b"", "choose a file"),
        (b"\xff\xd8\xff" + b"x" * 10_000_000, "too large: 10 megabytes"),
    ],
)
def test_what_is_no_photo_is_said_beside_its_field(app, ada, content, sentence):
    answer = upload(ada, "pizza_photos", "photo", content, "pizza.jpg", headers=AS_HTMX)
    assert answer.status_code == 422
    assert answer.text.startswith('<hx-partial hx-target="#start-pizza_photos"')
    assert sentence in soup(answer).find(id="pizza_photos-photo-problem").text
    assert nothing_started(app)


@pytest.mark.parametrize("headers", [{}, AS_HTMX])
def test_a_body_over_the_limit_is_said_beside_the_field_too(app, carlo, headers):
    body, kind = io.BytesIO(b"x" * 11_000_000), "multipart/form-data; boundary=abc"
    path = "/jobs/?kind=menu_import"
    answer = carlo.post(
        path, input_stream=body, content_length=11_000_000, content_type=kind, headers=headers
    )
    assert answer.status_code == 413
    assert "too large: 10 megabytes" in soup(answer).find(id="menu_import-menu-problem").text
    assert nothing_started(app)


@pytest.mark.parametrize("headers", [{}, AS_HTMX])
def test_a_body_over_the_limit_elsewhere_gets_the_sites_own_words(carlo, headers):
    answer = carlo.post("/jobs/retries?kind=menu_import", data={"count": "x" * 1_100_000}, headers=headers)
    assert answer.status_code == 413
    assert "too large" in soup(answer).find(id="error").text


def test_two_hundred_megabytes_are_answered_beside_the_field_and_fill_no_memory(app, serve):
    live_server = serve(SECRET_KEY=app.config["SECRET_KEY"])
    headers = {
        "Cookie": f"levain={cookie(signed_in(app, 'carlo'))}",
        "Origin": live_server.url,
        "Content-Type": "multipart/form-data; boundary=abc",
    }
    with closing(http.client.HTTPConnection("127.0.0.1", live_server.port, timeout=30)) as browser:
        browser.putrequest("POST", "/jobs/?kind=menu_import")
        for name, value in (headers | {"Content-Length": 200_000_000}).items():
            browser.putheader(name, value)
        browser.endheaders()
        for _ in range(200):
            browser.send(b"x" * 1_000_000)
        answer = browser.getresponse()
        assert answer.status == 413
        assert "too large: 10 megabytes" in answer.read().decode()
    workers = psutil.Process(live_server.process.pid).children()
    assert max(each.memory_info().rss for each in workers) < 200_000_000
