from __future__ import annotations

import json

import attrs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chat.network.events import EVENTS, Event, MessageSent, TopicChanged
from chat.network.records import RECORDS, Record
from chat.store.codec import decode_event, decode_record, encode_event, encode_record, record_kind
from tests.store.databases import ALICE

events = st.sampled_from(sorted(EVENTS)).flatmap(lambda name: st.from_type(EVENTS[name]))
records = st.sampled_from(sorted(RECORDS)).flatmap(lambda name: st.from_type(RECORDS[name]))


class EventTests(SynchronousTestCase):
    @settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
    @given(events)
    def test_round_trip(self, event: Event) -> None:
        kind, payload = encode_event(event)
        self.assertEqual(decode_event(kind, payload), event)

    def test_every_class_is_covered(self) -> None:
        for name, event_class in EVENTS.items():
            with self.subTest(name):
                strategy = st.from_type(event_class)

                @settings(
                    max_examples=20,
                    deadline=None,
                    database=None,
                    suppress_health_check=list(HealthCheck),
                )
                @given(strategy)
                def round_trip(event: Event) -> None:
                    self.assertEqual(decode_event(*encode_event(event)), event)

                round_trip()

    def test_no_text_makes_the_log_fail(self) -> None:
        event = TopicChanged(ALICE, "#\udcff", "\ud800 \0 \udc80")
        self.assertEqual(decode_event(*encode_event(event)), event)

    def test_defaults_are_left_out_and_text_stays_readable(self) -> None:
        kind, payload = encode_event(MessageSent(ALICE, "PRIVMSG", "#ü", "hé", channel="#ü"))
        self.assertEqual(kind, b"MessageSent")
        self.assertEqual(
            json.loads(payload),
            {
                "actor": {"client": "s1", "source": "alice!a@host", "account": "Alice"},
                "command": "PRIVMSG",
                "target": "#ü",
                "text": "hé",
                "channel": "#ü",
            },
        )
        self.assertIn("hé".encode(), payload)

    def test_keys_of_a_newer_program_are_passed_over(self) -> None:
        event = TopicChanged(ALICE, "#room", "topic")
        kind, payload = encode_event(event)
        newer = json.loads(payload) | {"mood": "good"}
        newer["actor"]["device"] = "phone"
        self.assertEqual(decode_event(kind, json.dumps(newer).encode()), event)

    def test_unknown_kind_is_named(self) -> None:
        error = self.assertRaises(LookupError, decode_event, b"Teleported", b"{}")
        self.assertIn("Teleported", str(error))

    def test_a_field_of_an_older_row_may_be_missing_when_it_has_a_default(self) -> None:
        defaults = {a.name for a in attrs.fields(MessageSent) if a.default is not attrs.NOTHING}
        event = MessageSent(ALICE, "PRIVMSG", "#room", "hi", tags={"+a": "b"})
        kind, payload = encode_event(event)
        older = {k: v for k, v in json.loads(payload).items() if k not in defaults}
        self.assertEqual(
            decode_event(kind, json.dumps(older).encode()), attrs.evolve(event, tags={})
        )


class RecordTests(SynchronousTestCase):
    @settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
    @given(records)
    def test_round_trip(self, record: Record) -> None:
        kind = record_kind(type(record))
        self.assertEqual(decode_record(kind, encode_record(record)), record)

    def test_unknown_kind_is_named(self) -> None:
        error = self.assertRaises(LookupError, decode_record, b"teapot", b"{}")
        self.assertIn("teapot", str(error))
