"""What another busy thread costs an event loop's system calls, by how long it may keep the interpreter.

    python tests/benchmarks/bench_switch_interval.py

A thread sends and receives 200 datagrams over loopback, alone and beside one that computes in Python all the time; each
system call gives the interpreter up, and the other keeps it for an interval. The engine's own interval is
`rtbench.engine.__main__.SWITCH_INTERVAL_S`, Python's 5 ms.
"""

import socket
import sys
import threading
import time

from rtbench.engine.__main__ import SWITCH_INTERVAL_S

DATAGRAMS = 200
ROUNDS = 3
INTERVALS_S = (5e-3, 1e-3, 2e-4, SWITCH_INTERVAL_S, 1e-5)


def exchange_ms(sock: socket.socket) -> float:
    begun = time.perf_counter()
    for _ in range(DATAGRAMS):
        sock.send(b"x")
        sock.recv(16)
    return 1_000 * (time.perf_counter() - begun)


def beside_a_busy_thread(sock: socket.socket, interval_s: float) -> list[float]:
    sys.setswitchinterval(interval_s)
    stop = threading.Event()

    def compute() -> None:
        while not stop.is_set():
            sum(range(1_000))

    thread = threading.Thread(target=compute)
    thread.start()
    time.sleep(0.02)  # until it computes
    found = [exchange_ms(sock) for _ in range(ROUNDS)]
    stop.set()
    thread.join()
    return found


def main() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.connect(sock.getsockname())
        print(f"{DATAGRAMS} datagrams, ms, {ROUNDS} times")
        print(f"{'alone':>12} " + " ".join(f"{exchange_ms(sock):8.1f}" for _ in range(ROUNDS)))
        for interval_s in INTERVALS_S:
            times = " ".join(f"{ms:8.1f}" for ms in beside_a_busy_thread(sock, interval_s))
            print(f"{1e6 * interval_s:9,.0f} us {times}")


if __name__ == "__main__":
    main()
