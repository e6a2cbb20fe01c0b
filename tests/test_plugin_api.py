"""Tests of the way to a printer: what a person may paste, what may be answered, and that nothing of it is told to others."""

import asyncio
from base64 import b64encode
from collections.abc import Callable, Coroutine
import logging
import traceback
from typing import Any, Final

from aiohttp import DummyCookieJar
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_create_clientsession
from hypothesis import given, strategies as st
import pytest
from yarl import URL

from custom_components.octoeverywhere import plugin_api as module
from custom_components.octoeverywhere.plugin_api import Command, Credentials, PluginApi, PluginApiError, Problem

from .fake_plugin_api import ANSWERS, Answer, FakePluginApi, RelayedPrinter, body, http, slowly
from .fake_printer import ERRORS

HOST: Final = "shared-abcdefghijklmnopqrstuvwxyz012345.octoeverywhere.com"
URL_: Final = f"https://{HOST}"


@pytest.mark.parametrize(
    ("text", "more"),
    [
        (URL_, {}),
        (f"  {URL_}/ \n", {}),
        (HOST, {}),
        (HOST.upper(), {}),
        (f"HTTPS://{HOST.upper()}", {}),
        (f"{HOST}/octoeverywhere-command-api/status?IncludeMaterialSystem=true#here", {}),
        (f"{URL_}/websocket", {}),
        (f"{URL_}:443", {}),
        (f"{URL_}:8443/", {}),
        (f"My connection: <{URL_}/>, do not share it", {}),
        (f"Address: {HOST}.", {}),
        (f"[Ender]({URL_})", {}),
        (f"'{URL_}'", {}),
        (f"https://me:p%40ss%2Fw%C3%B6rd%25@{HOST}/", {"username": "me", "password": "p@ss/wörd%"}),
        (f"me:secret@{HOST}", {"username": "me", "password": "secret"}),
        (f"https://me@{HOST}", {"username": "me"}),
        ("https://app-0123.octoeverywhere.com", {"url": "https://app-0123.octoeverywhere.com"}),
        ("my-printer.octoeverywhere.com", {"url": "https://my-printer.octoeverywhere.com"}),
    ],
)
def test_pasted(text: str, more: dict[str, str]) -> None:
    """The address is found in what a person pastes, and what belongs to it."""
    credentials = Credentials.from_text(text)
    assert credentials.data == {"url": URL_, **more}
    assert Credentials.from_data({"printer_id": "printer-1", **credentials.data}) == credentials


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", Problem.NO_ADDRESS),
        ("   ", Problem.NO_ADDRESS),
        ("my printer", Problem.OTHER_DOMAIN),
        ("https://", Problem.NO_ADDRESS),
        (f"https://{HOST}:port", Problem.NO_ADDRESS),
        (f"ftp://{HOST}", Problem.NO_ADDRESS),
        (f"http://{HOST}", Problem.NO_HTTPS),
        ("192.168.1.20", Problem.OTHER_DOMAIN),
        ("https://octoeverywhere.com.example.com", Problem.OTHER_DOMAIN),
        ("https://notoctoeverywhere.com", Problem.OTHER_DOMAIN),
        (f"https://{HOST}@example.com/", Problem.OTHER_DOMAIN),
        (f"http://example.com/{HOST}", Problem.OTHER_DOMAIN),
        ("https://octoeverywhere.com", Problem.NOT_A_CONNECTION),
        ("octoeverywhere.com/sharedconnections", Problem.NOT_A_CONNECTION),
        ("https://www.octoeverywhere.com/", Problem.NOT_A_CONNECTION),
        ("docs.octoeverywhere.com", Problem.NOT_A_CONNECTION),
        ("https://blog.octoeverywhere.com", Problem.NOT_A_CONNECTION),
        ("https://help.octoeverywhere.com", Problem.NOT_A_CONNECTION),
        ("https://octoeverywhere.com/live/abc", Problem.LIVE_LINK),
        ("Watch https://oe.ink/abc", Problem.LIVE_LINK),
        ("oe.ink/abc", Problem.LIVE_LINK),
        ("www.oe.ink/abc", Problem.LIVE_LINK),
    ],
)
def test_not_an_address(text: str, problem: Problem) -> None:
    """What cannot be the address of a connection is refused, each with its reason, and without what was pasted."""
    with pytest.raises(PluginApiError) as info:
        Credentials.from_text(text)
    assert info.value.problem is problem
    assert "abcdef" not in "".join(traceback.format_exception(info.value))


