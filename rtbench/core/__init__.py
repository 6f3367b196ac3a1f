"""The pure part: protocol-neutral events, the two state machines, audio arithmetic and metrics.

Nothing here reads a clock, opens a file or a socket, or keeps a global: instants come in as
arguments (integer nanoseconds), and what is to be sent comes out of `outgoing()`.
"""
