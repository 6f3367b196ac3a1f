"""`@openai/agents-realtime` in headless Chromium, a WAV file as its microphone, talks to the emulator over WebRTC."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import pytest
import soundfile
from aiohttp import ClientSession, web

from rtbench.corpus.folder import Corpus, find_corpus
from rtbench.emulator.library import load_service
from rtbench.emulator.profile import Profile
from rtbench.emulator.server import EmulatorServer

pytestmark = pytest.mark.e2e

HERE = Path(__file__).parent
MODEL = "gpt-realtime"
CALL_LIMIT_S = 60
INSTALL_LIMIT_S = 240
BUNDLE = Path("node_modules/@openai/agents-realtime/dist/bundle")
CHROMIUM_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--mute-audio",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--allow-loopback-in-peer-connection",
    "--force-webrtc-ip-handling-policy=default",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
)


@pytest.fixture(scope="module")
def chromium() -> str:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("Chromium is not installed: the stock browser client was not tried")
    return found


@pytest.fixture(scope="module")
def bundle() -> Path:
    """The client as npm delivers it, kept outside the tree from one run to the next."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed: the stock browser client was not tried")
    lock = (HERE / "package-lock.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "rtbench" / f"browser-{hashlib.sha256(lock).hexdigest()[:12]}"
    if not (folder / BUNDLE).is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_LIMIT_S, check=False
        )
        if done.returncode:
            pytest.skip(
                f"npm cannot fetch the stock browser client, so it was not tried: {done.stderr[-300:]}"
            )
    return folder / BUNDLE


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return Corpus.open(find_corpus("english"))


@pytest.fixture(scope="module")
def microphone(corpus, tmp_path_factory) -> Path:
    """A question, and one second into its answer an interruption; then silence."""

    def silence(seconds: float) -> np.ndarray:
        return np.zeros(round(seconds * corpus.rate_hz), np.int16)

    speech = [
        silence(1.0),
        corpus.samples("yes_please_awb"),
        silence(1.6),
        corpus.samples("no_not_yet_america"),
        silence(30),
    ]
    path = tmp_path_factory.mktemp("microphone") / "caller.wav"
    soundfile.write(path, np.concatenate(speech), corpus.rate_hz, subtype="PCM_16")
    return path


async def page(bundle: Path, seen: asyncio.Future) -> tuple[web.AppRunner, str]:
    """Serve the page; `seen` is what it posts."""

    async def take(request: web.Request) -> web.Response:
        seen.set_result(await request.json())
        return web.Response()

    async def call(request: web.Request) -> web.FileResponse:
        return web.FileResponse(HERE / "call.html")

    app = web.Application(client_max_size=16 * 1024 * 1024)
    app.router.add_get("/", call)
    app.router.add_post("/seen", take)
    app.router.add_static("/bundle", bundle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}/"


async def hold_call(service, chromium: str, bundle: Path, microphone: Path, profile_folder: Path) -> dict:
    server = EmulatorServer(service, key="sk-mine")
    port = await server.start("127.0.0.1", 0)
    await server.prepare(["opus"])
    realtime = f"http://127.0.0.1:{port}/v1/realtime"
    async with ClientSession() as http:
        body = {"session": {"type": "realtime", "model": MODEL}}
        headers = {"Authorization": "Bearer sk-mine"}
        async with http.post(f"{realtime}/client_secrets", json=body, headers=headers) as answer:
            key = (await answer.json())["value"]
    seen = asyncio.get_running_loop().create_future()
    runner, url = await page(bundle, seen)
    query = urlencode({"calls": f"{realtime}/calls", "key": key, "model": MODEL})
    browser = await asyncio.create_subprocess_exec(
        chromium,
        *CHROMIUM_OPTIONS,
        f"--user-data-dir={profile_folder}",
        f"--use-file-for-fake-audio-capture={microphone}%noloop",
        f"{url}?{query}",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        return await asyncio.wait_for(seen, CALL_LIMIT_S)
    finally:
        browser.terminate()
        await browser.wait()
        await runner.cleanup()
        await server.stop()


def test_a_page_holds_a_spoken_conversation_and_interrupts_it(chromium, bundle, microphone, corpus, tmp_path):
    profile = Profile.model_validate({"response_delay": "100 ms", "replies": ["reply_yes"]})
    service = load_service(corpus.folder, profile)
    seen = asyncio.run(hold_call(service, chromium, bundle, microphone, tmp_path))

    assert seen["errors"] == []
    assert seen["callId"].startswith("rtc_")
    buffer = [event for event in seen["events"] if event.startswith("output_audio_buffer.")]
    assert buffer == [f"output_audio_buffer.{what}" for what in ("started", "cleared", "started", "stopped")]
    assert "response.output_audio.delta" not in seen["events"]
    assert seen["transcripts"][1] == corpus.entry("reply_yes").text

    by_type = {entry["type"]: entry for entry in seen["stats"]}
    sent, received = by_type["outbound-rtp"], by_type["inbound-rtp"]
    assert sent["packetsSent"] > 200
    assert by_type["remote-inbound-rtp"]["packetsLost"] == 0
    assert received["packetsReceived"] > 143 and received["packetsLost"] == 0
    codecs = {entry["id"]: entry["mimeType"] for entry in seen["stats"] if entry["type"] == "codec"}
    assert codecs[sent["codecId"]] == codecs[received["codecId"]] == "audio/opus"
