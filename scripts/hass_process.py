"""A real Home Assistant with this integration, in a process and a folder of its own, and a connection to it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
import json
import os
from pathlib import Path
import signal
import socket
import sys
from types import TracebackType
from typing import Any, Final, Self

from aiohttp import ClientError, ClientSession, ClientTimeout

INTEGRATION: Final = Path(__file__).parent.parent / "custom_components" / "octoeverywhere"
# Stand-ins for packages of the voice assistants, which Home Assistant would have to compile: most of a minute, and a compiler.
SILENT: Final = Path(__file__).parent / "silent"

# What a person sees of Home Assistant, without the parts that look around in the network or ask the internet.
WITH_FRONTEND: Final = """\
automation:
config:
frontend:
history:
logbook:
recorder:
scene:
script:
"""
WITHOUT_FRONTEND: Final = """\
api:
config:
"""

_START_SECONDS: Final = 600  # the first start installs what the frontend needs
_STOP_SECONDS: Final = 60


class HassError(Exception):
    """Home Assistant did not do what it was asked to."""


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """What OctoEverywhere is told of Home Assistant."""

    url: str
    secret_key: str


class Hass:
    """A real Home Assistant. Its folder outlives the process, so that it can be started again."""

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        configuration: str = WITHOUT_FRONTEND,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Choose the folder, which is made where it does not exist, the port: a free one unless given, and what else it starts with."""
        self.folder = folder
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.user = self.password = "demo"
        self._configuration = configuration
        self._environment = dict(environment or {})
        self._process: asyncio.subprocess.Process | None = None
        self._stack = AsyncExitStack()
        self._session: ClientSession | None = None
        self.tokens: dict[str, Any] = {}

    async def __aenter__(self) -> Self:
        """Prepare the folder and start."""
        self._session = await self._stack.enter_async_context(ClientSession(timeout=ClientTimeout(total=60)))
        await asyncio.to_thread(self._prepare)
        try:
            await self.start()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        """Stop."""
        await self.stop()
        await self._stack.aclose()

    @property
    def log(self) -> Path:
        """Return what Home Assistant said, from its first start in this folder on."""
        return self.folder / "output.log"

    def _prepare(self) -> None:
        """Write what a fresh Home Assistant asks a person, the first user's name apart."""
        storage = self.folder / ".storage"
        storage.mkdir(parents=True, exist_ok=True)
        components = self.folder / "custom_components"
        components.mkdir(exist_ok=True)
        with suppress(FileExistsError):
            (components / INTEGRATION.name).symlink_to(INTEGRATION)
        (self.folder / "configuration.yaml").write_text(
            f'homeassistant:\n  name: Demo\n  unit_system: metric\n  country: US\n  internal_url: "{self.url}"\n'
            f"logger:\n  default: warning\n{self._configuration}"
        )
        onboarding = storage / "onboarding"
        if not onboarding.exists():
            done = {"done": ["core_config", "analytics", "integration"]}
            onboarding.write_text(json.dumps({"version": 4, "key": "onboarding", "data": done}))

    async def start(self) -> None:
        """Start the process and return when Home Assistant is running. Raises HassError."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "homeassistant",
                "--config",
                str(self.folder),
                "--skip-pip-packages",
                ",".join(package.stem.replace("_", "-") for package in SILENT.glob("*.py")),
                # Elsewhere, Python would take the integration from where it was started, and not the folder's.
                cwd=self.folder,
                env={**os.environ, **self._environment, "SETUP_PORT": str(self.port), "PYTHONPATH": str(SILENT)},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # so that Ctrl-C reaches it through us, and once
            )
        try:
            async with asyncio.timeout(_START_SECONDS):
                await self._wait_until_running()
        except TimeoutError:
            raise HassError(f"Home Assistant did not start; see {self.log}") from None

    async def _wait_until_running(self) -> None:
        is_let_in = False
        while True:
            if self._process is None or self._process.returncode is not None:
                raise HassError(f"Home Assistant ended while it started; see {self.log}")
            with suppress(ClientError, HassError):
                if not self.tokens:
                    await self._create_user()
                elif not is_let_in:
                    await self._refresh()
                is_let_in = True
                if (await self.get("/api/config"))["state"] == "RUNNING":
                    return
            await asyncio.sleep(0.1)

    async def stop(self) -> None:
        """Stop Home Assistant as its own button does, and wait for it."""
        if self._process is None or self._process.returncode is not None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self._process.wait()
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """End the process as a power cut would."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()

    @property
    def pid(self) -> int:
        """Return the number of the process. Raises HassError."""
        if self._process is None:
            raise HassError("not started")
        return self._process.pid

    def memory(self, figure: str = "VmRSS") -> float:
        """Return the megabytes that the process occupies, by one of the kernel's figures. Raises HassError."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(figure))

    @property
    def session(self) -> ClientSession:
        """Return a session for requests of one's own."""
        if self._session is None:
            raise HassError("not started")
        return self._session

    async def get(self, path: str) -> Any:
        """Return the JSON at a path of the REST API. Raises HassError."""
        return await self._request("GET", path)

    async def post(self, path: str, data: Mapping[str, Any] | None = None) -> Any:
        """Post JSON to a path of the REST API. Raises HassError."""
        return await self._request("POST", path, json=data)

    async def _request(self, method: str, path: str, **arguments: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.tokens.get('access_token', '')}"}
        async with self.session.request(method, f"{self.url}{path}", headers=headers, **arguments) as response:
            if not response.ok:
                raise HassError(f"{method} {path}: {response.status} {await response.text()}")
            return await response.json()

    async def _create_user(self) -> None:
        """Do the first step of Home Assistant's welcome, then log in."""
        client_id = f"{self.url}/"
        user = {"client_id": client_id, "name": "Demo", "language": "en"}
        login = {"username": self.user, "password": self.password}
        code = (await self._request("POST", "/api/onboarding/users", json=user | login))["auth_code"]
        grant = {"grant_type": "authorization_code", "code": code, "client_id": client_id}
        self.tokens = await self._request("POST", "/auth/token", data=grant)

    async def _refresh(self) -> None:
        """Log in again: what let us in before lives half an hour."""
        grant = {
            "grant_type": "refresh_token",
            "refresh_token": self.tokens["refresh_token"],
            "client_id": f"{self.url}/",
        }
        self.tokens |= await self._request("POST", "/auth/token", data=grant)

    async def add_integration(self) -> Webhook:
        """Add the integration as the UI does, with a test notification as its proof. Raises HassError."""
        flows = "/api/config/config_entries/flow"
        flow = f"{flows}/{(await self.post(flows, {'handler': INTEGRATION.name}))['flow_id']}"
        form = await self.post(flow, {"next_step_id": "lan"})
        made = await self.post(flow, _suggested(form))
        flow = f"{flows}/{made['next_flow'][1]}"  # which the frontend opens by itself
        shown = _suggested(await self.get(flow))
        webhook = Webhook(url=shown["url"], secret_key=shown["secret_key"])
        test = {"PrinterId": "test", "EventType": 16, "SecretKey": webhook.secret_key}
        async with self.session.post(webhook.url, json=test) as response:
            if not response.ok:
                raise HassError(f"The test notification was answered {response.status}")
        if (outcome := await self.post(flow, shown)).get("reason") != "proven":
            raise HassError(f"The set-up did not find the test notification: {outcome}")
        return webhook

    async def add_live_connection(self, printer_id: str, url: str) -> None:
        """Add a live connection as the UI does, of a printer that is known. Raises HassError."""
        [entry] = await self.get(f"/api/config/config_entries/entry?domain={INTEGRATION.name}")
        flows = "/api/config/config_entries/subentries/flow"
        flow = f"{flows}/{(await self.post(flows, {'handler': [entry['entry_id'], 'live']}))['flow_id']}"
        found = await self.post(flow, {"url": url})
        if found.get("step_id") != "printer":
            raise HassError(f"The live connection was not found: {found}")
        if (outcome := await self.post(flow, {"printer_id": printer_id}))["type"] != "create_entry":
            raise HassError(f"The live connection was not added: {outcome}")

    @asynccontextmanager
    async def websocket(self) -> AsyncGenerator[WebSocket]:
        """Connect to the websocket API."""
        # Answers may be of any length.
        async with self.session.ws_connect(f"{self.url}/api/websocket", max_msg_size=0) as connection:
            await connection.receive_json()
            await connection.send_json({"type": "auth", "access_token": self.tokens["access_token"]})
            if (await connection.receive_json())["type"] != "auth_ok":
                raise HassError("Home Assistant did not let us in")
            websocket = WebSocket(connection)
            reader = asyncio.create_task(websocket.read())
            try:
                yield websocket
            finally:
                reader.cancel()
                with suppress(asyncio.CancelledError):
                    await reader


