"""The contract of all transports, continued: who is refused at the door, and how each transport says so."""

import pytest

from live.testing import Refused, StreamClient, connection


def test_nobody_is_refused(site, open_page, topic, transport):
    html, _ = site.page(topic)
    with pytest.raises(Refused) as refused:
        open_page(page=(html, {}))
    assert refused.value.status == (4401 if transport == "socket" else 401)


def test_a_session_that_has_ended_is_refused(site, open_page, topic, transport):
    page = site.page(topic, session_id=f"ada-{topic}")
    site.change(end=[f"ada-{topic}"])
    with pytest.raises(Refused) as refused:
        open_page(page=page)
    assert refused.value.status == (4401 if transport == "socket" else 401)


def test_a_list_signed_for_another_session_is_refused(site, open_page, topic, transport):
    html, _ = site.page(topic)
    for thief in (("grace", "grace-1"), ("ada", "ada-2")):
        _, headers = site.page(topic, user=thief[0], session_id=thief[1])
        with pytest.raises(Refused) as refused:
            open_page(page=(html, headers))
        assert refused.value.status == (4403 if transport == "socket" else 403)


def tampered(token):
    head, _, signature = token.rpartition(".")
    return [
        token[:-2],
        token + "A",
        "x" + token,
        head,
        f"{head}.",
        f".{signature}",
        token.swapcase(),
        "a.b",
        "\u0661",
        ".",
        "." * 4000,
        "W10." + signature,
        token[1:],
    ]


def test_a_tampered_list_is_refused(site, open_page, topic, transport):
    html, headers = site.page(topic)
    token = connection(html).token
    for bad in tampered(token):
        with pytest.raises(Refused) as refused:
            open_page(page=(html.replace(token, bad), headers), position="none")
        assert refused.value.status == (4403 if transport == "socket" else 403), bad


def test_a_request_without_a_list_is_refused(site, open_page, topic, transport):
    html, headers = site.page(topic)
    with pytest.raises(Refused) as refused:
        open_page(page=(html.replace(connection(html).token, ""), headers))
    assert refused.value.status == (4403 if transport == "socket" else 400)


@pytest.mark.parametrize(
    "foreign",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "{own}"},
        {"Origin": "{own}.evil.example"},
        {"Origin": "{own}/"},
        {"Sec-Fetch-Site": ""},
    ],
)
def test_another_site_is_refused(site, open_page, topic, foreign):
    html, headers = site.page(topic)
    foreign = {name: value.replace("{own}", site.url) for name, value in foreign.items()}
    with pytest.raises(Refused) as refused:
        open_page(page=(html, headers | foreign))
    assert refused.value.status == 403


def test_the_site_itself_is_not_refused(site, open_page, topic):
    html, headers = site.page(topic)
    for own in ({"Origin": site.url}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}):
        assert open_page(page=(html, headers | own)).next().name == "live:open"


def test_a_page_of_which_everything_is_denied_is_refused(site, open_page, topic, transport):
    page = site.page(topic, user="mallory")
    site.change(deny=[["mallory", topic]])
    with pytest.raises(Refused) as refused:
        open_page(page=page)
    assert refused.value.status == (4403 if transport == "socket" else 403)


def test_one_user_has_so_many_connections_and_no_more(site, open_page, topic, transport):
    user = f"heavy{transport}"
    html, headers = site.page(topic, user=user)
    streams = [StreamClient(site.url, headers).connect(connection(html)) for _ in range(19)]
    try:
        assert open_page(page=(html, headers)).next().name == "live:open"
        streams.append(StreamClient(site.url, headers))
        if transport == "poll":
            streams[-1].connect(connection(html))
        with pytest.raises(Refused) as refused:
            open_page(page=(html, headers))
        assert refused.value.status == (1013 if transport == "socket" else 429)
        assert open_page(topic).next().name == "live:open"  # the others are not touched
    finally:
        for stream in streams:
            stream.close()
