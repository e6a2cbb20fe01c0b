"""A fake of OctoEverywhere's relay and Plugin API: HTTPS on this machine, one host for each printer.

    async with FakePluginApi() as fake:
        printer = fake.add("klipper")
        printer.start("benchy.gcode", seconds=3600)
        ...  # GET {printer.url}/octoeverywhere-command-api/status, with fake.resolver and fake.client_context
        assert fake.violations == []

It watches its clients as well: what a good one does not do is in `violations`. As a program, it lets one printer print over and over.
"""

import argparse
import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
import gzip
from io import BytesIO
import json
from pathlib import Path
import random
import socket
import ssl
from string import ascii_lowercase, digits
import sys
import tempfile
import time
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
import certifi
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from PIL import Image, ImageDraw

from .fake_printer import COMMANDS, MAKES, PHASES, Printer

DOMAIN: Final = "octoeverywhere.com"
PREFIX: Final = "/octoeverywhere-command-api/"
READING: Final[Mapping[str, frozenset[str]]] = {
    "status": frozenset({"IncludeMaterialSystem"}),
    "ping": frozenset(),
    "webcam/snapshot": frozenset({"index"}),
}
"""What may be asked for, each with the arguments that it takes."""
PAGE: Final = "<!doctype html><html><head><title>OctoEverywhere</title></head><body>A page for people</body></html>"

type Answer = Callable[["RelayedPrinter", web.Request], Awaitable[web.StreamResponse]]


class Request(NamedTuple):
    """A request that came for a printer."""

    at: float
    method: str
    command: str


class Turn:
    """The time in which a request is answered."""

    def __init__(self, request: web.Request) -> None:
        """Begin."""
        self._request = request
        self.was_given_up = False

    def end(self) -> None:
        """Hang up."""
        if self._request.transport is not None:
            self._request.transport.abort()

    async def is_meant(self) -> bool:
        """Return whether somebody waits for the answer; a client that has given up may be heard of a little later."""
        for _ in range(20):
            if self.was_given_up:
                return False
            await asyncio.sleep(0)
        return True


class RelayedPrinter(Printer):
    """A printer as the relay lets clients reach it."""

    def __init__(self, make: str, *, host: str, auth: tuple[str, str] | str | None = None, **options: Any) -> None:
        """Take a user's name and password, a bearer token, or nothing, for those who know the host."""
        super().__init__(make, **options)
        self.host = host
        self.url = f"https://{host}"
        self.auth = auth
        self.requests: list[Request] = []
        self.macro_limit: float = 60
        """The seconds after which the plugin waits no longer for the printer to do what it was told."""
        self.snapshot_pace: float = 0
        """The seconds between two pictures below which there is none."""
        self.size = (640, 360)
        self.turn: Turn | None = None
        """Whose turn it is: the request that is being answered."""
        self._answers_instead: dict[str, tuple[Answer, int | None]] = {}
        self._excused_until: float = 0

    def respond(self, answer: str | int | Answer | None, command: str = "", *, times: int | None = None) -> None:
        """Answer a command, or all, in another way, as often as told: one of `ANSWERS`, an HTTP status, or None for the proper one."""
        if answer is None:
            self._answers_instead.pop(command, None)
            return
        chosen = http(answer) if isinstance(answer, int) else ANSWERS[answer] if isinstance(answer, str) else answer
        self._answers_instead[command] = (chosen, times)

    def answer_to(self, command: str) -> Answer:
        """Return how to answer this time."""
        for key in (command, ""):
            if key in self._answers_instead:
                answer, times = self._answers_instead[key]
                if times is not None:
                    self._answers_instead[key] = (answer, times - 1)
                    if times == 1:
                        del self._answers_instead[key]
                return answer
        return properly

    def excuse(self, seconds: float = 15) -> None:
        """Allow the next status calls to come as soon as they like: a notification was sent, or somebody tries out the address."""
        self._excused_until = max(self._excused_until, self.clock() + seconds)

    def is_excused(self) -> bool:
        """Return whether status calls may come as soon as they like."""
        return self.clock() <= self._excused_until

    def lets_in(self, authorization: str) -> bool:
        """Return whether these are the credentials."""
        if self.auth is None:
            return True
        is_token = isinstance(self.auth, str)
        right = f"Bearer {self.auth}" if is_token else f"Basic {b64encode(':'.join(self.auth).encode()).decode()}"
        return authorization == right

    def last(self, command: str, method: str = "GET") -> float:
        """Return when a command came last, before the request that is being answered."""
        past = self.requests[:-1]
        return max((request.at for request in past if request[1:] == (method, command)), default=float("-inf"))


# What it answers


def _json(answer: Any, status: int = 200) -> web.Response:
    return web.Response(body=json.dumps(answer).encode(), content_type="text/json", status=status)


