"""One line protects an application of each framework, as docs/servers.md says."""

from __future__ import annotations

import sys
from types import ModuleType

import django
import pytest
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpResponse
from django.urls import path
from litestar import Litestar, get
from litestar.middleware import DefineMiddleware
from quart import Quart

from aiolimiter.asgi import RateLimitMiddleware

from .asking import ask


# By default Litestar lets the root logger speak, and other tests would hear it.
@get("/")
async def litestar_hello() -> str:
    """Say hello."""
    return "hello"


def litestar_inside():
    """As one of Litestar's own middlewares."""
    middleware = DefineMiddleware(RateLimitMiddleware, limit="2/60")
    return Litestar([litestar_hello], middleware=[middleware], logging_config=None)


def litestar_around():
    """Around Litestar."""
    return RateLimitMiddleware(Litestar([litestar_hello], logging_config=None), "2/60")


def quart_inside():
    """Around what Quart calls its ASGI application."""
    app = Quart(__name__)

    @app.get("/")
    async def hello() -> str:
        return "hello"

    app.asgi_app = RateLimitMiddleware(app.asgi_app, "2/60")
    return app


async def django_hello(request) -> HttpResponse:
    return HttpResponse("hello")


def django_around():
    """Around Django's ASGI application."""
    if not settings.configured:
        urls = sys.modules["urls_of_the_test"] = ModuleType("urls_of_the_test")
        urls.urlpatterns = [path("", django_hello)]
        settings.configure(ROOT_URLCONF="urls_of_the_test", ALLOWED_HOSTS=["*"])
        django.setup()
    return RateLimitMiddleware(get_asgi_application(), "2/60")


APPS = [litestar_inside, litestar_around, quart_inside, django_around]


@pytest.mark.real_time
@pytest.mark.parametrize("make", APPS, ids=lambda make: make.__name__)
async def test_a_framework_is_limited_in_one_line(make):
    """Two requests are served with what is left, the third gets a 429."""
    app = make()
    answers = [await ask(app, headers=[("host", "test")]) for _ in range(3)]

    assert [answer.status for answer in answers] == [200, 200, 429]
    assert [answer["ratelimit"][:13] for answer in answers[:2]] == [
        '"default";r=1',
        '"default";r=0',
    ]
    assert answers[0].body == b"hello"


@pytest.mark.real_time
@pytest.mark.parametrize(
    ("make", "expected"),
    [(litestar_around, 429), (quart_inside, 429), (django_around, 429)],
    ids=lambda make: getattr(make, "__name__", None),
)
async def test_unknown_paths_are_limited(make, expected):
    """Around a framework what no route knows is limited, too."""
    app = make()
    headers = [("host", "test")]
    statuses = [
        (await ask(app, f"/nowhere/{n}", headers=headers)).status for n in range(3)
    ]

    assert statuses == [404, 404, expected]
