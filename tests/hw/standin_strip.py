"""Stands in for the rpi_ws281x package inside the helper process.

Every shown frame goes as one datagram to the socket `standin.sock` beside the folder it is
loaded from, so that tests can wait for it instead of sleeping.
"""

import socket
from pathlib import Path

TARGET = Path(__file__).with_name("standin.sock")


class PixelStrip:
    def __init__(self, num: int, pin: int, *, dma: int, brightness: int, channel: int) -> None:
        if pin == 99:
            raise RuntimeError("ws2811_init failed with code -11 (illegal GPIO)")
        assert (dma, brightness, channel) == (10, 255, 0)
        self._pixels = [0] * num
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)

    def begin(self) -> None:
        self._socket.connect(str(TARGET))

    def setPixelColor(self, index: int, colour: int) -> None:
        self._pixels[index] = colour

    def show(self) -> None:
        self._socket.send(b"".join(pixel.to_bytes(3, "big") for pixel in self._pixels))