@given(text=st.text() | st.text().map(f"https://{{}}@{HOST}".format) | st.text().map(f"{HOST}{{}}".format))
def test_anything_pasted(text: str) -> None:
    """Whatever is pasted: it is refused, or a connection of OctoEverywhere over https."""
    try:
        credentials = Credentials.from_text(text)
    except PluginApiError:
        return
    url = URL(credentials.url)
    assert str(url.origin()) == credentials.url.lower() == credentials.url
    assert (url.scheme, url.port) == ("https", 443)
    assert str(url.host).endswith(".octoeverywhere.com")


# What is answered.

SECRETS: Final = {"username": "meme", "password": "pa55word"}
type Way = Callable[..., PluginApi]


@pytest.fixture
def way(hass: HomeAssistant, plugin_api: FakePluginApi) -> Way:
    """Return a function that returns the way to a printer."""

    def way(relayed: RelayedPrinter, **secrets: str) -> PluginApi:
        session = async_create_clientsession(hass, cookie_jar=DummyCookieJar())
        return PluginApi(session, Credentials(url=relayed.url, **secrets))

    return way


async def problem_of(request: Coroutine[Any, Any, Any]) -> Problem | None:
    """Return why a request was to no avail."""
    try:
        await request
    except PluginApiError as err:
        return err.problem
    return None


RELAY: Final = {
    401: "login_page", 403: "login_page", 404: "no_answer", 500: "no_answer", 502: "no_answer", 600: "relay_failed",
    601: "plugin_offline", 602: "too_slow", 603: "not_found", 604: "revoked", 605: "needs_supporter",
    606: "wrong_credentials", 607: "too_much_data", 608: "too_much_data", 609: "camera_rests", 610: "plugin_too_old",
    611: "beta_only", 612: "plugin_failed", 613: "no_print", 699: "no_answer",
}  # fmt: skip
PLUGIN: Final = {
    400: "refused", 404: "failed", 500: "failed", 750: "failed", 751: "failed", 752: "failed", 753: "failed",
    754: "no_picture", 785: "printer_off", 786: "wrong_state", 787: "too_many_clients", 788: "not_supported",
    789: "printer_refuses", 799: "failed",
}  # fmt: skip
OTHERWISE: Final[list[tuple[str | Answer, str | None]]] = [
    ("not_json", "web_page"),
    (body("Oops"), "not_understood"),
    (body(b"\xff\xfe\x00"), "not_understood"),
    (body("[" * 100_000), "not_understood"),
    (body(""), "not_understood"),
    ("not_object", "not_understood"),
    ("no_status", "not_understood"),
    ("status_text", "not_understood"),
    (body('{"Status": true, "Result": {}}'), "not_understood"),
    (body('{"Status": 200}'), "not_understood"),
    (body('{"Status": 200, "Result": []}'), "not_understood"),
    ("index_html", "web_page"),
    ("login", "login_page"),
    ("reset", "no_answer"),
    ("truncated", "no_answer"),
    ("huge", "too_much_data"),
    (body("\x1f\x8b", "text/json"), "not_understood"),
    ("nan", None),
    ("long_text", None),
    ("gzip", None),
]
ANSWERED: Final = [
    *((http(status, page), problem) for status, problem in RELAY.items() for page in ("empty", "html", "json")),
    *((body(f'{{"Status": {status}, "Error": "{HOST}"}}'), problem) for status, problem in PLUGIN.items()),
    *OTHERWISE,
]


async def test_answers(plugin_api: FakePluginApi, way: Way, caplog: pytest.LogCaptureFixture) -> None:
    """Each answer has its meaning; neither the error nor a log says whose it was, and no redirect is followed."""
    plugin_api.pace = None
    relayed = plugin_api.add("bambu")
    api, errors = way(relayed, **SECRETS), []
    caplog.set_level(logging.DEBUG, "custom_components")
    for answer, problem in ANSWERED:
        relayed.respond(answer)
        if problem is None:
            assert (await api.async_status())["JobStatus"]["State"] == "idle"
            continue
        with pytest.raises(PluginApiError) as info:
            await api.async_status()
        assert info.value.problem == problem, answer
        errors.append(info.value)
    texts = [caplog.text, *(text for err in errors for text in (repr(err), *traceback.format_exception(err)))]
    assert not [text for text in texts for secret in (relayed.host, *SECRETS.values()) if secret in text]
    assert all(err.__cause__ is None and err.__suppress_context__ for err in errors if err.__context__)


