"""Who is at the other end of a unix socket, and whether they may talk to us."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from typing import Protocol

_CREDENTIALS = struct.Struct("=iII")  # pid, uid, gid
_SO_PEERGROUPS = 59
_GROUPS_MAX = 256


@dataclass(frozen=True, slots=True)
class Peer:
    """The other process when it connected; `groups` are its supplementary groups."""

    pid: int
    uid: int
    gid: int
    groups: frozenset[int]


class Connection(Protocol):
    """The part of a socket, trio's or the standard library's, that is needed here."""

    def getsockopt(self, level: int, optname: int, buflen: int, /) -> bytes: ...


def peer_of(connection: Connection) -> Peer:
    """The credentials the kernel keeps for this connection."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, gid = _CREDENTIALS.unpack(raw)
    return Peer(pid, uid, gid, _groups(connection))


def _groups(connection: Connection) -> frozenset[int]:
    """Empty where the kernel does not tell, so that only the primary group counts."""
    try:
        raw = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, 4 * _GROUPS_MAX)
    except OSError:
        return frozenset()
    return frozenset(group for (group,) in struct.iter_unpack("=I", raw))


def may_connect(peer: Peer, *, uid: int, gid: int) -> bool:
    """Root, the daemon's own user, and members of the group that owns the socket."""
    return peer.uid in {0, uid} or gid in {peer.gid, *peer.groups}
