"""The charts of a sales report, as SVG pictures that suit a light page and a dark one. Drawn by pygal."""

import sys

import pygal
from pygal.style import Style

# For plug-ins we have none of, pygal hangs a finder into Python that Python 3.11 warns of at every failed import.
sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__module__ != "pygal"]

FONT = "system-ui, sans-serif"
MOST_LABELS = 8
LIGHT = Style(
    background="transparent", plot_background="transparent", foreground="#524c47", foreground_strong="#1e1a16",
    foreground_subtle="#dbd9d3", colors=("#1c50b5",), opacity="1", font_family=FONT, label_font_size=15,
    major_label_font_size=15, value_font_size=15,
)  # fmt: skip
COLOURS = """inline:{{ id }} .guides .guide { stroke: #dbd9d3 !important; }
@media (prefers-color-scheme: dark) {
  {{ id }} text { fill: #c0bdb8 !important; }
  {{ id }} .color-0, {{ id }} .color-0 rect { fill: #91b7fe !important; stroke: #91b7fe !important; }
  {{ id }} .guides .guide, {{ id }} .axis .line { stroke: #3c3733 !important; }
}"""
COMMON = {
    "style": LIGHT,
    "js": (),
    "show_legend": False,
    "disable_xml_declaration": False,
    "pretty_print": False,
    "height": 320,
    "width": 900,
    "margin": 8,
    "value_formatter": lambda value: f"€{value:,.0f}",
}


def sales_by_day(days, sales):
    """A bar for each day."""
    chart = pygal.Bar(**_settings(), show_minor_x_labels=False, truncate_label=-1)
    chart.x_labels = [f"{day:%-d %b}" for day in days]
    chart.x_labels_major = chart.x_labels[:: max(1, -(-len(days) // MOST_LABELS))]
    chart.add("Sales", [cents / 100 for _, cents, _ in sales])
    return _drawn(chart)


def sales_by_item(items):
    """A bar for each of the items sold most."""
    chart = pygal.HorizontalBar(**_settings(), truncate_label=24, margin_right=48)
    chart.x_labels = [name for name, _, _ in reversed(items)]
    chart.add("Sales", [cents / 100 for _, _, cents in reversed(items)])
    return _drawn(chart)


def _drawn(chart):
    chart.add_xml_filter(_without_scripts)
    return chart.render()


def _without_scripts(root):
    """pygal writes its settings into a script even where it has none to run."""
    for parent in list(root.iter()):
        for script in parent.findall("script"):
            parent.remove(script)
    return root


def _settings():
    return COMMON | {"css": [*pygal.Config().css, COLOURS]}
