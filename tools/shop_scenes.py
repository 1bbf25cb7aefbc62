"""What a guest and a cook see, in every state: called by screenshots.py."""

from camera import NARROW, live

CHOOSE = """async (orders) => {
  const post = (path, fields) => fetch(path, {method: "POST", body: new URLSearchParams(fields)});
  for (const lines of orders) {
    for (const [item, fields] of lines) await post(`/orders/items/${item}/lines`, {quantity: "1", ...fields});
    const page = new DOMParser().parseFromString(await (await fetch("/orders/")).text(), "text/html");
    const form = page.querySelector("form.place");
    await post("/orders/", Object.fromEntries([...form.querySelectorAll("input")].map((it) => [it.name, it.value])));
  }
}"""
POST = "([path, fields]) => fetch(path, {method: 'POST', body: new URLSearchParams(fields)})"
OLDER = "UPDATE orders SET created_at = datetime(created_at, ?) WHERE id = ?"
OVERDUE = """UPDATE orders SET promised_from = datetime('now', '-20 minutes'),
  promised_until = datetime('now', '-9 minutes') WHERE id = ?"""
RUSH = [
    [[1, {"quantity": "2", "size": "3", "extra": "4"}], [3, {"without": "8"}], [6, {}]],
    [[4, {"extra": "5"}], [7, {"quantity": "3"}]],
    [[5, {}], [2, {}]],
    [[1, {}]],
    [[3, {"quantity": "2", "extra": "7"}], [4, {}]],
    [[2, {"quantity": "2"}], [6, {"extra": "6"}]],
]


def ordering(it):
    grace = it.open("grace")
    it.take(grace, "order-nothing-chosen", "/orders/")
    for name in ("Margherita", "Diavola", "Funghi"):
        grace.get_by_role("button", name=f"Add {name} to the basket").click()
        grace.locator("#basket .chosen li", has_text=name).wait_for()
    it.take(grace, "order-basket", "/orders/")
    it.take(grace, "order-bad-amount", "/orders/", bad_amount, widths=NARROW)
    it.take(grace, "order-no-contact", "/orders/", lose_contact, widths=NARROW)
    carlo = it.open("carlo")
    carlo.evaluate(POST, ["/kitchen/menu/4/availability", {"sold_out": "yes"}])
    carlo.evaluate(POST, ["/kitchen/menu/1/price", {"price": "9.50"}])
    it.take(grace, "order-sold-out-and-a-new-price", "/orders/")
    carlo.evaluate(POST, ["/kitchen/closings", {"begins": "0", "lasts": "60"}])
    it.take(grace, "order-closed", "/orders/")
    carlo.evaluate(POST, ["/kitchen/closings/end", {}])
    carlo.evaluate(POST, ["/kitchen/menu/4/availability", {"sold_out": "no"}])


def bad_amount(page):
    page.locator(".options summary").first.click()
    page.get_by_label("Rocket").first.check()
    page.get_by_label("How many Margherita").fill("")
    page.get_by_role("button", name="Add Margherita").click()
    page.locator(".card .problem").wait_for()


def lose_contact(page):
    live(page)
    page.context.set_offline(True)
    page.locator("html[data-live=stale]").wait_for(state="attached")


def an_order(it):
    ada, carlo = it.open("ada"), it.open("carlo")
    ada.evaluate(CHOOSE, RUSH[:1])
    ada.goto(f"{it.url}/orders/")
    mine = ada.locator("#my-orders .rows a").first.get_attribute("href")
    number = mine.rsplit("/", 1)[1]
    it.take(ada, "order-received", mine)
    it.take(ada, "order-note-refused", mine, long_note, widths=NARROW)
    move = lambda state: carlo.evaluate(POST, [f"/kitchen/orders/{number}/moves", {"from": state}])  # noqa: E731
    move("new")
    it.take(ada, "order-in-the-oven", mine)
    it.sql(OVERDUE, number)
    it.take(ada, "order-late", mine)
    link = ada.get_by_role("link", name="Link for another device").get_attribute("href")
    move("oven")
    it.take(ada, "order-ready", mine)
    it.take(it.open(), "tracking", link)
    carlo.evaluate(POST, ["/kitchen/undos", {}])
    it.take(ada, "order-corrected", mine)
    for state in ("oven", "ready"):
        move(state)
    it.take(ada, "order-collected", mine, widths=NARROW)


