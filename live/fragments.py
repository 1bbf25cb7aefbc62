"""Rendering fragments for everybody: no request, no user, no session, and every variable given by name.

What a fragment may not see raises with a sentence that names the way out (`refresh`). STYLE A6.
"""

from typing import Any

from flask import Flask
from jinja2 import Environment, StrictUndefined

# Flask puts these into every template; in a fragment they would show one person's page to all.
PER_VIEWER = ("current_user", "request", "session", "g", "url_for", "get_flashed_messages")
WAY_OUT = (
    "{!r} is not there in a fragment that goes to everybody: "
    "use live.refresh for what differs per viewer, and path_for for addresses"
)


class Fragments:
    """The site's templates, seen without a viewer."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._environment: Environment | None = None

    def render(self, template: str, context: dict[str, Any]) -> str:
        """The HTML of a fragment.

        Errors: jinja2.UndefinedError for a variable that was not given.
        """
        if self._environment is None:  # late: the site adds filters and globals after init_app
            self._environment = self._app.jinja_env.overlay(undefined=StrictUndefined)
            hidden = {name: StrictUndefined(hint=WAY_OUT.format(name), name=name) for name in PER_VIEWER}
            self._environment.globals = {**self._app.jinja_env.globals, **hidden}
        return self._environment.get_template(template).render(context).strip()

    def path_for(self, endpoint: str, **values: Any) -> str:
        """The local path of an endpoint, which needs no request: the same in a page, an event and a job."""
        root = self._app.config.get("APPLICATION_ROOT") or "/"
        adapter = self._app.url_map.bind("local", script_name=root)
        self._app.inject_url_defaults(endpoint, values)
        # A WebSocket's address comes with a scheme and a host of its own.
        return adapter.build(endpoint, values, force_external=False).removeprefix("ws://local")
