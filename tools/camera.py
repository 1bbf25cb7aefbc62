"""What `make screenshots` takes its pictures with: a site of its own with the demo data, and a real Chromium."""

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from contextlib import closing, contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
SCREENS = {390: (844, "light"), 1280: (800, "dark"), 1920: (1080, "light")}
NARROW = (390, 1280)
COLOURS = 128  # flat pages need no more, and the files are a third of the size
READY_S = 60
STILL_MS = 300


class Camera:
    """Takes pictures of pages as they are once they are live and still; `then` brings a page into its state."""

    def __init__(self, browser, url, database, target):
        self._browser, self.url, self._database, self._target = browser, url, database, target

    def open(self, name=None):
        """A browser of one of the demo accounts, or of a stranger."""
        page = self._browser.new_context(reduced_motion="reduce").new_page()
        if name:
            page.goto(f"{self.url}/login")
            page.get_by_label("E-mail").fill(f"{name}@levain.test")
            page.get_by_label("Password").fill("levain")
            page.get_by_role("button", name="Sign in").click()
            page.wait_for_url(lambda address: "/login" not in address)
        return page

    def take(self, page, name, path, then=None, *, widths=tuple(SCREENS), theme=None, whole=True):
        for width in widths:
            height, usual = SCREENS[width]
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=theme or usual, reduced_motion="reduce")
            page.goto(self.url + path)
            live(page)
            if then:
                then(page)
            self._keep(page, f"{name}-{width}{'-' + theme if theme else ''}.png", whole)
            page.context.set_offline(False)

    def _keep(self, page, name, whole):
        picture = self._target / name
        if whole:  # what sticks to the edges of the window then sticks to those of the page
            size = page.viewport_size | {"height": page.evaluate("document.documentElement.scrollHeight")}
            page.set_viewport_size(size)
        page.wait_for_timeout(STILL_MS)
        page.screenshot(path=picture)
        few = Image.open(picture).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        few.save(picture, optimize=True)
        print(name, flush=True)

    def sql(self, statement, *values):
        """What no visitor can do: let time pass."""
        with closing(sqlite3.connect(self._database, timeout=10)) as database, database:
            database.execute(statement, values)


def live(page):
    if page.locator("#bar").count():
        page.locator("html:is([data-live=live], [data-live=polling])").wait_for(state="attached")


@contextmanager
def camera(var, target):
    with site(var) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"]
        )
        yield Camera(browser, url, Path(var) / "levain.db", target)
        browser.close()


@contextmanager
def site(var):
    """The address of a site of our own with the demo data."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    own = {"LEVAIN_VAR": var, "PORT": str(port), "REDIS_URL": "", "DATABASE_URL": "", "LEVAIN_ENV": ""}
    process = subprocess.Popen(
        [sys.executable, "app.py"], cwd=ROOT, env=os.environ | own, stdout=subprocess.DEVNULL
    )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(url)
        yield url
    finally:
        process.terminate()
        process.wait(20)


def wait_for(url):
    give_up = time.monotonic() + READY_S
    while True:
        try:
            return urllib.request.urlopen(url, timeout=5).close()  # noqa: S310  (our own address)
        except OSError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.2)


def chromium():
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    sys.exit("Chromium is not installed: there is nothing to take pictures with.")
