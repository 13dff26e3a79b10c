"""The web process: receipts from providers, and signs of life for whoever watches."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from smsqueue.errors import Misconfigured, SmsQueueError
from smsqueue.keyring import SubjectKeys
from smsqueue.privacy import log
from smsqueue.privacy.log import EventName, event
from workers.beat import EVERY, Beat
from workers.main import open_store
from workers.metrics import exposition
from workers.providers import twilio_receipts
from workers.readiness import missing
from workers.receipts import Applied, apply_receipt, is_ours

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from config.settings import Settings
    from smsqueue.store.store import Store

_log = logging.getLogger(__name__)

BODY_MAX = 64 * 1024
"""Bytes of a receipt; a provider's is well under 2 KB."""
THREADS = 4


class Web:
    """Handlers of one process."""

    def __init__(self, store: Store, keys: SubjectKeys, settings: Settings) -> None:
        self._store, self._keys, self._settings = store, keys, settings
        self._beat = Beat(store, "web")
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="store")

    async def receipt(self, request: Request) -> Response:
        """Take a receipt: 204 when it is stored or nothing new, 403 when it is not genuine, 503 to call again."""
        path = request.path_params
        provider, id, fence = path["provider"], path["id"], path["fence"]
        body = await _body(request)
        ours = is_ours(self._keys, provider=provider, id=id, fence=fence, mark=path["mark"])
        if body is None or not ours or not self._is_genuine(request, body):
            event(_log, logging.WARNING, EventName.RECEIPT_REFUSED)
            return Response(status_code=403)
        receipt = twilio_receipts.read(_params(body))
        if receipt is None:
            event(_log, logging.WARNING, EventName.RECEIPT_REFUSED)
            return Response(status_code=400)
        try:
            applied = await asyncio.get_running_loop().run_in_executor(
                self._executor,
                lambda: apply_receipt(self._store, self._beat.tally, id=id, fence=fence, receipt=receipt),
            )
        except SmsQueueError:
            event(_log, logging.ERROR, EventName.STORE_UNAVAILABLE, count=1)
            return Response(status_code=503)
        return Response(status_code=503 if applied is Applied.BUSY else 204)

    def _is_genuine(self, request: Request, body: bytes) -> bool:
        """Check the provider's signature over the address as it knows it: from the settings, never from Host."""
        token = self._settings.twilio_auth_token.get_secret_value()
        return bool(token) and twilio_receipts.verify(
            url=f"{self._settings.public_url}{request.url.path}",
            params=_params(body),
            signature=request.headers.get("X-Twilio-Signature", ""),
            auth_token=token,
        )

    async def live(self, request: Request) -> Response:
        """Say that this process runs."""
        return PlainTextResponse("ok\n")

    async def ready(self, request: Request) -> Response:
        """Say whether messages can go out: 503 and what is wrong if the store, a policy or a role is missing."""
        wrong = await asyncio.get_running_loop().run_in_executor(self._executor, missing, self._store)
        return JSONResponse({"ready": not wrong, "wrong": wrong}, status_code=503 if wrong else 200)

    async def metrics(self, request: Request) -> Response:
        """Show the store's gauges and counters to Prometheus."""
        text = await asyncio.get_running_loop().run_in_executor(self._executor, exposition, self._store)
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    async def beat(self) -> None:
        """Write signs of life, until cancelled."""
        beat, loop = self._beat, asyncio.get_running_loop()
        try:
            while True:
                try:
                    await loop.run_in_executor(self._executor, beat.beat)
                except Exception as error:  # noqa: BLE001 - the store is away; `ready` says so
                    event(_log, logging.WARNING, EventName.STORE_UNAVAILABLE, error=error)
                await asyncio.sleep(EVERY)
        finally:
            await loop.run_in_executor(self._executor, beat.stop)


def application(web: Web) -> Starlette:
    """Make the ASGI application."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        beating = asyncio.create_task(web.beat())
        yield
        beating.cancel()
        with suppress(asyncio.CancelledError):
            await beating

    return Starlette(
        routes=[
            Route("/receipts/{provider}/{id}/{fence}/{mark}", web.receipt, methods=["POST"]),
            Route("/livez", web.live),
            Route("/readyz", web.ready),
            Route("/metrics", web.metrics),
        ],
        lifespan=lifespan,
    )


def serve(settings: Settings) -> None:
    """Run until told to stop. Raises Misconfigured when a setting is missing."""
    log.configure(role="web", level=logging.getLevelName(settings.log_level))
    if settings.subject_file is None:
        raise Misconfigured("SMSQUEUE_SUBJECT_FILE is not set: the web process checks callback addresses with it.")
    store = open_store("web", settings)
    web = Web(store, SubjectKeys.load(settings.subject_file), settings)
    event(_log, logging.INFO, EventName.WORKER_STARTED)
    uvicorn.run(
        application(web),
        host=settings.web_host,
        port=settings.web_port,
        log_config=None,  # ours
        access_log=False,  # a request line may hold what a provider put there
        server_header=False,
    )


async def _body(request: Request) -> bytes | None:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_MAX:
            return None
    return body


def _params(body: bytes) -> list[tuple[str, str]]:
    return parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
