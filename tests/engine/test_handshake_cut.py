"""A caller who goes away in the handshake: seen by the service, and told as its own class."""

from __future__ import annotations

import asyncio

import pytest

from rtbench.engine.handshake_cut import cut_handshake
from rtbench.transports.connection import ConnectError


@pytest.mark.parametrize("offers", [False, True])
def test_the_service_sees_half_a_request_or_a_reset(offers: bool) -> None:
    async def scene() -> str:
        ended = asyncio.get_running_loop().create_future()

        async def serve(reader, writer) -> None:
            try:
                ended.set_result(await reader.read())
            except ConnectionError:
                ended.set_result(b"")
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(ConnectError) as caught:
            await cut_handshake(f"ws://127.0.0.1:{port}/v1", 5, offers=offers)
        request = await asyncio.wait_for(ended, 5)
        server.close()
        assert not request.endswith(b"\r\n\r\n")
        assert caught.value.phase == ("sdp" if offers else "upgrade")
        return caught.value.error_class

    assert asyncio.run(scene()) == "cut_in_handshake"


def test_a_service_that_is_not_there_is_the_same() -> None:
    with pytest.raises(ConnectError):
        asyncio.run(cut_handshake("ws://127.0.0.1:1/v1", 5))
