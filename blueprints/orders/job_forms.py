"""What somebody fills in to start one of the jobs of the orders; every wrong entry is answered beside its field."""

from datetime import timedelta

from wtforms import DateField, IntegerField
from wtforms.validators import InputRequired, NumberRange, ValidationError

from blueprints.orders import menu_file, photos
from database import utcnow
from work.forms import JobForm, Upload

LONGEST_PERIOD = timedelta(days=366)
USUAL_PERIOD = timedelta(days=30)


def today():
    return utcnow().date()


class PeriodForm(JobForm):
    """The days of a sales report, both included."""

    since = DateField(
        "From",
        [InputRequired("Please give the first day, as in 2026-11-01.")],
        default=lambda: today() - USUAL_PERIOD,
    )
    until = DateField("To", [InputRequired("Please give the last day, as in 2026-11-30.")], default=today)

    def validate_since(self, field):
        if field.data and field.data.year < 2000:
            raise ValidationError("There are no sales before the year 2000.")

    def validate_until(self, field):
        since = self.since.data
        if since and field.data and field.data < since:
            raise ValidationError("The period ends before it starts. Please choose a later day here.")
        if since and field.data and field.data - since > LONGEST_PERIOD:
            raise ValidationError("A report covers a year at most. Please choose a shorter period.")


class MenuForm(JobForm):
    menu = Upload(
        "Menu as CSV",
        accept=".csv,text/csv",
        description="Columns: name, description, price; if you like sold_out, picture.",
    )

    def validate_menu(self, field):
        try:
            menu_file.read(field.content)
        except menu_file.WrongShape as wrong:
            raise ValidationError(str(wrong)) from None


class PhotoForm(JobForm):
    photo = Upload(
        "Photo",
        accept="image/jpeg,image/png,image/webp",
        description="JPEG, PNG or WebP, 10 megabytes at most.",
    )

    def validate_photo(self, field):
        try:
            photos.look(field.content)
        except photos.NoPhoto as wrong:
            raise ValidationError(str(wrong)) from None


class FridayForm(JobForm):
    orders = IntegerField(
        "Orders",
        [
            InputRequired("Please give a number."),
            NumberRange(100, 5000, "Please give a number from 100 to 5,000."),
        ],
        default=2000,
    )