def long_note(page):
    page.locator("#note").evaluate(
        "(note) => { note.maxLength = 500; note.value = 'well done, please, '.repeat(9); }"
    )
    page.get_by_role("button", name="Send it").click()
    page.locator("#note-problem").wait_for()


def kitchen_at_rest(it):
    it.sql("UPDATE orders SET state = 'done' WHERE state != 'done'")
    it.take(it.open("carlo"), "kitchen-empty-sound-off", "/kitchen/", whole=False)


def kitchen(it):
    ada, carlo = it.open("ada"), it.open("carlo")
    ada.evaluate(CHOOSE, RUSH)
    ada.goto(f"{it.url}/orders/")
    newest = int(ada.locator("#my-orders .rows a").first.get_attribute("href").rsplit("/", 1)[1])
    for age, number in zip(("-12", "-9", "-7", "-4", "-2", "-0"), range(newest - 5, newest + 1), strict=True):
        it.sql(OLDER, f"{age} minutes", number)
    ada.evaluate(POST, [f"/orders/{newest - 1}/note", {"note": "one of them sliced"}])
    for number, states in ((newest - 5, ["new", "oven"]), (newest - 4, ["new"]), (newest - 3, ["new"])):
        for state in states:
            carlo.evaluate(POST, [f"/kitchen/orders/{number}/moves", {"from": state}])
    it.take(carlo, "kitchen", "/kitchen/", any_key)
    it.take(carlo, "kitchen", "/kitchen/", any_key, widths=[1920], theme="dark")
    for name, then in BOARD.items():
        it.take(carlo, f"kitchen-{name}", "/kitchen/", then, widths=[1920], whole=False)
    it.take(carlo, "kitchen-recalls-page", "/kitchen/recalls", widths=NARROW)
    it.take(carlo, "kitchen-menu-page", "/kitchen/menu")
    it.take(carlo, "kitchen-menu-page-refused", "/kitchen/menu", wrong_price, widths=NARROW)
    it.take(carlo, "kitchen-keys", "/kitchen/keys", widths=NARROW)


def any_key(page):
    page.keyboard.press("Shift")
    page.wait_for_function(
        "() => !document.querySelector('.ticket:not([data-local-off]) .bump[aria-disabled=true]')"
    )


def pressed(key, shown):
    def press(page):
        any_key(page)
        page.keyboard.press(key)
        page.locator(shown).first.wait_for()

    return press


def open_menu(page):
    any_key(page)
    page.locator("#kitchen-menu summary").click()


def conflict(page):
    any_key(page)
    page.locator("#column-oven .bump[aria-disabled=false]").first.wait_for()
    page.locator("#column-oven [name=from]").first.evaluate("(field) => { field.value = 'new'; }")
    page.locator("#column-oven .bump").first.click()
    page.locator("#conflict .problem").wait_for()


def large(page):
    any_key(page)
    page.keyboard.press("+")


def small(page):
    any_key(page)
    page.keyboard.press("-")
    page.keyboard.press("-")


def no_contact(page):
    page.keyboard.press("+")
    any_key(page)
    lose_contact(page)


BOARD = {
    "recalls": pressed("r", "#panel li"),
    "keys-panel": pressed("?", "#help"),
    "muted": pressed("m", "#muted"),
    "menu": open_menu,
    "conflict": conflict,
    "large": large,
    "small": small,
    "no-contact": no_contact,
}


def wrong_price(page):
    page.get_by_label("Margherita").first.fill("a lot")
    page.get_by_role("button", name="Set the price of Margherita").click()
    page.locator(".problem").wait_for()
