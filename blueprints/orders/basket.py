"""What somebody wants, read from a posted form and checked against the menu. Sums are made here, in cents."""

from dataclasses import dataclass, field

MOST_OF_ONE = 20
MOST_IN_ALL = 50


@dataclass
class Basket:
    """The chosen items with their quantities, and the sentences for what could not be read, by field."""

    lines: list = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def total_cents(self):
        return sum(item.price_cents * quantity for item, quantity in self.lines)

    @property
    def pieces(self):
        return sum(quantity for _, quantity in self.lines)


def field_of(item):
    return f"quantity-{item.id}"


def read_basket(form, menu):
    basket = Basket()
    for item in menu:
        _read_line(basket, item, form.get(field_of(item), "").strip())
    if set(form).difference(map(field_of, menu), {"token"}):
        basket.errors["basket"] = "Something you chose is no longer on the menu. Please choose again."
    elif not basket.errors:
        _check_size(basket)
    return basket


def _read_line(basket, item, text):
    quantity = _quantity(text)
    if quantity is None:
        basket.errors[field_of(item)] = f"Please give a whole number from 0 to {MOST_OF_ONE}."
    elif quantity and item.sold_out:
        basket.errors[field_of(item)] = f"{item.name} is sold out for today. Please set it to 0."
    elif quantity:
        basket.lines.append((item, quantity))


def _quantity(text):
    # Two digits at most: int() of a very long text is slow, and refused by Python past 4,300 digits.
    if len(text) > 2 or not (text == "" or (text.isascii() and text.isdecimal())):
        return None
    quantity = int(text or 0)
    return quantity if quantity <= MOST_OF_ONE else None


def _check_size(basket):
    if not basket.lines:
        basket.errors["basket"] = "Please choose at least one pizza."
    elif basket.pieces > MOST_IN_ALL:
        basket.errors["basket"] = f"That is {basket.pieces} pizzas; we can bake {MOST_IN_ALL} for one order."
