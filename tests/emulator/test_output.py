from __future__ import annotations

import pytest

from rtbench.core.audio import Audio
from rtbench.core.machine import Outgoing
from rtbench.core.response_events import AudioDelta
from rtbench.emulator.answer import SpokenAnswer
from rtbench.emulator.outbox import Outbox
from rtbench.emulator.output import DeltaOutput
from rtbench.emulator.plan import Beat
from rtbench.emulator.refusal import Refusal


def test_over_a_websocket_audio_is_a_delta_when_it_is_due():
    outbox = Outbox()
    DeltaOutput(outbox).give("r", SpokenAnswer("r", "item"), Beat(7, "", Audio(b"ab"), 20))
    delta = AudioDelta(response_id="r", item_id="item", output_index=0, content_index=0, delta=Audio(b"ab"))
    assert outbox.take() == [Outgoing(delta, 7)]


def test_what_is_heard_of_it_is_the_caller_s_own_affair():
    output = DeltaOutput(Outbox())
    assert output.heard_out_ns("r", 500) == 500
    assert not output.holds("r")
    assert output.clear(100, 100) == []
    with pytest.raises(Refusal, match="WebRTC and SIP"):
        output.refuse_clear()