async def properly(printer: RelayedPrinter, request: web.Request) -> web.StreamResponse:
    """Answer as the plugin does."""
    match command := request.path.removeprefix(PREFIX):
        case "status":
            return _json(printer.status())
        case "ping":
            return _json({"Status": 200, "Result": {"Message": "Pong"}})
        case "webcam/snapshot":
            return _snapshot(printer)
    if command not in COMMANDS:
        return _json({"Status": 754, "Error": "The command path didn't match any known commands."})
    status = await _command(printer, command, await request.read())
    return _json(
        {"Status": 200, "Result": {}} if status == 200 else {"Status": status, "Error": f"Failed to {command}"}
    )


async def _command(printer: RelayedPrinter, command: str, content: bytes) -> int:
    try:
        body = json.loads(content or b"{}")
    except ValueError:
        return 751
    status = printer.command(command, body if isinstance(body, dict) else {})
    if status != 200 or command not in PHASES:
        return status
    await asyncio.sleep(min(printer.macro_seconds, printer.macro_limit))
    return 752 if printer.macro_seconds > printer.macro_limit else 200


def _snapshot(printer: RelayedPrinter) -> web.Response:
    if not printer.webcams:
        return _json({"Status": 754, "Error": "No snapshot."})
    if printer.clock() - printer.last("webcam/snapshot") < printer.snapshot_pace:
        return web.Response(status=609)
    return _picture(draw(printer), "image/jpeg", printer)


def _picture(content: bytes, content_type: str, printer: RelayedPrinter) -> web.Response:
    return web.Response(body=content, content_type=content_type, headers={"x-oe-webcam-transform": transform(printer)})


def transform(printer: RelayedPrinter) -> str:
    """Return what is to be done to a picture, in the plugin's words."""
    webcam = printer.webcams[0]
    words = "fliph " * webcam["FlipH"] + "flipv " * webcam["FlipV"]
    return f"{words}rotate={webcam['Rotation']} " if webcam["Rotation"] else words or "none"


