"""What somebody fills in to start a job: a WTForms form whose fields are the job's arguments, files among them.

Every check of what was given stands in the form, so that its sentence stands beside the field and nothing is started.
"""

from datetime import date
from pathlib import PurePath

from wtforms import FileField, Form, ValidationError

from work.models import JobFile

MAX_UPLOAD_BYTES = 10_000_000
NAME_CHARS = 120


class JobForm(Form):
    """`arguments` and `files` are what the job is started with, once `validate()` was true."""

    @property
    def arguments(self):
        return {field.name: _plain(field.data) for field in self if not isinstance(field, Upload)}

    @property
    def files(self):
        return [field.as_file() for field in self if isinstance(field, Upload) and field.content]


class Upload(FileField):
    """One file, ten megabytes at most. `content` is what it holds; its name and what the browser says of it are not
    believed."""

    def __init__(self, label="", validators=(), *, accept="", **options):
        super().__init__(label, validators, **options)
        self.accept = accept
        self.content = b""

    def process_formdata(self, valuelist):
        super().process_formdata(valuelist)
        self.content = self.data.read(MAX_UPLOAD_BYTES + 1) if hasattr(self.data, "read") else b""

    def pre_validate(self, _form):
        if not self.content:
            raise ValidationError("Please choose a file; it must not be empty.")
        if len(self.content) > MAX_UPLOAD_BYTES:
            raise ValidationError(TOO_LARGE)

    def as_file(self):
        name = PurePath(self.data.filename or "file").name[-NAME_CHARS:]
        return JobFile(
            field=self.name,
            name=name,
            mime="application/octet-stream",
            size=len(self.content),
            data=self.content,
        )


TOO_LARGE = (
    f"This file is too large: {MAX_UPLOAD_BYTES // 1_000_000} megabytes are the limit. Nothing was started."
)


def _plain(value):
    return value.isoformat() if isinstance(value, date) else value
