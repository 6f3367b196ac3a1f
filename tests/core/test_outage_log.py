"""Incidents from the loss to the next answer, time without a connection, and states in order."""

from __future__ import annotations

from rtbench.core.incidents import Incident
from rtbench.core.outage_log import OutageLog
from rtbench.core.reconnection import Refused
from rtbench.core.sessions import Session
from rtbench.core.turns import Turn


class Logged:
    """A log of a session that has stood since 0, in nanoseconds."""

    def __init__(self) -> None:
        self.session = Session(session_id="sess_1", turns=2)
        self.log = OutageLog(self.session)
        self.log.dialled(0, 0)
        self.log.connected(0)

    @property
    def states(self) -> list[tuple[str, int]]:
        return [(change.state, change.at_ns) for change in self.session.states]

    def end(self, at: int = 10_000) -> list[Incident]:
        self.log.over("ended", at)
        return self.log.take_incidents()


def test_a_loss_that_heals() -> None:
    logged = Logged()
    log = logged.log
    log.lost("drop", "connection_lost", "gone", "answering", 100)
    assert log.is_out
    log.dialled(200, 203)
    log.refused(Refused("connect_refused"), 210)
    log.dialled(400, 401)
    log.connected(420)
    log.restored(430, "sess_2", 3, 450)
    assert not log.is_out
    assert log.take_incidents() == []  # its next answer is awaited
    log.turn_over(Turn(number=3, clip="c", outcome="answered", audible_ns=900))

    (incident,) = log.take_incidents()
    assert (incident.dropped_ns, incident.noticed_ns, incident.created_ns) == (100, 100, 430)
    assert (incident.restored_ns, incident.audible_ns, incident.outcome) == (450, 900, "recovered")
    assert [(one.due_ns, one.begun_ns, one.over_ns, one.error_class) for one in incident.attempts] == [
        (200, 203, 210, "connect_refused"),
        (400, 401, 420, ""),
    ]
    assert (incident.session_before, incident.session_after, incident.turn) == ("sess_1", "sess_2", 2)
    assert logged.session.down_ns == 320
    assert logged.states == [
        ("connecting", 0),
        ("connected", 0),
        ("disconnected", 100),
        ("connecting", 203),
        ("disconnected", 210),
        ("connecting", 401),
        ("connected", 420),
    ]


def test_our_own_cut_dates_the_loss_back() -> None:
    logged = Logged()
    logged.log.cut("half_open", 50)
    logged.log.lost("drop", "no_sign_of_life", "", "waiting", 100)

    (incident,) = logged.end(150)
    assert (incident.injected, incident.dropped_ns, incident.noticed_ns) == ("half_open", 50, 100)
    assert incident.outcome == "ended"
    assert logged.session.down_ns == 100


def test_a_cut_after_which_nothing_was_missed_is_counted_apart() -> None:
    logged = Logged()
    logged.log.cut("half_open", 50)

    assert logged.end(60) == []
    assert (logged.session.cuts, logged.session.cuts_unseen) == (1, 1)


def test_a_cut_that_was_noticed_was_seen() -> None:
    logged = Logged()
    logged.log.cut("reset", 50)
    logged.log.lost("drop", "connection_lost", "", "idle", 51)
    logged.end(60)

    assert (logged.session.cuts, logged.session.cuts_unseen) == (1, 0)


def test_a_cut_that_nobody_noticed_does_not_colour_the_next_loss_twice() -> None:
    logged = Logged()
    logged.log.cut("reset", 50)
    logged.log.lost("drop", "connection_lost", "", "idle", 51)
    logged.log.dialled(60, 60)
    logged.log.connected(70)
    logged.log.restored(75, "s", 0, 80)
    logged.log.lost("drop", "connection_lost", "", "idle", 90)

    assert [incident.injected for incident in logged.end()] == ["reset", ""]


def test_a_session_that_breaks_again_before_it_is_restored_is_the_same_incident() -> None:
    logged = Logged()
    logged.log.lost("drop", "closed_1011", "", "idle", 100)
    logged.log.dialled(200, 200)
    logged.log.connected(210)
    logged.log.lost("drop", "setup_timeout", "", "setup", 260)

    (incident,) = logged.end(300)
    assert incident.error_class == "closed_1011"
    assert logged.session.down_ns == 110 + 40


def test_a_first_refusal_is_an_incident_with_its_attempt() -> None:
    log = OutageLog(Session())
    log.dialled(0, 0)
    log.refused(Refused("upgrade_503", "busy", 503), 30)
    log.over("gave_up", 31)

    (incident,) = log.take_incidents()
    assert (incident.kind, incident.phase, incident.outcome) == ("refusal", "handshake", "gave_up")
    assert [one.error_class for one in incident.attempts] == ["upgrade_503"]


