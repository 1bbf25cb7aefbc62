"""The forms of accounts. No CSRF tokens: cross-site requests are refused by their headers (security.py)."""

from wtforms import BooleanField, EmailField, Form, HiddenField, PasswordField, StringField
from wtforms.validators import DataRequired, InputRequired, Length, Regexp, ValidationError

from blueprints.auth.models import EMAIL_CHARS, NAME_CHARS, normal

MIN_PASSWORD_CHARS = 8
MAX_PASSWORD_CHARS = 128  # a longer one is only work for us
EMAIL = Regexp(r"^[^@\s]+@[^@\s]+\.[^@\s]+\Z", message="This is not an e-mail address.")


def _stripped(value):
    return value.strip() if value else value


def _lowered(value):
    return normal(value) if value else value


def printable(_form, field):
    if not field.data.isprintable():
        raise ValidationError("Control characters have no place in a name.")


def _new_password(label):
    bounds = Length(MIN_PASSWORD_CHARS, MAX_PASSWORD_CHARS, "Between %(min)d and %(max)d characters, please.")
    return PasswordField(label, [InputRequired(), bounds], render_kw={"autocomplete": "new-password"})


def _known_password(label):
    return PasswordField(
        label,
        [InputRequired(), Length(max=MAX_PASSWORD_CHARS)],
        render_kw={"autocomplete": "current-password"},
    )


class SignInForm(Form):
    email = EmailField(
        "E-mail",
        [DataRequired(), Length(max=EMAIL_CHARS)],
        filters=[_lowered],
        render_kw={"autocomplete": "username"},
    )
    password = _known_password("Password")
    remember = BooleanField("Keep me signed in on this device")
    next = HiddenField()


class SignUpForm(Form):
    name = StringField(
        "Your name",
        [DataRequired(), Length(max=NAME_CHARS), printable],
        filters=[_stripped],
        render_kw={"autocomplete": "name"},
    )
    email = EmailField(
        "E-mail",
        [DataRequired(), Length(max=EMAIL_CHARS), EMAIL],
        filters=[_lowered],
        render_kw={"autocomplete": "username"},
    )
    password = _new_password("Password")
    next = HiddenField()


class PasswordForm(Form):
    current = _known_password("Current password")
    password = _new_password("New password")
