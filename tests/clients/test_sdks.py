"""The SDKs of models, as they are, with a client of ours inside."""

from __future__ import annotations

import importlib
import time

import httpx2
import pytest

from aiolimiter import AsyncLimiter, RateLimitExceeded
from aiolimiter.httpx2 import RateLimitTransport, event_hooks

pytestmark = pytest.mark.real_time


def library(name):
    """An SDK, or a skip that says what is missing."""
    return pytest.importorskip(name, reason=f"NOT RUN: no {name}: pip install {name}")


@pytest.fixture
def openai():
    """OpenAI's SDK."""
    return library("openai")


@pytest.fixture
def anthropic():
    """Anthropic's SDK."""
    return library("anthropic")


@pytest.fixture(params=["openai", "anthropic"])
def sdk(request):
    """An SDK that resends by itself."""
    return library(request.param)


def asking(sdk, site, client, **settings):
    """The SDK's own client, which asks *site* through *client*."""
    name = {"openai": "AsyncOpenAI", "anthropic": "AsyncAnthropic"}[sdk.__name__]
    make = getattr(sdk, name)
    return make(api_key="none", base_url=str(site.url), http_client=client, **settings)


def transported(limiter, **settings):
    """A client with the transport."""
    return httpx2.AsyncClient(transport=RateLimitTransport(limiter, **settings))


def hooked(limiter, **settings):
    """A client with the hooks."""
    return httpx2.AsyncClient(event_hooks=event_hooks(limiter, **settings))


@pytest.mark.parametrize("make", [transported, hooked])
async def test_retries_of_an_sdk_are_not_multiplied(site, sdk, make):
    """Where an SDK resends twice, a refusal leads to three requests and not nine."""
    site.refuse(9, wait="0.01")
    async with asking(sdk, site, make(AsyncLimiter(1000, 1))) as model:
        with pytest.raises(sdk.RateLimitError):
            await model.models.list()

    assert len(site.seen) == 3


@pytest.mark.parametrize("make", [transported, hooked])
async def test_a_refusal_by_an_sdks_server_pauses_everybody(site, sdk, make):
    """What one attempt of an SDK is told, the limiter does for all who use it."""
    limiter = AsyncLimiter(1000, 1)
    site.refuse(1, wait="30")
    async with asking(sdk, site, make(limiter), max_retries=0) as model:
        with pytest.raises(sdk.RateLimitError):
            await model.models.list()

    assert limiter.try_acquire().retry_after > 25


@pytest.mark.parametrize("make", [transported, hooked])
async def test_a_refusal_by_max_wait_reaches_the_caller_through_an_sdk_at_once(
    site, openai, make
):
    """OpenAI's SDK hands RateLimitExceeded on, and does not try again."""
    limiter = AsyncLimiter(1, 3600)
    limiter.restrict(0)
    began = time.monotonic()
    async with asking(openai, site, make(limiter, max_wait=0.1)) as model:
        with pytest.raises(RateLimitExceeded, match=r"within 0\.1 s"):
            await model.models.list()

    # The SDK's own pauses before it tries again are half a second and more.
    assert time.monotonic() - began < 0.4
    assert site.seen == []


async def test_a_refusal_by_max_wait_is_what_caused_anthropics_error(site, anthropic):
    """Anthropic's SDK calls all that a client raises a connection that failed."""
    limiter = AsyncLimiter(1, 3600)
    limiter.restrict(0)
    client = transported(limiter, max_wait=0.1)
    async with asking(anthropic, site, client, max_retries=0) as model:
        with pytest.raises(anthropic.APIConnectionError) as caught:
            await model.models.list()

    assert isinstance(caught.value.__cause__, RateLimitExceeded)
    assert site.seen == []


async def test_a_middleware_of_anthropics_waits_for_each_attempt(site, anthropic):
    """A middleware of four lines has each attempt of the SDK wait for its turn."""
    limiter = AsyncLimiter(10, 1e9)

    async def limited(request, call_next):
        async with limiter:
            return await call_next(request)

    site.refuse(3, wait="0.01")
    async with anthropic.AsyncAnthropic(
        api_key="none", base_url=str(site.url), middleware=[limited]
    ) as model:
        with pytest.raises(anthropic.RateLimitError):
            await model.models.list()

    assert len(site.seen) == 3
    assert limiter.statistics().level == pytest.approx(3)


@pytest.mark.parametrize("name", ["httpx2", "httpx"])
async def test_google_genai_picks_the_right_library(site, name):
    """Of whose base class our transport is, of that library its client is."""
    genai = library("google.genai")
    lib = importlib.import_module(name)
    edge = importlib.import_module(f"aiolimiter.{name}")
    limiter = AsyncLimiter(10, 1e9)
    transport = edge.RateLimitTransport(limiter, resends=0)
    client = genai.Client(
        api_key="none",
        http_options={
            "base_url": str(site.url),
            "async_client_args": {"transport": transport},
        },
    )
    site.refuse(1, wait="0", status=404)
    try:
        inside = client._api_client._async_httpx_client
        with pytest.raises(genai.errors.ClientError):
            await client.aio.models.get(model="any")
    finally:
        await client.aio.aclose()
        client.close()

    assert isinstance(inside, lib.AsyncClient)
    assert len(site.seen) == 1
    assert limiter.statistics().level == pytest.approx(1)


async def test_mistrals_client_is_one_of_ours(site):
    """Mistral's SDK asks through the client it is given."""
    mistral = library("mistralai.client")
    limiter = AsyncLimiter(10, 1e9)
    async with (
        transported(limiter) as client,
        mistral.Mistral(
            api_key="none", server_url=str(site.url), async_client=client
        ) as model,
    ):
        with pytest.raises(Exception, match="Unexpected response"):
            await model.models.list_async()  # the answer is no list

    assert limiter.statistics().level == pytest.approx(1)


async def test_langchains_limiter_is_one_of_ours_in_six_lines():
    """LangChain's chat models wait for a limiter that wraps ours."""
    base = library("langchain_core.rate_limiters").BaseRateLimiter

    class Limited(base):
        def __init__(self, limiter):
            self.limiter = limiter

        def acquire(self, *, blocking=True):
            raise TypeError

        async def aacquire(self, *, blocking=True):
            if not blocking:
                return bool(self.limiter.try_acquire())
            await self.limiter.acquire()
            return True

    fake = library("langchain_core.language_models.fake_chat_models")
    limiter = AsyncLimiter(10, 1e9)
    model = fake.FakeListChatModel(responses=["a", "b"], rate_limiter=Limited(limiter))
    assert (await model.ainvoke("hello")).content == "a"
    with pytest.raises(TypeError):
        model.invoke("hello")

    assert limiter.statistics().level == pytest.approx(1)