class WebSocket:
    """Commands and subscriptions of the websocket API."""

    def __init__(self, connection: Any) -> None:
        """Take over an authenticated connection."""
        self._connection = connection
        self._id = 0
        self._results: dict[int, asyncio.Future[Any]] = {}
        self._events: dict[int, asyncio.Queue[Any]] = {}

    async def read(self) -> None:
        """Hand what arrives to whoever waits for it."""
        try:
            async for message in self._connection:
                self._receive(message.json())
        finally:
            for result in self._results.values():
                result.cancel()

    def _receive(self, data: dict[str, Any]) -> None:
        match data["type"]:
            case "event":
                self._events[data["id"]].put_nowait(data["event"])
            case "result" if data["success"]:
                self._results.pop(data["id"]).set_result(data["result"])
            case "result":
                self._results.pop(data["id"]).set_exception(HassError(data["error"]["message"]))

    async def call(self, command: str, **arguments: Any) -> Any:
        """Return the result of a command. Raises HassError."""
        self._id += 1
        return await self._send(self._id, command, arguments)

    async def _send(self, number: int, command: str, arguments: Mapping[str, Any]) -> Any:
        self._results[number] = asyncio.get_running_loop().create_future()
        await self._connection.send_json({"id": number, "type": command, **arguments})
        return await self._results[number]

    async def subscribe(self, command: str, **arguments: Any) -> AsyncIterator[Any]:
        """Return what a subscription brings, from now on."""
        self._id += 1
        queue = self._events[self._id] = asyncio.Queue()
        await self._send(self._id, command, arguments)
        return _endless(queue)


async def _endless(queue: asyncio.Queue[Any]) -> AsyncGenerator[Any]:
    while True:
        yield await queue.get()


def _suggested(form: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a form is filled in with."""
    return {field["name"]: field["description"]["suggested_value"] for field in form["data_schema"]}


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
