"""People: accounts, sign-in sessions as rows, roles. The one feature that the others may import."""

from blueprints.auth.access import identify, recheck, role_required
from blueprints.auth.demo import DEMO, DEMO_PASSWORD, add_demo_accounts
from blueprints.auth.models import ROLES, LoginSession, User
from blueprints.auth.views import bp

__all__ = [
    "DEMO",
    "DEMO_PASSWORD",
    "ROLES",
    "LoginSession",
    "User",
    "add_demo_accounts",
    "bp",
    "identify",
    "recheck",
    "role_required",
]