def draw(printer: RelayedPrinter, format_: str = "JPEG") -> bytes:
    """Draw what the camera sees: a picture of which one can tell how it was turned."""
    progress = printer.status().get("Result", {}).get("JobStatus", {}).get("CurrentPrint", {}).get("Progress", 0)
    image = Image.new("RGB", printer.size, "#3b4048")
    canvas = ImageDraw.Draw(image)
    canvas.rectangle((0, 0, printer.size[0] // 4, printer.size[1] // 4), "#f26b21")  # above, on the left
    moment = datetime.fromtimestamp(printer.clock(), UTC)
    canvas.text((12, 12), f"{progress:.0f} %\n{moment:%H:%M:%S}", "white", font_size=printer.size[1] // 12)
    content = BytesIO()
    image.save(content, format_)
    return content.getvalue()


def http(status: int, body: str = "empty") -> Answer:
    """Return how the relay answers with an HTTP status and a body that is `empty`, `html` or `json`."""

    async def answer(printer: RelayedPrinter, request: web.Request) -> web.StreamResponse:
        match body:
            case "html":
                return web.Response(status=status, text=PAGE, content_type="text/html")
            case "json":
                return _json({"Status": status, "Error": "The relay's words"}, status)
        return web.Response(status=status)

    return answer


def slowly(seconds: float, answer: Answer = properly) -> Answer:
    """Return how to answer late."""

    async def answer_late(printer: RelayedPrinter, request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return await answer(printer, request)

    return answer_late


def body(content: str | bytes, content_type: str = "text/json") -> Answer:
    """Return how to answer with some content."""

    async def answer(printer: RelayedPrinter, request: web.Request) -> web.StreamResponse:
        return web.Response(body=content, content_type=content_type)

    return answer


def _status(change: Callable[[dict[str, Any]], None]) -> Answer:
    """Return how to answer with a status that was tampered with."""

    async def answer(printer: RelayedPrinter, request: web.Request) -> web.StreamResponse:
        status = printer.status()
        change(status)
        return _json(status)

    return answer


async def _redirect(printer: RelayedPrinter, request: web.Request) -> web.StreamResponse:
    return web.Response(status=302, headers={"Location": f"https://{DOMAIN}/login?redirect={printer.host}"})


async def _reset(printer: RelayedPrinter, request: web.Request) -> web.StreamResponse:
    printer.excuse(1)  # a client's library may ask again by itself
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _gzip(printer: RelayedPrinter, request: web.Request) -> web.StreamResponse:
    content = gzip.compress(json.dumps(printer.status()).encode())
    return web.Response(body=content, content_type="text/json", headers={"Content-Encoding": "gzip"})


async def _png(printer: RelayedPrinter, request: web.Request) -> web.StreamResponse:
    return _picture(draw(printer, "PNG"), "image/png", printer)


async def _truncated(printer: RelayedPrinter, request: web.Request) -> web.StreamResponse:
    content = draw(printer)
    response = web.StreamResponse(headers={"Content-Type": "image/jpeg", "Content-Length": str(len(content))})
    await response.prepare(request)
    await response.write(content[: len(content) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


async def _page(printer: RelayedPrinter, request: web.Request) -> web.StreamResponse:
    return _picture(PAGE.encode(), "text/html", printer)


def _job(answer: dict[str, Any]) -> dict[str, Any]:
    job: dict[str, Any] = answer["Result"]["JobStatus"]
    return job


ANSWERS: Final[Mapping[str, Answer]] = {
    "not_json": body("<b>Oops</b>"),
    "not_object": body("[1, 2]"),
    "no_status": _status(lambda status: status.__delitem__("Status")),
    "status_text": _status(lambda status: status.update(Status="200")),
    "nan": _status(lambda status: _job(status)["CurrentPrint"].update(TimeLeftSec=float("nan"))),
    "long_text": _status(lambda status: _job(status).update(SubState="long " * 20_000)),
    "huge": _status(lambda status: status.update(Padding="x" * 1_000_000)),
    "index_html": body(PAGE, "text/html"),
    "login": _redirect,
    "reset": _reset,
    "gzip": _gzip,
    "hang": slowly(3600),
    "png": _png,
    "no_picture": body('{"Status": 754, "Error": "No snapshot."}'),
    "missing": http(404),
    "slow": slowly(8),
    "huge_picture": body(b"\xff\xd8\xff\xe0" + bytes(9_000_000), "image/jpeg"),
    "truncated": _truncated,
    "page": _page,
}
"""What can be answered instead of what is right, by a name; the last ones make sense for pictures."""


class FakePluginApi:
    """The relay, with all that is needed to reach it."""

    def __init__(self, *, clock: Callable[[], float] = time.time, port: int = 0) -> None:
        """Go by a clock, which pauses between requests are measured by as well; choose a free port unless given one."""
        self.clock = clock
        self.port = port
        self.pace: float | None = 10
        """The seconds that must pass between two status calls; None for none."""
        self.grace: float = 15
        """The seconds after a command in which they need not."""
        self.printers: dict[str, RelayedPrinter] = {}
        self.violations: list[str] = []
        self.resolver = FakeResolver(self)
        self._folder = tempfile.TemporaryDirectory(prefix="fake-plugin-api-")
        self.ca_path = Path(self._folder.name) / "authority.pem"
        self.bundle_path = Path(self._folder.name) / "bundle.pem"
        """All authorities that one trusts anyhow, and the fake's."""
        self._runner: web.AppRunner | None = None

    @property
    def environment(self) -> dict[str, str]:
        """Return what makes a Home Assistant of its own process trust the fake."""
        return {"REQUESTS_CA_BUNDLE": str(self.bundle_path)}

    def add(
        self, make: str, *, host: str = "", auth: tuple[str, str] | str | None = None, model: str = ""
    ) -> RelayedPrinter:
        """Add a printer, with a host as Shared Connections have it unless there is one already."""
        number = len(self.printers)
        chosen = random.Random(f"{make} {number}").choices(ascii_lowercase + digits, k=32)
        host = host or f"shared-{''.join(chosen)}.{DOMAIN}"
        printer = RelayedPrinter(make, host=host, auth=auth, model=model, clock=self._now, seed=number)
        self.printers[host] = printer
        return printer

    def _now(self) -> float:
        return self.clock()

    async def start(self) -> None:
        """Listen."""
        context = await asyncio.to_thread(self._prepare)
        application = web.Application(client_max_size=2**20)
        application.router.add_route("*", "/{path:.*}", self._handle)
        # A client that gives up ends its request, as it does at the relay.
        self._runner = web.AppRunner(application, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=context)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Listen no more."""
        for printer in self.printers.values():
            if printer.turn is not None:
                printer.turn.end()
        for _ in range(20):  # for who is in the middle of connecting, whatever clock the loop has
            await asyncio.sleep(0)
        if self._runner is not None:
            await self._runner.cleanup()
        await asyncio.to_thread(self._folder.cleanup)

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        """Stop."""
        await self.stop()

    def _prepare(self) -> ssl.SSLContext:
        """Make the certificates; return the server's side, and keep the client's."""
        authority, chain = _CERTIFICATES
        self.ca_path.write_bytes(authority)
        self.bundle_path.write_bytes(Path(certifi.where()).read_bytes() + b"\n" + authority)
        (key_path := self.ca_path.with_name("server.pem")).write_bytes(chain)
        self.client_context = ssl.create_default_context(cafile=self.ca_path)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(key_path)
        return context

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        host = request.host.partition(":")[0]
        if (printer := self.printers.get(host)) is None:
            if host == DOMAIN:
                self.violations.append("followed a redirect to the login page")
            return web.Response(status=603)
        command = request.path.removeprefix(PREFIX)
        printer.requests.append(Request(self.clock(), request.method, command))
        other, printer.turn = printer.turn, (turn := Turn(request))
        try:
            if other is not None and await other.is_meant():
                self.violations.append(f"{host}: {command} before another request was answered")
            await self._watch(printer, request, command)
            if not printer.lets_in(request.headers.get("Authorization", "")):
                return web.Response(status=606)
            return await printer.answer_to(command)(printer, request)
        except asyncio.CancelledError:
            turn.was_given_up = True
            raise
        finally:
            if printer.turn is turn:
                printer.turn = None

    async def _watch(self, printer: RelayedPrinter, request: web.Request, command: str) -> None:
        """Note what a good client does not do."""
        wrong: list[str | bool] = [not request.path.startswith(PREFIX) and "not a path of the Plugin API"]
        now = self.clock()
        if command in COMMANDS:
            wrong += [
                request.method != "POST" and "a command that is no POST",
                now - printer.last(command, "POST") < 5 and "the same command again within 5 seconds",
                _wrong_body(command, await request.read()),
                bool(request.query) and "arguments of a command in the address",
            ]
            printer.excuse(self.grace)
        elif command in READING:
            since = now - printer.last("status")
            is_early = command == "status" and self.pace is not None and since < self.pace - 0.05
            wrong += [
                request.method != "GET" and "not a GET",
                bool(request.query.keys() - READING[command]) and "arguments in the address that may be secrets",
                is_early and not printer.is_excused() and f"again after {since:.1f} seconds",
            ]
        else:
            wrong.append("nothing that is offered")
        self.violations += [f"{printer.host}: {request.method} {command}: {what}" for what in wrong if what]


def _wrong_body(command: str, content: bytes) -> str | bool:
    """Return what is wrong with the body of a command."""
    try:
        body = json.loads(content)
    except ValueError:
        return "a body that is not JSON"
    if not isinstance(body, dict):
        return "a body that is no JSON object"
    return command == "pause" and body.get("SuppressNotification") is not False and "SuppressNotification is not false"


class FakeResolver(AbstractResolver):
    """Finds the fake wherever somebody looks for OctoEverywhere, and nothing else."""

    def __init__(self, fake: FakePluginApi) -> None:
        """Lead to a fake, whose port may not be known yet."""
        self._fake = fake

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the fake's address and port. Raises OSError."""
        if host != DOMAIN and not host.endswith(f".{DOMAIN}"):
            raise OSError(host)
        return [
            ResolveResult(
                hostname=host, host="127.0.0.1", port=self._fake.port, family=socket.AF_INET, proto=0, flags=0
            )
        ]

    async def close(self) -> None:
        """Close nothing."""

    real_close = close
    """Home Assistant's own name for it."""


def _certificates() -> tuple[bytes, bytes]:
    """Return the certificate of an authority, and the server's key with a certificate from that authority; as PEM."""
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("Fake authority", DOMAIN)]
    usage = dict.fromkeys(
        (
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    made = []
    for is_authority, key, name in zip((True, False), keys, names, strict=True):
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(names[0])
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            # For any clock that a test may have.
            .not_valid_before(datetime(2000, 1, 1, tzinfo=UTC))
            .not_valid_after(datetime(2999, 1, 1, tzinfo=UTC))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(keys[0].public_key()), critical=False)
        )
        if is_authority:
            signs = x509.KeyUsage(digital_signature=True, key_cert_sign=True, crl_sign=True, **usage)
            builder = builder.add_extension(signs, critical=True)
        else:
            hosts = [x509.DNSName(DOMAIN), x509.DNSName(f"*.{DOMAIN}")]
            builder = builder.add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        made.append(builder.sign(keys[0], SHA256()).public_bytes(Encoding.PEM))
    return made[0], keys[1].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + made[1]


# Made before any test stops the clock, whose moments no certificate takes.
_CERTIFICATES: Final = _certificates()


async def _print_forever(arguments: argparse.Namespace) -> None:
    async with FakePluginApi(port=arguments.port) as fake:
        printer = fake.add(arguments.make)
        printer.speed = arguments.speed
        sys.stdout.write(f"{printer.url} at 127.0.0.1:{fake.port}\nREQUESTS_CA_BUNDLE={fake.bundle_path}\n")
        sys.stdout.flush()
        while True:
            printer.start()
            await asyncio.sleep(8000 / printer.speed)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.fake_plugin_api", description=__doc__)
    parser.add_argument("--make", choices=MAKES, default="klipper")
    parser.add_argument("--port", type=int, default=8443)
    parser.add_argument("--speed", type=float, default=60, help="how much faster than in life it prints")
    asyncio.run(_print_forever(parser.parse_args()))


if __name__ == "__main__":
    main()
