"""A menu as a CSV file: its shape, and what each of its rows says or what is wrong with it. It changes nothing."""

import csv
import io
from decimal import Decimal, InvalidOperation
from pathlib import Path

NEEDED = ("name", "description", "price")
KNOWN = (*NEEDED, "picture", "sold_out")
MOST_ROWS = 5000
DEAREST = Decimal(1000)
YES, NO = ("yes", "true", "1"), ("no", "false", "0", "")
PICTURES = Path(__file__).parents[2] / "static" / "pizza"
CHARS = {"name": 60, "description": 200}


class WrongShape(ValueError):
    """The file as a whole cannot be a menu; its text is a sentence for people."""


def read(content):
    """[{column: text}], one for each row.

    Errors: WrongShape.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise WrongShape("This is not a text in UTF-8. Please save the table as CSV, in UTF-8.") from None
    if "\0" in text:
        raise WrongShape("This is not a CSV file: it holds bytes that no text has.")
    try:
        rows = list(csv.DictReader(io.StringIO(text), delimiter=_delimiter(text), strict=True))
    except csv.Error as error:
        raise WrongShape(f"This is not a CSV file: {error}.") from None
    _check_shape(text, rows)
    return rows


def item_of(row, names):
    """(values of a menu item, what is wrong): one of the two is empty. `names` are those of the rows before."""
    wrong = [sentence for check in (_texts, _price, _sold_out, _picture) for sentence in check(row)]
    name = (row.get("name") or "").strip()
    if name.casefold() in names:
        wrong.append(f"“{name}” stands further up already")
    names.add(name.casefold())
    if wrong:
        return None, wrong
    values = {column: row[column].strip() for column in ("name", "description")}
    values |= {"price_cents": int(_amount(row["price"]) * 100), "sold_out": _flag(row) in YES}
    if picture := (row.get("picture") or "").strip():
        values["picture"] = picture
    return values, []


def pictures():
    return sorted(path.stem for path in PICTURES.glob("*.svg"))


def _delimiter(text):
    """A comma, or the semicolon that spreadsheets write where the comma is for decimals."""
    first = text.partition("\n")[0]
    return ";" if first.count(";") > first.count(",") else ","


def _check_shape(text, rows):
    columns = [
        column.strip()
        for column in next(csv.reader([text.partition("\n")[0]], delimiter=_delimiter(text)), [])
    ]
    if missing := [column for column in NEEDED if column not in columns]:
        raise WrongShape(f"The first line must name the columns; {_list(missing)} is missing.")
    if odd := [column for column in columns if column not in KNOWN]:
        raise WrongShape(f"There is no column called {_list(odd[:3])}; there are {', '.join(KNOWN)}.")
    if not rows:
        raise WrongShape("There is no row below the first line.")
    if len(rows) > MOST_ROWS:
        raise WrongShape(f"That are {len(rows):,} rows; {MOST_ROWS:,} are the limit.")


def _texts(row):
    if None in row or None in row.values():
        yield "it has not as many columns as the first line"
        return
    if not row["name"].strip():
        yield "it has no name"
    for column, chars in CHARS.items():
        if len(row[column].strip()) > chars:
            yield f"its {column} is longer than {chars} characters"


def _price(row):
    amount = _amount(row.get("price"))
    if amount is None:
        yield f"“{(row.get('price') or '')[:20]}” is no price like 8.90"
    elif not 0 < amount <= DEAREST:
        yield f"a price is more than 0 and at most {DEAREST}"


def _sold_out(row):
    if _flag(row) not in YES + NO:
        yield "sold_out is yes or no"


def _picture(row):
    picture = (row.get("picture") or "").strip()
    if picture and picture not in pictures():
        yield f"there is no picture called “{picture[:20]}”"


def _amount(text):
    try:
        amount = Decimal((text or "").strip().replace(",", "."))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and amount.as_tuple().exponent >= -2 else None


def _flag(row):
    return (row.get("sold_out") or "").strip().lower()


def _list(words):
    return ", ".join(f"“{word[:30]}”" for word in words)
