"""What live.js does to a page, done to its HTML: upsert, morph, delete, and a region fetched again.

It needs BeautifulSoup, a package for development, and imports it only when it is called.
"""
# ruff: noqa: S101 - a test kit asserts

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from live.testing.stream import Received

REGION = "data-live-region"


def apply(page_html: str, events: Iterable[Received], fresh_html: str = "") -> str:
    """The page after these events, as HTML.

    Shape: a `refresh` takes its region from `fresh_html`, a load of the same page.
    Errors: AssertionError for an event that no page could use: no target on it, two roots, an unknown way to swap.
    """
    soup, fresh = _soup(page_html), cache(lambda: _soup(fresh_html))  # most pages are told of no refresh
    for event in events:
        if event.name == "live:refresh":
            _refresh(soup, fresh, event.data)
        elif not event.name:
            for partial in _soup(event.data).find_all("hx-partial"):
                _swap(soup, partial)
    return str(soup)


def _soup(html: str) -> Any:
    from bs4 import BeautifulSoup

    return BeautifulSoup(html, "html.parser")


def _refresh(soup: Any, fresh: Callable[[], Any], target: str) -> None:
    element = soup.select_one(target)
    if element is None:  # another page of the topic shows it
        return
    region = element if element.has_attr(REGION) else element.find_parent(attrs={REGION: True})
    assert region, f"refresh of {target}, which is in no {REGION}"
    now = fresh().find(id=region["id"])
    assert now, f"refresh of {target}: the page loaded fresh has no #{region['id']}"
    region.replace_with(_soup(str(now)).find(id=region["id"]))


def _swap(soup: Any, partial: Any) -> None:
    style, target = partial["hx-swap"], soup.select_one(partial["hx-target"])
    assert style in ("live-upsert", "outerMorph", "delete"), f"an unknown way to swap: {style}"
    if style == "delete":
        if target:
            target.decompose()
        return
    roots = partial.find_all(recursive=False)
    assert len(roots) == 1, f"a fragment has one root, this one has {len(roots)}: {str(partial)[:200]}"
    old = soup.find(id=roots[0].get("id")) if roots[0].get("id") else None
    if old and _older(roots[0], old):
        return
    if style == "live-upsert":
        _upsert(target, roots[0], old)
    elif target:
        target.replace_with(roots[0])


def _older(fresh: Any, old: Any) -> bool:
    versions = fresh.get("data-version"), old.get("data-version")
    return None not in versions and float(versions[0]) < float(versions[1])


def _upsert(target: Any, fresh: Any, old: Any) -> None:
    if old and (target is None or fresh.get("data-sort") is None):
        old.replace_with(fresh)
    elif target:
        if old:
            old.extract()
        _insert(target, fresh)


def _insert(target: Any, fresh: Any) -> None:
    following = next((row for row in target.find_all(recursive=False) if _before(fresh, row)), None)
    if following:
        following.insert_before(fresh)
    else:
        target.append(fresh)


def _before(fresh: Any, row: Any) -> bool:
    mine, its = fresh.get("data-sort"), row.get("data-sort")
    if mine is None or its is None:
        return False
    try:
        return float(mine or 0) < float(its or 0)
    except ValueError:
        return bool(mine < its)
