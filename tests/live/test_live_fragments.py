"""Fragments are the same for everybody: what is of one viewer raises, and says what to do instead."""

import pytest
from jinja2 import UndefinedError

from live.errors import LiveError
from tests.live import bare_site


@pytest.fixture
def app(live_redis):
    app = bare_site.create({"REDIS_URL": live_redis})
    app.jinja_loader.mapping.update(
        {f"{name}.html": f"<p id='x'>{{{{ {name} }}}}</p>" for name in PER_VIEWER}
        | {"_if.html": "{% if g %}x{% endif %}"}
    )
    return app


PER_VIEWER = ["current_user", "request", "session", "g", "url_for", "get_flashed_messages"]
USES = [
    "{{ NAME }}",
    "{{ NAME.x }}",
    "{{ NAME['x'] }}",
    "{{ NAME() }}",
    "{% if NAME %}{% endif %}",
    "{% for x in NAME %}{% endfor %}",
    "{{ NAME == 1 }}",
    "{{ NAME|e }}",
    "{{ NAME|length }}",
    "{{ NAME ~ 'x' }}",
]


@pytest.mark.parametrize("name", PER_VIEWER)
def test_what_is_of_one_viewer_raises_and_names_refresh(app, name):
    for use in USES:
        app.jinja_loader.mapping["_use.html"] = use.replace("NAME", name)
        app.live._fragments._environment = None  # the templates of before are forgotten
        with app.test_request_context("/page"), pytest.raises(UndefinedError, match=r"live\.refresh"):
            app.live._fragments.render("_use.html", {})


def test_a_variable_that_was_not_given_raises(app, topic):
    with pytest.raises(UndefinedError, match="thing"):
        app.live.upsert(topic, "#x", "_any.html")


def test_a_fragment_escapes_and_is_stripped(app, topic):
    html = app.live.replace(topic, "#any", "_any.html", thing="<b> & co").html
    assert html.endswith('<p id="any">&lt;b&gt; &amp; co</p></hx-partial>')


def test_a_path_needs_no_request_and_is_the_same_in_one(app, topic):
    outside = app.live.replace(topic, "#path", "_path.html").html
    with app.test_request_context("/x", base_url="https://elsewhere.example"):
        assert app.live.replace(topic, "#path", "_path.html").html == outside
    assert 'href="/page?topic=a"' in outside


def test_a_path_has_the_root_that_the_site_has(live_redis, topic):
    app = bare_site.create({"REDIS_URL": live_redis, "APPLICATION_ROOT": "/shop"})
    assert 'href="/shop/page?topic=a"' in app.live.replace(topic, "#path", "_path.html").html


def test_an_upsert_needs_a_root_with_an_id(app, topic):
    with pytest.raises(LiveError, match="id"):
        app.live.upsert(topic, "#x", "_no_root.html", text="x")


def test_a_topic_without_a_rule_is_not_published_to(app):
    for verb in (lambda: app.live.refresh("no:rule", "#x"), lambda: app.live.signal("no:rule", "x")):
        with pytest.raises(LiveError, match="no rule"):
            verb()
