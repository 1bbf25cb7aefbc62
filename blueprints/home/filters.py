"""How money, times and states are written in a template, in pages and in fragments alike."""

from datetime import UTC

from markupsafe import Markup

from blueprints.home import bp


@bp.app_template_filter("price")
def price(cents):
    """Integer cents as people write them: 1250 gives €12.50."""
    sign = "-" if cents < 0 else ""
    euros, rest = divmod(abs(cents), 100)
    return f"{sign}€{euros:,}.{rest:02d}"


@bp.app_template_filter("clock")
def clock(moment):
    """A time of day, in UTC until site.js puts it into the reader's zone."""
    return _time(moment, "%H:%M UTC", "clock")


@bp.app_template_filter("day_and_clock")
def day_and_clock(moment):
    """A date with its time of day, for what may be older than today."""
    return _time(moment, "%-d %b %Y, %H:%M UTC", "day")


@bp.app_template_filter("seconds")
def seconds(duration):
    """A span of time: 0.4 s, 12 s, 3 min 20 s."""
    total = duration.total_seconds()
    if total < 10:
        return f"{total:.1f} s"
    minutes, rest = divmod(int(total), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _time(moment, form, kind):
    moment = moment.astimezone(UTC)
    machine = moment.isoformat(timespec="seconds").replace("+00:00", "Z")
    return Markup('<time datetime="{}" data-time="{}">{}</time>').format(machine, kind, moment.strftime(form))
