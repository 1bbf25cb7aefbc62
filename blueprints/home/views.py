"""The front page and the theme switch: a plain form post that sets a cookie, so the first HTML is right."""

from datetime import UTC, datetime

from flask import current_app, redirect, render_template, request

from blueprints.auth.local_path import local_path
from blueprints.home import bp

THEMES = ("auto", "light", "dark")
THEME_COOKIE = "theme"
THEME_MAX_AGE_S = 365 * 24 * 3600


@bp.get("/")
def index():
    return render_template("home/index.html")


@bp.post("/theme")
def set_theme():
    choice = request.form.get("theme")
    answer = redirect(local_path(request.form.get("back")), 303)
    if choice in THEMES:
        secure = current_app.config.get("SESSION_COOKIE_SECURE", False)
        answer.set_cookie(THEME_COOKIE, choice, THEME_MAX_AGE_S, samesite="Lax", secure=secure, httponly=True)
    return answer


@bp.app_context_processor
def frame():
    """What layout.html needs on every page, error pages included."""
    theme = request.cookies.get(THEME_COOKIE)
    return {"theme": theme if theme in THEMES else "auto", "themes": THEMES, "now": datetime.now(UTC)}
