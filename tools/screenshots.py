"""Pictures of every page, in every state, at 390, 1280 and 1920 pixels, into docs/screenshots/.

Called by `make screenshots`. Pages are light at 390 and 1920 and dark at 1280; what the README shows is named there.
"""

import shutil
import tempfile
from pathlib import Path

from camera import NARROW, ROOT, camera
from shop_scenes import an_order, kitchen, kitchen_at_rest, ordering

TARGET = ROOT / "docs" / "screenshots"
WRONG_MENU = b"name,description,price\nCalzone,Folded and closed,9.90\nRomana,,cheap\n"


def main():
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        with tempfile.TemporaryDirectory() as var, camera(var, fresh) as it:
            accounts(it)
            kitchen_at_rest(it)
            ordering(it)
            an_order(it)
            kitchen(it)
            chat(it)
            jobs(it)
        replace(fresh)
    pictures = list(TARGET.glob("*.png"))
    print(f"{len(pictures)} pictures, {sum(path.stat().st_size for path in pictures) / 1e6:.1f} MB")


def replace(fresh):
    """Only when every scene has worked: half a set would leave the README without its pictures."""
    TARGET.mkdir(parents=True, exist_ok=True)
    for old in TARGET.glob("*.png"):
        old.unlink()
    for picture in fresh.glob("*.png"):
        shutil.move(picture, TARGET / picture.name)


def accounts(it):
    stranger, ada = it.open(), it.open("ada")
    it.take(stranger, "home-stranger", "/", widths=[390])
    it.take(ada, "home", "/")
    it.take(stranger, "sign-in", "/login")
    it.take(stranger, "sign-in-refused", "/login", wrong_password, widths=NARROW)
    it.take(stranger, "sign-up", "/signup", widths=NARROW)
    it.take(stranger, "sign-up-refused", "/signup", taken_email, widths=NARROW)
    it.take(ada, "account", "/account")
    it.take(ada, "account-refused", "/account", wrong_new_password, widths=NARROW)
    it.take(
        ada,
        "account-menu",
        "/",
        lambda page: page.locator("#account summary").click(),
        widths=NARROW,
        whole=False,
    )
    it.take(ada, "not-found", "/orders/999999")
    it.take(ada, "denied", "/kitchen/", widths=NARROW)


def wrong_password(page):
    page.get_by_label("E-mail").fill("ada@levain.test")
    page.get_by_label("Password").fill("leaven")
    page.get_by_role("button", name="Sign in").click()
    page.locator(".problem").wait_for()


def taken_email(page):
    page.get_by_label("Your name").fill("Ada")
    page.get_by_label("E-mail").fill("ada@levain.test")
    page.get_by_label("Password").fill("long enough")
    page.get_by_role("button", name="Make my account").click()
    page.locator(".problem").wait_for()


def wrong_new_password(page):
    page.get_by_label("Current password").fill("leaven")
    page.get_by_label("New password").fill("a longer one")
    page.get_by_role("button", name="Change the password").click()
    page.locator(".problem").wait_for()


def chat(it):
    ada = it.open("ada")
    it.take(ada, "chat", "/chat/")
    it.take(ada, "chat-room", "/chat/rooms/1", whole=False)


def jobs(it):
    ada, carlo, root = it.open("ada"), it.open("carlo"), it.open("root")
    it.take(ada, "jobs-none", "/jobs/", widths=NARROW)
    report = start(it, ada, "Sales report")
    ada.get_by_text("What was sold most").wait_for()
    it.take(ada, "job-done", report)
    failed = start(
        it, carlo, "Menu import", file={"name": "menu.csv", "mimeType": "text/csv", "buffer": WRONG_MENU}
    )
    carlo.locator(".job[data-state=failed]").wait_for()
    it.take(carlo, "job-failed", failed)
    running = start(it, root, "A busy Friday")
    root.locator(".job[data-state=running]").wait_for()
    it.take(root, "job-running", running)
    it.take(root, "jobs", "/jobs/?whose=everybodys")
    it.take(root, "jobs-workers", "/jobs/workers", widths=NARROW)


def start(it, page, title, file=None):
    """The path of a job that has just been started."""
    page.goto(f"{it.url}/jobs/")
    form = page.locator("form", has=page.get_by_role("button", name=f"Start {title}"))
    if file:
        form.locator("input[type=file]").set_input_files(file)
    form.get_by_role("button", name=f"Start {title}").click()
    page.wait_for_url(lambda address: address.rsplit("/", 1)[1].isdigit())
    return page.url.removeprefix(it.url)


if __name__ == "__main__":
    main()
