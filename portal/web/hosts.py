"""Two hosts, one server: outside courses have a host of their own, on which nothing of the portal is."""

import re
from html import escape
from urllib.parse import urlsplit

from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from portal.settings import settings

CONTENT = "/content/"


def is_content_host(host: str) -> bool:
    """Whether a Host header names the content origin."""
    origin = settings().content_origin
    if not origin:
        return False
    url = urlsplit(origin)
    named = {url.netloc.lower()}
    if url.port in (None, {"http": 80, "https": 443}[url.scheme]):
        named |= {(url.hostname or "").lower(), f"{url.hostname}:{ {'http': 80, 'https': 443}[url.scheme] }"}
    return host.lower() in named


class ByHost:
    """Before everything else. On the content host only launches are there, cookies are neither read nor set."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        headers = scope["headers"]
        host = next((value.decode("latin-1") for name, value in headers if name == b"host"), "")
        inside = scope["path"].startswith(CONTENT)
        if not is_content_host(host):
            await (_nothing_here(send, "") if inside else self.app(scope, receive, send))
            return
        # A worker of its own would outlive the page that a course was given.
        if scope["path"] == "/":  # somebody who typed the other name of this machine
            await _to_the_portal(send)
            return
        if not inside or any(name == b"service-worker" for name, _ in headers):
            await _nothing_here(send, "" if inside else settings().base_url)
            return
        scope["headers"] = [(name, value) for name, value in headers if name != b"cookie"]
        scope["path"] = re.sub("/{2,}", "/", scope["path"])  # xAPI clients join addresses in every way

        async def without_cookies(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableScopeHeaders(message)
                if "set-cookie" in answer:
                    del answer["set-cookie"]
            await send(message)

        await self.app(scope, receive, without_cookies)


async def _to_the_portal(send: Send) -> None:
    headers = [(b"location", f"{settings().base_url}/".encode()), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 302, "headers": headers})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _nothing_here(send: Send, portal: str) -> None:
    link = f' <a href="{escape(portal)}/">{escape(portal)}/</a>' if portal else ""
    body = f'<!doctype html><html lang="en"><title>404</title><h1>404</h1><p>{link}</p></html>'.encode()
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
        (b"x-content-type-options", b"nosniff"),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": 404, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
