"""What somebody fills in to start a job."""

from datetime import timedelta

from wtforms import DateField, Form
from wtforms.validators import InputRequired, ValidationError

LONGEST_PERIOD = timedelta(days=366)


class PeriodForm(Form):
    """The days of a sales report, both included."""

    since = DateField("From", [InputRequired("Please give the first day, as in 2026-11-01.")])
    until = DateField("To", [InputRequired("Please give the last day, as in 2026-11-30.")])

    def validate_since(self, field):
        if field.data and field.data.year < 2000:
            raise ValidationError("There are no sales before the year 2000.")

    def validate_until(self, field):
        since = self.since.data
        if since and field.data and field.data < since:
            raise ValidationError("The period ends before it starts. Please choose a later day here.")
        if since and field.data and field.data - since > LONGEST_PERIOD:
            raise ValidationError("A report covers a year at most. Please choose a shorter period.")

    @property
    def arguments(self):
        return {"since": self.since.data.isoformat(), "until": self.until.data.isoformat()}
