"""A port that is held between two listeners."""

from __future__ import annotations

import asyncio
import socket

import pytest

from rtbench.emulator.held_ports import HeldPorts


def test_nobody_is_let_in_and_nobody_else_is_given_the_port_until_it_is_listened_on_again() -> None:
    async def hold() -> None:
        loop = asyncio.get_running_loop()
        first = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0)
        address = first.sockets[0].getsockname()
        first.close()
        await first.wait_closed()
        with HeldPorts([(socket.AF_INET, address)]) as held:
            assert held.held == 1
            with socket.socket() as caller, pytest.raises(ConnectionRefusedError):
                caller.connect(address)
            with socket.socket() as other, pytest.raises(OSError, match="in use"):
                other.bind(address)
            second = await loop.create_server(asyncio.Protocol, *address)
        socket.create_connection(address).close()
        second.close()
        await second.wait_closed()

    asyncio.run(hold())


def test_a_port_that_another_listens_on_cannot_be_held() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as other,
        HeldPorts([(other.family, other.getsockname())]) as held,
    ):
        assert held.held == 0
