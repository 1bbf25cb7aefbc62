"""What is the same in each of the hundreds of apps of a test run is worked out once in a process, not with each app:
templates, the functions that build addresses, and statements in SQL. Together that was most of what a test took.
"""

from flask import Flask
from jinja2 import BytecodeCache
from sqlalchemy.engine.default import DefaultDialect
from werkzeug.routing import Rule


class Templates(BytecodeCache):
    def __init__(self):
        self._kept = {}

    def load_bytecode(self, bucket):
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket):
        self._kept[bucket.key] = bucket.bytecode_to_string()


class KnownRule(Rule):
    """Werkzeug compiles two functions of Python for each rule; they get the rule itself as an argument."""

    _kept = {}  # noqa: RUF012 - of all rules

    def _compile_builder(self, append_unknown=True):
        if self.defaults:
            return super()._compile_builder(append_unknown)
        key = self.rule, append_unknown, tuple(self._trace)
        if key not in self._kept:
            self._kept[key] = super()._compile_builder(append_unknown)
        return self._kept[key]


TEMPLATES = Templates()
STATEMENTS = {}  # by dialect and statement, as SQLAlchemy keeps them for one engine


def share(app, engine):
    app.jinja_env.bytecode_cache = TEMPLATES
    engine._compiled_cache = STATEMENTS


Flask.url_rule_class = KnownRule
# Two engines of one kind of database speak alike: a run has one SQLite and one PostgreSQL.
DefaultDialect.__eq__ = lambda self, other: type(self) is type(other)
DefaultDialect.__hash__ = lambda self: hash(type(self))
