"""The extension objects, not yet bound to an app: features import them, `create_app` binds them."""

from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from flask_sock import Sock

from live import Live

live = Live()
sock = Sock()
login_manager = LoginManager()
limiter = Limiter(key_func=get_remote_address)