def test_a_limit_is_counted_apart() -> None:
    logged = Logged()
    logged.log.lost("drop", "connection_lost", "", "idle", 100)
    logged.log.dialled(200, 200)
    logged.log.refused(Refused("upgrade_429", status=429), 210)

    assert logged.session.rate_limited == 1
    assert logged.end()[0].limited == 1


def test_lost_turns_count_for_the_session_and_the_incident() -> None:
    logged = Logged()
    logged.log.lost("drop", "connection_lost", "", "waiting", 100)
    logged.log.turn_lost()
    logged.log.turn_lost(2)

    assert logged.session.turns_lost == 3
    assert logged.end()[0].lost_turns == 3


def test_an_answer_from_before_is_not_the_recovery() -> None:
    logged = Logged()
    logged.log.lost("drop", "connection_lost", "", "answering", 100)
    logged.log.turn_over(Turn(number=2, clip="c", outcome="dropped", audible_ns=90))
    logged.log.dialled(200, 200)
    logged.log.connected(210)
    logged.log.restored(215, "s", 0, 220)

    assert logged.end()[0].audible_ns is None


def test_an_answer_that_the_next_loss_cut_off_was_still_the_recovery() -> None:
    logged = Logged()
    log = logged.log
    log.lost("drop", "connection_lost", "", "answering", 100)
    log.dialled(200, 200)
    log.connected(210)
    log.restored(215, "s", 0, 220)
    log.lost("drop", "closed_1011", "", "answering", 500)  # the turn that this cuts off ends after it
    log.turn_over(Turn(number=3, clip="c", outcome="dropped", audible_ns=400))

    assert [incident.audible_ns for incident in log.take_incidents()] == [400]
    assert [incident.audible_ns for incident in logged.end()] == [None]


def test_an_outage_whose_next_turn_was_cut_off_unheard_has_no_recovery() -> None:
    logged = Logged()
    log = logged.log
    log.lost("drop", "connection_lost", "", "answering", 100)
    log.dialled(200, 200)
    log.connected(210)
    log.restored(215, "s", 0, 220)
    log.lost("drop", "closed_1011", "", "waiting", 500)
    log.turn_over(Turn(number=3, clip="c", outcome="dropped"))

    assert [(one.number, one.audible_ns) for one in log.take_incidents()] == [(1, None)]
    assert [one.number for one in logged.end()] == [2]


def test_mishaps_are_one_row_each() -> None:
    logged = Logged()
    logged.log.mishap("server_error", "waiting", 40, count=2)

    assert [(one.error_class, one.phase, one.turn) for one in logged.log.take_mishaps()] == [
        ("server_error", "waiting", 2)
    ] * 2
    assert logged.log.take_mishaps() == []


def test_a_rotation_is_no_outage_unless_its_first_try_fails() -> None:
    smooth, rough = Logged(), Logged()
    for logged in (smooth, rough):
        logged.log.lost("rotation", "", "", "idle", 100)
        logged.log.dialled(100, 100)
    assert not rough.log.is_outage
    rough.log.refused(Refused("upgrade_503"), 110)
    rough.log.dialled(200, 200)
    assert rough.log.is_outage
    for logged in (smooth, rough):
        logged.log.connected(230)
        logged.log.restored(240, "sess_2", 0, 250)
        logged.end()

    assert (smooth.session.down_ns, rough.session.down_ns) == (0, 120)


def test_a_dead_line_that_is_left_for_a_rotation_before_anything_is_missed_was_down_since_it_died() -> None:
    logged = Logged()
    logged.log.cut("half_open", 100)
    logged.log.lost("rotation", "", "", "idle", 400)
    logged.log.dialled(400, 400)
    logged.log.connected(420)
    logged.log.restored(430, "sess_2", 0, 440)
    logged.log.lost("drop", "closed_1011", "", "idle", 600)

    rotation, drop = logged.end(700)
    assert (rotation.kind, rotation.injected, rotation.dropped_ns) == ("rotation", "", 400)
    assert (drop.injected, drop.dropped_ns) == ("", 600), "the break does not colour the next outage either"
    assert (logged.session.cuts, logged.session.cuts_unseen) == (1, 1)
    assert logged.session.down_ns == (420 - 100) + (700 - 600)


def test_a_break_of_a_session_that_is_still_being_restored_makes_no_outage_of_its_own() -> None:
    logged = Logged()
    logged.log.lost("drop", "closed_1011", "", "idle", 100)
    logged.log.dialled(200, 200)
    logged.log.connected(210)
    logged.log.cut("reset", 220)
    logged.log.lost("drop", "connection_lost", "", "setup", 221)

    (incident,) = logged.end(300)
    assert (incident.injected, incident.error_class) == ("", "closed_1011")
    assert (logged.session.cuts, logged.session.cuts_unseen) == (1, 1), (
        "cuts are outages of their own, or not"
    )
