"""The router's protocol against a stub: fragments, garbage, refusals, lost links."""

import itertools
from pathlib import Path

import msgpack
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hw.msgpack_rpc import (
    MAX_MESSAGE_BYTES,
    TOO_LARGE,
    Decoder,
    LinkLost,
    NoAnswer,
    RouterClient,
    RpcError,
    encode,
)
from tests.hw.router import Router, running_router

MESSAGES = [[1, 7, None, True], [2, "ind.note", [1, b"\x00"]], [0, 3, "ind.ready", []]]


async def connected(router: Router) -> RouterClient:
    client = RouterClient(router.path)
    await client.connect()
    return client


@given(cuts=st.lists(st.integers(0, 60), max_size=8))
def test_messages_survive_any_fragmentation(cuts: list[int]) -> None:
    stream = b"".join(msgpack.packb(one) for one in MESSAGES)
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    decoder = Decoder()
    seen = [
        message
        for start, stop in itertools.pairwise(edges)
        for message in decoder.feed(stream[start:stop])
    ]
    assert seen == MESSAGES


@given(text=st.text(st.characters(max_codepoint=0x7F), max_size=200))
@example(text="*** Booting Zephyr OS v4.1 ***\r\n")
def test_plain_text_before_a_message_is_skipped(text: str) -> None:
    assert list(Decoder().feed(text.encode() + msgpack.packb(MESSAGES[0]))) == [MESSAGES[0]]


@given(garbage=st.binary(max_size=300))
def test_no_garbage_breaks_the_decoder(garbage: bytes) -> None:
    decoder = Decoder()
    list(decoder.feed(garbage))
    list(decoder.feed(garbage))


@pytest.mark.parametrize("lead", [b"\xc1", b"\xdf\xff\xff\xff\xff", b"\xdd\x7f\xff\xff\xff"])
def test_bytes_that_announce_nonsense_are_skipped_at_once(lead: bytes) -> None:
    assert list(Decoder().feed(lead + msgpack.packb(MESSAGES[0]))) == [MESSAGES[0]]


def test_a_text_announced_too_long_is_given_up() -> None:
    decoder = Decoder()
    assert list(decoder.feed(b"\xdb\x7f\xff\xff\xff" + b"a" * 100)) == []
    assert list(decoder.feed(b"a" * 1000 + msgpack.packb(MESSAGES[0]))) == [MESSAGES[0]]


@given(payload=st.binary(max_size=220))
def test_a_message_that_fits_is_encoded_whole(payload: bytes) -> None:
    data = encode([2, "ind.frame", [65535, payload]])
    assert len(data) <= MAX_MESSAGE_BYTES
    assert msgpack.unpackb(data) == [2, "ind.frame", [65535, payload]]


@given(payload=st.binary(min_size=MAX_MESSAGE_BYTES, max_size=600))
def test_a_message_too_long_for_the_microcontroller_is_refused(payload: bytes) -> None:
    with pytest.raises(RpcError, match="limit 256") as caught:
        encode([2, "ind.frame", [65535, payload]])
    assert caught.value.code == TOO_LARGE


async def test_a_call_returns_its_result_though_it_comes_byte_by_byte(tmp_path: Path) -> None:
    async with running_router(tmp_path) as router:
        router.chunk = 1
        router.prefix = b"*** Booting ***\r\n\xc1"
        client = await connected(router)
        assert await client.call("ind.hello") == [1, "1.0", 8, 13, 8]
        await client.aclose()


async def test_a_refusal_carries_its_code(tmp_path: Path) -> None:
    async with running_router(tmp_path) as router:
        router.refusals["ind.frame"] = [[6, "buffer limit exceeded"], "odd"]  # type: ignore[list-item]
        client = await connected(router)
        with pytest.raises(RpcError, match="buffer limit") as caught:
            await client.call("ind.frame")
        assert caught.value.code == 6
        with pytest.raises(RpcError, match="odd"):
            await client.call("ind.frame")
        await client.aclose()


async def test_registering_what_is_ours_already_is_success(tmp_path: Path) -> None:
    async with running_router(tmp_path) as router:
        router.refusals["$/register"] = [[5, "route already exists"], [4, "generic"]]
        client = await connected(router)
        await client.register("ind.ready")
        with pytest.raises(RpcError, match="generic"):
            await client.register("ind.other")
        await client.aclose()


async def test_a_late_answer_is_not_taken_for_the_next_one(tmp_path: Path) -> None:
    async with running_router(tmp_path) as router:
        router.mute = {"slow"}
        client = await connected(router)
        with pytest.raises(NoAnswer, match="slow"):
            await client.call("slow", deadline_s=0.01)
        await router.push([1, 0, None, "late"])
        router.results["next"] = "mine"
        assert await client.call("next") == "mine"
        await client.aclose()


async def test_a_connection_lost_during_a_call_is_reported(tmp_path: Path) -> None:
    async with running_router(tmp_path) as router:
        router.drop_on = {"ind.hello"}
        client = await connected(router)
        with pytest.raises(LinkLost):
            await client.call("ind.hello")
        with pytest.raises(LinkLost):
            await client.call("ind.hello")
        await client.aclose()


async def test_nobody_listening_is_reported(tmp_path: Path) -> None:
    with pytest.raises(LinkLost, match="no router"):
        await RouterClient(tmp_path / "absent.sock").connect()
    with pytest.raises(LinkLost, match="not connected"):
        await RouterClient(tmp_path / "absent.sock").call("ind.hello")


async def test_calls_from_the_other_side_are_answered(tmp_path: Path) -> None:
    async with running_router(tmp_path) as router:
        client = await connected(router)
        await client.register("ind.ready")
        await router.push([0, 41, "ind.ready", []])
        await router.push([0, 42, "unheard", []])
        await router.push([2, "ind.ready", []])
        await client.call("ind.hello")
        await client.call("ind.hello")
        assert client.take_called() == {"ind.ready"}
        assert client.take_called() == set()
        assert router.answers == [
            [1, 41, None, True],
            [1, 42, [2, "method not available"], None],
        ]
        await client.aclose()
