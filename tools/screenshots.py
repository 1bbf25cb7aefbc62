"""Pictures of every page, in the states that matter, at 390, 1280 and 1920 pixels, into docs/screenshots/.

Called by `make screenshots`. Starts a site of its own with the demo data in a temporary folder, drives a real
Chromium, and stops all of it. Pages are light at 390 and 1920 and dark at 1280; the board is shown in both.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "screenshots"
SCREENS = {390: (844, "light"), 1280: (800, "dark"), 1920: (1080, "light")}
COLOURS = 128  # flat pages need no more, and the files are a third of the size
READY_S = 60
CHOOSE = """async (orders) => {
  const post = (path, fields) => fetch(path, {method: "POST", body: new URLSearchParams(fields)});
  for (const lines of orders) {
    for (const [item, fields] of lines) await post(`/orders/items/${item}/lines`, {quantity: "1", ...fields});
    const page = new DOMParser().parseFromString(await (await fetch("/orders/")).text(), "text/html");
    const form = page.querySelector("form.place");
    await post("/orders/", Object.fromEntries([...form.querySelectorAll("input")].map((it) => [it.name, it.value])));
  }
}"""
RUSH = [
    [[1, {"quantity": "2", "size": "3", "extra": "4"}], [3, {"without": "8"}], [6, {}]],
    [[4, {"extra": "5"}], [7, {"quantity": "3"}]],
    [[5, {}], [2, {}]],
    [[1, {}]],
    [[3, {"quantity": "2", "extra": "7"}], [4, {}]],
]


def main():
    TARGET.mkdir(parents=True, exist_ok=True)
    for old in TARGET.glob("*.png"):
        old.unlink()
    with tempfile.TemporaryDirectory() as var, site(var) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"]
        )
        camera = Camera(browser, url)
        guest(camera)
        kitchen(camera)
        others(camera)
        browser.close()
    total = sum(path.stat().st_size for path in TARGET.glob("*.png"))
    print(f"{len(list(TARGET.glob('*.png')))} pictures, {total / 1e6:.1f} MB, in {TARGET.relative_to(ROOT)}/")


def guest(camera):
    ada = camera.open("ada")
    camera.all(ada, "home", "/")
    ada.evaluate(CHOOSE, RUSH)
    ada.goto(f"{camera.url}/orders/")
    for name in ("Margherita", "Diavola"):
        ada.get_by_role("button", name=f"Add {name} to the basket").click()
        ada.locator("#basket .chosen li", has_text=name).wait_for()
    camera.all(ada, "order", "/orders/")
    newest = ada.locator("#my-orders .rows a").first.get_attribute("href")
    camera.all(ada, "order-received", newest)
    camera.all(camera.open(None), "sign-in", "/login")


def kitchen(camera):
    carlo = camera.open("carlo")
    pressed = lambda page: page.keyboard.press("Shift")  # noqa: E731  (the browser then lets it sound)
    camera.all(carlo, "kitchen-sound-off", "/kitchen/", sizes=[1920])
    camera.all(carlo, "kitchen", "/kitchen/", then=pressed)
    camera.one(carlo, "kitchen-dark", "/kitchen/", 1920, "dark", then=pressed)
    camera.one(carlo, "kitchen-large", "/kitchen/", 1920, "light", then=lambda page: page.keyboard.press("+"))
    carlo.keyboard.press("-")
    camera.one(carlo, "kitchen-no-contact", "/kitchen/", 1920, "light", then=lose_contact)
    carlo.context.set_offline(False)
    camera.all(carlo, "kitchen-menu", "/kitchen/menu", sizes=[390, 1280])
    camera.all(carlo, "kitchen-keys", "/kitchen/keys", sizes=[1280])


def lose_contact(page):
    page.context.set_offline(True)
    page.locator("#contact-bar").wait_for()


def others(camera):
    grace = camera.open("grace")
    camera.all(grace, "chat", "/chat/")
    camera.all(grace, "chat-room", "/chat/rooms/1")
    camera.all(grace, "reports", "/jobs/")
    camera.all(grace, "account", "/account", sizes=[390])
    camera.all(grace, "not-found", "/orders/999999", sizes=[390])


class Camera:
    """Takes pictures of pages as they are once they are live and still."""

    def __init__(self, browser, url):
        self._browser, self.url = browser, url

    def open(self, name):
        page = self._browser.new_context(reduced_motion="reduce").new_page()
        if name:
            page.goto(f"{self.url}/login")
            page.get_by_label("E-mail").fill(f"{name}@levain.test")
            page.get_by_label("Password").fill("levain")
            page.get_by_role("button", name="Sign in").click()
            page.wait_for_url(lambda address: "/login" not in address)
        return page

    def all(self, page, name, path, sizes=SCREENS, then=None):
        for width in sizes:
            self.one(page, name, path, width, SCREENS[width][1], then)

    def one(self, page, name, path, width, theme, then=None):
        page.set_viewport_size({"width": width, "height": SCREENS[width][0]})
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        page.goto(self.url + path)
        if page.locator("#live-connect").count():
            page.locator("html[data-live=live], html[data-live=polling]").wait_for(state="attached")
        if then:
            then(page)
        page.wait_for_timeout(400)
        picture = TARGET / f"{name}-{width}.png"
        page.screenshot(path=picture)
        Image.open(picture).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(
            picture, optimize=True
        )
        print(picture.name, flush=True)


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


if __name__ == "__main__":
    main()
