"""The emulator: a realtime speech-to-speech service whose truth is known.

`session.EmulatedSession` is the pure machine, which listens, takes turns and answers; `server` puts
it on HTTP and WebSocket, and `process` runs it as a child of a load test.
"""