async def test_no_network(
    plugin_api: FakePluginApi, way: Way, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where nobody answers, or too slowly, that is no answer; the lock is free again for the next."""
    monkeypatch.setattr(module, "_STATUS_TAKES", 0.05)
    monkeypatch.setattr(module, "_COMMAND_TAKES", 0.05)
    plugin_api.pace = None
    relayed = plugin_api.add("klipper")
    api = way(relayed)
    relayed.respond("hang", times=2)
    for request in (api.async_status(), api.async_command(Command.CANCEL, {})):
        assert await problem_of(request) is Problem.NO_ANSWER
    monkeypatch.undo()
    relayed.respond(None)
    assert await problem_of(way(relayed).async_status()) is None
    relayed.url = "https://nowhere.example.com"
    assert await problem_of(way(relayed).async_status()) is Problem.NO_ANSWER
    assert "nowhere" not in caplog.text


@pytest.mark.parametrize(
    ("secrets", "header"),
    [
        ({}, ""),
        (SECRETS, "Basic " + b64encode(b"meme:pa55word").decode()),
        ({"username": "", "password": "ö:ö"}, "Basic " + b64encode(":ö:ö".encode()).decode()),
        ({"username": "a:b"}, "Basic " + b64encode(b"a:b:").decode()),
        ({**SECRETS, "token": "tok"}, "Bearer tok"),
    ],
)
async def test_who_asks(plugin_api: FakePluginApi, way: Way, secrets: dict[str, str], header: str) -> None:
    """The credentials are in the header, with every request, and nowhere else."""
    relayed, seen = plugin_api.add("klipper"), []

    async def note(printer: RelayedPrinter, request: Any) -> Any:
        seen.append((request.headers.get("Authorization", ""), request.query_string))
        return await http(404)(printer, request)

    relayed.respond(note)
    api = way(relayed, **secrets)
    for request in (api.async_status(), api.async_command(Command.CANCEL, {}), api.async_picture()):
        await problem_of(request)
    assert seen == [(header, "")] * 3


async def test_one_at_a_time(plugin_api: FakePluginApi, way: Way) -> None:
    """Requests wait for each other, whatever they are; the fake would complain."""
    relayed = plugin_api.add("bambu")
    relayed.respond(slowly(0.05))
    api = way(relayed)
    await asyncio.gather(api.async_status(), api.async_picture(), api.async_command(Command.CANCEL, {}))
    assert {request.method for request in relayed.requests} == {"GET", "POST"}
    assert len(relayed.requests) == 3


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (None, None),
        ("png", None),
        ("no_picture", Problem.NO_PICTURE),
        ("missing", Problem.NO_ANSWER),
        ("page", Problem.WEB_PAGE),
        ("huge_picture", Problem.TOO_MUCH_DATA),
        ("truncated", Problem.NO_ANSWER),
        (body('{"Status": 200}'), Problem.NO_PICTURE),
        (http(609), Problem.CAMERA_RESTS),
    ],
)
async def test_picture(
    plugin_api: FakePluginApi, way: Way, answer: str | Answer | None, problem: Problem | None
) -> None:
    """Only a picture is one."""
    relayed = plugin_api.add("klipper")
    relayed.respond(answer)
    assert await problem_of(way(relayed).async_picture()) is problem
    if problem is None:
        assert (await way(relayed).async_picture()).transform == ("rotate=180",)


def test_all_problems() -> None:
    """Each problem is one that was met here, and each answer that the fake knows was tried."""
    assert {*RELAY.values(), *PLUGIN.values()} | {problem for _, problem in OTHERWISE if problem} >= {
        problem.value for problem in list(Problem)[5:]
    }
    assert set(ERRORS) <= set(PLUGIN)
    assert {name for name in ANSWERS if name not in ("hang", "slow", "png", "no_picture", "missing", "page")} <= {
        *(answer for answer, _ in OTHERWISE if isinstance(answer, str)),
        "huge_picture",
    }
