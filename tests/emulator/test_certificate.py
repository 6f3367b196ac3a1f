from __future__ import annotations

import asyncio
import ssl

import pytest
from aiohttp import ClientConnectorCertificateError, ClientSession, TCPConnector

from rtbench.emulator.certificate import Certificate
from rtbench.emulator.server import EmulatorServer


def test_clients_that_trust_it_connect_and_others_do_not(make_service):
    async def main(certificate: Certificate) -> None:
        server = EmulatorServer(make_service())
        port = await server.start("127.0.0.1", 0, certificate.context)
        trusting = ssl.create_default_context(cafile=str(certificate.path))
        for name in ("127.0.0.1", "localhost"):
            async with ClientSession(connector=TCPConnector(ssl=trusting)) as session:
                url = f"wss://{name}:{port}/v1/realtime?model=m"
                async with session.ws_connect(url, headers={"Authorization": "Bearer k"}) as websocket:
                    assert (await websocket.receive_json())["type"] == "session.created"
        async with ClientSession() as session:
            with pytest.raises(ClientConnectorCertificateError):
                await session.get(f"https://127.0.0.1:{port}/healthz")
        await server.stop()

    with Certificate("127.0.0.1") as certificate:
        asyncio.run(main(certificate))


def test_the_key_is_nowhere_and_the_certificate_goes_with_its_owner():
    with Certificate("emulator.example") as certificate:
        assert [path.name for path in certificate.path.parent.iterdir()] == ["certificate.pem"]
        assert "PRIVATE" not in certificate.path.read_text()
    assert not certificate.path.parent.exists()
