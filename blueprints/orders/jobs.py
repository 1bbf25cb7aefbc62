"""The long work of the orders: a sales report, a menu from a file, photos in sizes, a busy Friday. docs/jobs.md."""

from datetime import date, timedelta
from pathlib import PurePath

from blueprints.orders import charts, menu_file, photos
from blueprints.orders.broadcasts import menu_changed
from blueprints.orders.friday import PER_TRANSACTION, Friday
from blueprints.orders.job_forms import FridayForm, MenuForm, PeriodForm, PhotoForm
from blueprints.orders.models import NEXT, MenuItem
from blueprints.orders.sales import as_csv, days_between, sales_of_day, summary
from work import Job, Output, Refused, job
from work.kinds import nobody

STEP_S = 0.5  # between two live orders: people watch


def staff(user):
    return user.has_role("kitchen")


def admin(user):
    return user.has_role("admin")


def yesterday(moment):
    day = (moment.date() - timedelta(days=1)).isoformat()
    return {"since": day, "until": day}


@job("sales_report", "Sales report", form=PeriodForm, unit="days", result="jobs/_sales.html",
     about="What was sold in a period, with charts and a file for your spreadsheet.")  # fmt: skip
def sales_report(run, since, until):
    days, sales = days_between(date.fromisoformat(since), date.fromisoformat(until)), []
    for number, day in enumerate(days, start=1):
        with run.reading():
            sales.append(sales_of_day(day))
        run.progress(number, len(days), f"{day:%-d %B %Y}")
    result = summary(sales)
    files = [
        {"name": f"sales-{since}-to-{until}.csv", "mime": "text/csv", "data": as_csv(days, sales)},
        {"name": "by-day.svg", "mime": "image/svg+xml", "data": charts.sales_by_day(days, sales)},
        {"name": "by-item.svg", "mime": "image/svg+xml", "data": charts.sales_by_item(result["items"])},
    ]
    return Output(result, files if result["orders"] else files[:1])


job("nightly_report", "Nightly report", unit="days", result="jobs/_sales.html", may_start=nobody,
    cron="15 3 * * *", occasion=yesterday)(sales_report)  # fmt: skip


@job("menu_import", "Menu import", form=MenuForm, unit="rows", may_start=staff,
     about="New dishes and new prices from a table. All of it, or, where a row is wrong, nothing.")  # fmt: skip
def menu_import(run):
    rows, names, good, wrong = menu_file.read(run.file("menu")), set(), [], 0
    for number, row in enumerate(rows, start=1):
        values, errors = menu_file.item_of(row, names)
        if errors:
            wrong += 1
            run.say(f"Row {number + 1}: {'; '.join(errors)}.")
        else:
            good.append(values)
        run.progress(number, len(rows), f"{wrong} wrong so far" if wrong else "")
    if wrong:
        raise Refused(f"{wrong:,} of {len(rows):,} rows are wrong; the log names each. Nothing was imported.")
    MenuItem.write(good)  # committed together with the word that the job is done
    menu_changed()
    return {"Rows in the file": len(rows), "Dishes on the menu now": len(MenuItem.menu())}


@job("pizza_photos", "Photo sizes", form=PhotoForm, unit="sizes", result="jobs/_photos.html",
     about="One photo of a pizza, in all the sizes that pages need.")  # fmt: skip
def pizza_photos(run):
    with run.reading() as session:
        given = next(file.name for file in session.get(Job, run.job_id).files if file.field == "photo")
    stem, files, shown = PurePath(given).stem[:60] or "photo", [], []
    try:
        for number, (name, size, data) in enumerate(photos.sizes(run.file("photo")), start=1):
            files.append({"name": f"{stem}-{name}", "mime": "image/webp", "data": data})
            shown.append([f"{stem}-{name}", *size, len(data)])
            run.progress(number, len(photos.SIDES), f"{size[0]} x {size[1]}")
    except photos.NoPhoto as wrong:
        raise Refused(str(wrong)) from None
    return Output({"photos": shown}, files)


@job("busy_friday", "A busy Friday", form=FridayForm, unit="orders", may_start=admin, timeout_s=1800,
     about="Demo data: thousands of orders of last Friday, the last of them live through the kitchen.")  # fmt: skip
def busy_friday(run, orders):
    with run.reading():
        menu = [(item.name, item.price_cents) for item in MenuItem.menu() if not item.sold_out]
    if not menu:
        raise Refused("There is nothing on the menu that could be ordered.")
    friday = Friday(run.user_id, f"friday{run.job_id}", menu, orders)
    for numbers in friday.batches():
        with run.transaction():
            friday.add_past(numbers)
        run.progress(numbers.stop, orders, "orders of last Friday")
    for number in range(friday.live + len(NEXT)):
        with run.transaction():
            friday.move_on(number)
        run.progress(friday.past + min(number + 1, friday.live), orders, "through the kitchen, live")
        run.wait(STEP_S)
    return {"Orders": orders, "Of them live": friday.live, "In batches of": PER_TRANSACTION}
