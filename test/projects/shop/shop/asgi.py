import asyncio
import os
from urllib.parse import parse_qsl

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")

django_application = get_asgi_application()

import shop.urls  # noqa: E402,F401
from shop.parts import parts, wanted  # noqa: E402
from shop.views import RELEASE  # noqa: E402


async def application(scope, receive, send):
    if scope["type"] == "websocket" and scope["path"] == "/ws":
        await echo(receive, send)
    elif scope["type"] == "http" and scope["path"] in own_answers:
        await own_answers[scope["path"]](scope, send)
    elif scope["type"] == "http":
        await django_application(scope, receive, send)
    elif scope["type"] == "lifespan":
        await lifespan(receive, send)
    else:
        await send({"type": "websocket.close", "code": 4404})


async def echo(receive, send):
    """Sends every message back until the client goes."""
    while True:
        message = await receive()
        if message["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})
        elif message["type"] == "websocket.receive":
            reply = {key: message[key] for key in ("text", "bytes") if message.get(key) is not None}
            await send({"type": "websocket.send", **reply})
        else:
            return


# What takes time is answered without Django: its 3.2 lets such a view keep all others waiting.


async def slow(scope, send):
    await asyncio.sleep(float(query(scope).get("seconds", "2")))
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"release %s\n" % RELEASE.encode()})


async def stream(scope, send):
    count, pause = wanted(query(scope))
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    for part in parts(count):
        await send({"type": "http.response.body", "body": part, "more_body": True})
        await asyncio.sleep(pause)
    await send({"type": "http.response.body"})


own_answers = {"/slow": slow, "/stream": stream}


def query(scope):
    return dict(parse_qsl(scope["query_string"].decode()))


async def lifespan(receive, send):
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return
