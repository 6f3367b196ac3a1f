"""Networks that callers really have, in numbers, each with where they come from.

Delays are one way. Rates and round trips are those that published test profiles use; loss and its
bursts lie within the classes of ITU-T G.1050 (up to 0.05 % lost in a well-managed network, up to 2 %
in a partially managed one, up to 20 % in an unmanaged one), chosen so that 10,000 packets hold a
whole number of the model's cycles.
"""

from __future__ import annotations

from rtbench.core.impairment import Conditions

WIFI = Conditions(
    name="wifi",
    delay_ms=15,
    jitter_ms=4,
    loss=0.004,
    burst=2,
    up_kbps=33_000,
    down_kbps=40_000,
    source=(
        "Rates of the Wi-Fi profile of Apple's Network Link Conditioner, 40 and 33 Mbit/s; the round trip of "
        "30 ms is that of WebPageTest's Cable profile (28 ms) with the air added; loss of G.1050's partially managed class."
    ),
)
FOUR_G = Conditions(
    name="4g",
    delay_ms=35,
    jitter_ms=8,
    loss=0.005,
    burst=2.5,
    up_kbps=12_000,
    down_kbps=12_000,
    source=(
        "WebPageTest's LTE profile: 12 Mbit/s both ways, round trip 70 ms; loss of G.1050's partially managed class."
    ),
)
THREE_G = Conditions(
    name="3g",
    delay_ms=150,
    jitter_ms=25,
    loss=0.01,
    burst=2.5,
    up_kbps=768,
    down_kbps=1_600,
    source=(
        "WebPageTest's 3G profile: 1.6 Mbit/s down, 768 kbit/s up, round trip 300 ms; loss of G.1050's partially managed class."
    ),
)
SATELLITE = Conditions(
    name="satellite",
    delay_ms=300,
    jitter_ms=10,
    loss=0.005,
    burst=5,
    up_kbps=3_000,
    down_kbps=25_000,
    source=(
        "One hop over a geostationary satellite takes 260 ms (ITU-T G.114), 40 ms for the ground; 25 and 3 Mbit/s are the "
        "FCC's broadband benchmark of 2015; longer bursts for rain fade."
    ),
)
CONGESTED = Conditions(
    name="congested",
    delay_ms=100,
    jitter_ms=20,
    loss=0.03,
    burst=12,
    loss_in_burst=0.5,
    reordering=0.005,
    up_kbps=1_000,
    down_kbps=5_000,
    queue_ms=500,
    source=(
        "Rates of WebPageTest's Cable profile, 5 and 1 Mbit/s, behind a full queue; loss between G.1050's partially managed "
        "and unmanaged classes, every second packet in bursts of 12, as a queue at its end drops."
    ),
)
TRAIN = Conditions(
    name="train",
    delay_ms=50,
    jitter_ms=15,
    loss=0.01,
    burst=2.5,
    up_kbps=5_000,
    down_kbps=12_000,
    outage_every_ms=45_000,
    outage_ms=3_000,
    source=(
        "An LTE link at half its upward rate, with a tunnel or a failed handover every 45 s: 1 s until the radio link is "
        "given up (T310 of 3GPP TS 36.331) and 2 s until another one stands."
    ),
)

PRESETS: dict[str, Conditions] = {
    preset.name: preset for preset in (WIFI, FOUR_G, THREE_G, SATELLITE, CONGESTED, TRAIN)
}
"""By the name that a scenario and `--network` use."""
