"""django-eventstream, as its documentation has it, under uvicorn."""

import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt

settings.configure(
    SECRET_KEY="of a benchmark, on loopback only, for a minute",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["django_eventstream"],
    EVENTSTREAM_CHANNELMANAGER_CLASS="django_eventstream.channelmanager.DefaultChannelManager",
    USE_TZ=True,
)
django.setup()

from django_eventstream import send_event  # noqa: E402 - Django must be set up first


@csrf_exempt
def publish(request):
    send_event("bench", "message", request.body.decode(), json_encode=False)
    return HttpResponse("")


urlpatterns = [
    path("stream/", include("django_eventstream.urls"), {"channels": ["bench"]}),
    path("publish", publish),
]
app = get_asgi_application()
