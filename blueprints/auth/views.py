"""Sign up, sign in, sign out, and one's own account. Hashes are computed and tries counted between transactions."""

import click
from flask import Blueprint, flash, redirect, render_template, request, session
from flask_login import current_user, login_required
from sqlalchemy.exc import IntegrityError

from blueprints.auth.access import bind, refuse_anonymous_handshake
from blueprints.auth.demo import DEMO_PASSWORD, shown_accounts
from blueprints.auth.forms import PasswordForm, SignInForm, SignUpForm
from blueprints.auth.local_path import local_path
from blueprints.auth.models import ROLES, User
from blueprints.auth.passwords import hashed, is_outdated, matches
from blueprints.auth.sessions import end_all, sign_in, sign_out
from blueprints.auth.throttle import Attempt, remember_device
from database import db
from extensions import limiter, live

bp = Blueprint("auth", __name__)
bp.record(bind)
bp.before_app_request(refuse_anonymous_handshake)

WRONG = "This e-mail and password do not belong together."
TAKEN = "There is an account with this e-mail already. Sign in instead?"


@bp.get("/login")
def login():
    if current_user.is_authenticated:
        return redirect(local_path(request.args.get("next")), 303)
    return _login_page(SignInForm(request.args))


@bp.post("/login")
def create_session():
    form = SignInForm(request.form)
    if not form.validate():
        return _login_page(form), 400
    user = _with_password(Attempt(form.email.data), form.email.data, form.password.data)
    if not user:
        form.password.errors = [WRONG]
        return _login_page(form), 400
    sign_in(user, remember=form.remember.data)
    return remember_device(redirect(local_path(form.next.data), 303), form.email.data)


@bp.get("/signup")
def signup():
    return render_template("auth/signup.html", form=SignUpForm(request.args))


@bp.post("/signup")
@limiter.limit("30 per hour", deduct_when=lambda response: response.status_code == 303)
def create_account():
    form = SignUpForm(request.form)
    if not form.validate():
        return render_template("auth/signup.html", form=form), 400
    user = _new_member(form)
    if not user:
        form.email.errors = [TAKEN]
        return render_template("auth/signup.html", form=form), 400
    sign_in(user)
    return remember_device(redirect(local_path(form.next.data), 303), form.email.data)


@bp.post("/logout")
def logout():
    sign_out()
    return redirect("/", 303)


@bp.get("/account/password", endpoint="password")
@bp.get("/account")
@login_required
def account():
    """Also where a refused form leaves its page: a repair asks for that address again."""
    return render_template("auth/account.html", form=PasswordForm())


@bp.post("/account/password")
@login_required
def change_password():
    form = PasswordForm(request.form)
    if not form.validate():
        return render_template("auth/account.html", form=form), 400
    email, device = current_user.email, current_user.login_session_id
    db.session.rollback()
    password_hash = hashed(form.password.data)
    user = _with_password(Attempt(email, device), email, form.current.data)
    if not user:
        form.current.errors = ["This is not your current password."]
        return render_template("auth/account.html", form=form), 400
    user.change_password(password_hash)
    end_all(user)  # also the session of whoever stole the old one; this browser gets a new one
    sign_in(user, session.permanent)
    flash("Your password is changed. Every other device is signed out.")
    return redirect("/account", 303)


@bp.post("/account/logout-everywhere")
@login_required
def logout_everywhere():
    end_all(current_user)
    sign_out()
    return redirect("/login", 303)


@bp.cli.command("role")
@click.argument("email")
@click.argument("role", type=click.Choice(ROLES))
def give_role(email, role):
    """Give the account with EMAIL another ROLE: the kitchen of a new site needs its first cook."""
    user = User.find(email)
    if not user:
        raise click.ClickException(f"There is no account {email}.")
    user.change_role(role)
    live.revoke(user_id=user.id)
    db.session.commit()
    click.echo(f"{email} is {role} now.")


def _login_page(form):
    return render_template("auth/login.html", form=form, demo=shown_accounts(), demo_password=DEMO_PASSWORD)


def _with_password(attempt, email, password):
    """The user whose password it is, else None. Looked up, hashed, looked up again: no lock is held meanwhile."""
    attempt.begin()
    user = User.find(email)
    password_hash = user.password_hash if user else None
    db.session.rollback()
    if not matches(password_hash, password):
        attempt.failed()
        return None
    attempt.succeeded()
    fresh_hash = hashed(password) if is_outdated(password_hash) else password_hash
    user = User.find(email)
    if not user or user.password_hash != password_hash:
        return None  # deleted, or given another password, in the meantime
    user.password_hash = fresh_hash
    return user


def _new_member(form):
    user = User(email=form.email.data, name=form.name.data, password_hash=hashed(form.password.data))
    db.session.add(user)
    try:
        db.session.flush()
    except IntegrityError:
        db.session.rollback()
        return None
    return user
