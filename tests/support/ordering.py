"""Ordering as a guest does it with a test client: into the basket, then the form that the page shows."""

from uuid import uuid4

from bs4 import BeautifulSoup


def add(client, item_id, quantity=1, **fields):
    answer = client.post(f"/orders/items/{item_id}/lines", data={"quantity": quantity, **fields})
    assert answer.status_code == 303, answer.text
    return answer


def checkout(client):
    """The fields of the form under the basket, as the page shows it now."""
    form = BeautifulSoup(client.get("/orders/").text, "html.parser").select_one("form.place")
    return {field["name"]: field["value"] for field in form.select("input")}


def place(client, item_id, quantity=1, **fields):
    """The number of an order for so many of one thing."""
    add(client, item_id, quantity, **fields)
    answer = client.post("/orders/", data=checkout(client) | {"token": uuid4().hex})
    assert answer.status_code == 303, answer.text
    return int(answer.location.rsplit("/", 1)[1])
