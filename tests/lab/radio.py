#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""radio.py NUMBER: virtual LE controllers with an air between them.

Sits between the kernel and "btvirt -s": one /dev/vhci and one connection to btvirt's
LE socket per controller, HCI packets relayed both ways.  btvirt answers the commands;
what is in the air is done here, because btvirt reports an advertisement once, accepts
connections to whoever exists, knows no distance, and confuses the handles of a
controller's second link:

  - advertising reports every 100 ms, with the data of the moment and an RSSI, from
    every controller that advertises to every one that scans;
  - a scan response that lists the UUID of 128-bit service data, as the firmware of a
    pen does and bluetoothd before 5.78 cannot;
  - a connection only to a controller that advertises; until then the attempt is
    pending, as over the air;
  - distance, by lines written to the FIFO /run/radio:
        loss [hciN]     out of range just long enough to lose the links (reason 0x08)
        away [hciN]     out of range until ...
        back [hciN]     ... it comes back
        state           who advertises, scans, tries to connect and has links is printed
    and what else befalls radios and pens:
        deaf [hciN]     hears no advertisement until ...
        hears [hciN]    ... it does again
        numb [hciN]     deaf until its host switches it off and on
        old [hciN]      a pen of the simplest kind: an ATT MTU of 23, and none of Service Changed,
                        Database Hash and Client Supported Features ...
        modern [hciN]   ... and as bluetoothd makes it again
        unplug [hciN]   its host loses it, its links end
        plug [hciN]     ... and finds it again, with its address, by the first name that is free
    Without a controller's name a line is about all of them; its name is the one it had at first.
"""
import os
import selectors
import socket
import struct
import sys
import time

RSSI, PERIOD, SUPERVISION = -60, 0.1, 2.0
BTVIRT, FIFO = "/tmp/bt-server-le", "/run/radio"

COMMAND, ACL, EVENT = 1, 2, 4
DISCONNECTED, ENCRYPTED, COMPLETE, STATUS, PACKETS_DONE, REFRESHED, LE_META = \
    0x05, 0x08, 0x0E, 0x0F, 0x13, 0x30, 0x3E
CONNECTED, REPORT, UPDATED, FEATURES, KEY_REQUEST, CONNECTED_ENHANCED = 0x01, 0x02, 0x03, 0x04, 0x05, 0x0A
TIMEOUT, NO_SUCH_CONNECTION, USER_ENDED = 0x08, 0x02, 0x13

RESET, READ_ADDRESS, DISCONNECT = 0x0C03, 0x1009, 0x0406
SET_RANDOM, ADV_PARAMS, ADV_DATA, SCAN_RESPONSE, ADV_ENABLE = 0x2005, 0x2006, 0x2008, 0x2009, 0x200A
SCAN_PARAMS, SCAN_ENABLE, CREATE, CREATE_CANCEL, ENCRYPT = 0x200B, 0x200C, 0x200D, 0x200E, 0x2019
FIRST_HANDLE = 42                       # btvirt's; the next link of a controller has 43
ADV_IND, SCAN_RSP, NOT_CONNECTABLE, NOT_SCANNABLE = 0x00, 0x04, (0x02, 0x03), (0x01, 0x03, 0x04)

ATT_CHANNEL, ATT_MTU_MIN = 4, 23
MTU_REQUEST, MTU_RESPONSE, BY_TYPE_RESPONSE = 0x02, 0x03, 0x09
DECLARATION = 7                         # bytes of a characteristic with a 16-bit UUID in that response
# Service Changed, Client Supported Features, Database Hash; and a UUID that nobody knows.
MODERN, UNKNOWN_UUID = (0x2A05, 0x2B29, 0x2B2A), 0x2FFF

UUID128_LIST, SHORT_NAME, COMPLETE_NAME, SERVICE_DATA128 = 0x07, 0x08, 0x09, 0x21
AD_MAX = 31


def ad_structures(data):
    """The (type, content) pairs of advertising data."""
    while data and data[0]:
        yield data[1], data[2:1 + data[0]]
        data = data[1 + data[0]:]


def ad_structure(kind, body):
    return bytes([1 + len(body), kind]) + body


def with_uuid_list(response, advert):
    """The scan response, with the UUIDs of the advert's service data listed.

    They come first; a name for which they leave no room is shortened.
    """
    uuids = b"".join(body[:16] for kind, body in ad_structures(advert) if kind == SERVICE_DATA128)
    listed = any(kind == UUID128_LIST for kind, _ in (*ad_structures(advert), *ad_structures(response)))
    if not uuids or listed:
        return response
    out = ad_structure(UUID128_LIST, uuids)
    for kind, body in ad_structures(response):
        room = AD_MAX - len(out) - 2
        if kind == COMPLETE_NAME and 0 < room < len(body):
            kind, body = SHORT_NAME, body[:room]
        if len(body) <= room:
            out += ad_structure(kind, body)
    return out


def of_old_pen(packet):
    """Data to or from a pen that was made before there was more to GATT than reading and writing."""
    if len(packet) < 12 or struct.unpack_from("<H", packet, 7)[0] != ATT_CHANNEL or packet[2] & 0x10:
        return packet                   # not the beginning of an ATT message
    opcode, data = packet[9], bytearray(packet)
    if opcode in (MTU_REQUEST, MTU_RESPONSE):
        struct.pack_into("<H", data, 10, ATT_MTU_MIN)
    elif opcode == BY_TYPE_RESPONSE and packet[10] == DECLARATION:
        for uuid_at in range(11 + DECLARATION - 2, len(packet) - 1, DECLARATION):
            if struct.unpack_from("<H", packet, uuid_at)[0] in MODERN:
                struct.pack_into("<H", data, uuid_at, UNKNOWN_UUID)
    return bytes(data)


def event(code, body):
    return bytes([EVENT, code, len(body)]) + body


def command_complete(opcode, body=b"\x00"):
    return event(COMPLETE, struct.pack("<BH", 1, opcode) + body)


def command_status(opcode):
    return event(STATUS, struct.pack("<BBH", 0, 1, opcode))


class Controller:
    """One controller: what its host told it, and its links."""

    def __init__(self, air, name):
        self.air, self.name = air, name
        self.public = b""
        self.reset()
        self.away, self.lose_at = False, None
        self.deaf = self.numb = self.old = False
        self.swallow = []               # predicates for events of commands that are ours
        self.buffer = b""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(BTVIRT)
        self.vhci = None
        self.plug()

    def plug(self):
        if self.vhci is not None:
            return
        self.vhci = os.open("/dev/vhci", os.O_RDWR)
        os.write(self.vhci, b"\xff\x00")        # a primary controller, please
        os.read(self.vhci, 16)
        self.air.selector.register(self.vhci, selectors.EVENT_READ, self.from_host)

    def unplug(self):
        if self.vhci is None:
            return
        self.air.selector.unregister(self.vhci)
        os.close(self.vhci)
        self.vhci = None
        self.lose_links()               # the other ends hear of it
        self.reset()
        self.expect(lambda e: e[1] == COMPLETE and e[4:6] == struct.pack("<H", RESET))
        self.to_btvirt(struct.pack("<BHB", COMMAND, RESET, 0))

    def reset(self):
        self.random = self.advert = self.response = b""
        self.adv_kind = self.adv_own = 0
        self.advertising = self.scanning = self.active = False
        self.links = {}                 # handle: controller at the other end
        self.pending = None             # a connection attempt without a partner
        self.creating = None            # one that btvirt was asked for
        self.encrypting = []            # handles of links on which encryption was asked for
        self.held = {}                  # handle: data that must not overtake its encryption event

    def address(self):
        return (self.adv_own & 1, self.random if self.adv_own & 1 else self.public)

    def connectable(self):
        return (self.advertising and not self.away and self.vhci is not None and
                self.adv_kind not in NOT_CONNECTABLE)

    def to_host(self, packet):
        if self.vhci is not None:
            os.write(self.vhci, packet)

    def to_btvirt(self, packet):
        self.sock.sendall(packet)

    # from the host -------------------------------------------------------------

    def from_host(self):
        if self.vhci is None:
            return                      # unplugged in this very round
        packet = os.read(self.vhci, 4096)
        if packet[0] == ACL:
            self.send(packet)
        elif self.command(struct.unpack_from("<H", packet, 1)[0], packet[4:], packet):
            self.to_btvirt(packet)

    def send(self, packet):
        """Data to the other end of a link; the host gets its buffer back even if they are lost."""
        word = struct.unpack_from("<H", packet, 1)[0]
        handle, flags = word & 0x0FFF, word & 0x1000 or 0x2000      # go on, or begin
        peer = self.links.get(handle)
        if peer and (self.old or peer.old):
            packet = of_old_pen(packet)
        if peer and not self.away and not peer.away:
            theirs = next((h for h, p in peer.links.items() if p is self), None)
            if theirs is not None:
                peer.receive(theirs, packet[:1] + struct.pack("<H", theirs | flags) + packet[3:])
        self.to_host(event(PACKETS_DONE, struct.pack("<BHH", 1, handle, 1)))

    def receive(self, handle, packet):
        if handle in self.held:
            self.held[handle].append(packet)
        else:
            self.to_host(packet)

    def hold(self, handle):
        """Encryption begins: at both ends, data wait for the event that says it is on.

        Events come through btvirt and data do not; over the air neither overtakes the other.
        """
        peer = self.links.get(handle)
        self.held.setdefault(handle, [])
        for theirs in [h for h, p in peer.links.items() if p is self] if peer else []:
            peer.held.setdefault(theirs, [])

    def release(self, handle, failed):
        for packet in self.held.pop(handle, []):
            self.to_host(packet)
        peer = self.links.get(handle)
        if failed and peer:             # the other end hears nothing of it
            for theirs in [h for h, p in peer.links.items() if p is self]:
                peer.release(theirs, False)

    def command(self, opcode, args, packet):
        """Note what the host says; false when btvirt is not to hear it."""
        if opcode == RESET:
            self.reset()
            if self.numb:
                self.numb = self.deaf = False
        elif opcode == SET_RANDOM:
            self.random = args[:6]
        elif opcode == ADV_PARAMS:
            self.adv_kind, self.adv_own = args[4], args[5]
        elif opcode == ADV_DATA:
            self.advert = args[1:1 + args[0]]
        elif opcode == SCAN_RESPONSE:
            self.response = args[1:1 + args[0]]
        elif opcode == ADV_ENABLE:
            self.advertising = bool(args[0])
            self.air.try_pending()
        elif opcode == SCAN_PARAMS:
            self.active = bool(args[0])
        elif opcode == SCAN_ENABLE:
            self.scanning = bool(args[0])
        elif opcode == ENCRYPT:
            self.encrypting.append(args[:2])
            self.hold(struct.unpack_from("<H", args)[0])
        elif opcode == CREATE:
            if not self.air.partner(self, packet):
                self.pending = packet
                self.to_host(command_status(CREATE))
                return False
            self.creating = packet
        elif opcode == CREATE_CANCEL and self.pending:
            peer, self.pending = self.pending[9:16], None
            self.to_host(command_complete(CREATE_CANCEL))
            self.to_host(event(LE_META, struct.pack("<BBHB", CONNECTED, NO_SUCH_CONNECTION, 0, 0) + peer + bytes(7)))
            return False
        return True

    def connect_pending(self):
        self.creating, self.pending = self.pending, None
        self.expect(lambda e: e[1] == STATUS and e[5:7] == struct.pack("<H", CREATE))
        self.to_btvirt(self.creating)

    # from btvirt ---------------------------------------------------------------

    def from_btvirt(self):
        data = self.sock.recv(65536)
        if not data:
            sys.exit("radio: btvirt is gone")
        self.buffer += data
        while (size := self.packet_size()) and len(self.buffer) >= size:
            packet, self.buffer = self.buffer[:size], self.buffer[size:]
            self.packet(packet)

    def packet_size(self):
        return 3 + self.buffer[2] if len(self.buffer) > 2 else 0

    def expect(self, predicate):
        self.swallow.append(predicate)

    def packet(self, p):
        """An event, the only thing that btvirt has to say."""
        for predicate in self.swallow:
            if predicate(p):
                self.swallow.remove(predicate)
                return
        code, sub = p[1], p[3] if p[1] == LE_META else None
        if sub == REPORT:
            return                      # the air makes its own
        if sub in (CONNECTED, CONNECTED_ENHANCED) and p[4] == 0:
            p = self.connected(p)
        elif sub in (CONNECTED, CONNECTED_ENHANCED) and self.creating:
            # Another was first, in the same moment.  btvirt gives up and names no peer, so that the kernel does
            # not know the attempt as its own and waits for ever; a controller goes on trying.
            self.pending, self.creating = self.creating, None
            return
        elif sub in (UPDATED, FEATURES):
            p = self.with_own_handle(p, 5)
        elif sub == KEY_REQUEST or code in (ENCRYPTED, REFRESHED):
            p = self.with_own_handle(p, 4)
        elif code == DISCONNECTED and p[3] == 0:
            handle = struct.unpack_from("<H", p, 4)[0]
            self.links.pop(handle, None)
            self.held.pop(handle, None)
        elif code == COMPLETE and p[4:6] == struct.pack("<H", READ_ADDRESS):
            self.public = p[7:13]
        self.to_host(p)
        if code in (ENCRYPTED, REFRESHED):
            self.release(struct.unpack_from("<H", p, 4)[0], p[3] != 0)

    def connected(self, p):
        """btvirt tells the peripheral the central's handle; tell it its own."""
        handle = struct.unpack_from("<H", p, 5)[0]
        if p[7] == 1:
            self.advertising = False
            handle = FIRST_HANDLE
            while handle in self.links:
                handle += 1
        else:
            self.creating = None
        self.links[handle] = self.air.find(p[8] & 1, p[9:15])
        return p[:5] + struct.pack("<H", handle) + p[7:]

    def with_own_handle(self, p, offset):
        """The handle in this event may be the other end's."""
        if p[1] in (ENCRYPTED, REFRESHED) and self.encrypting:
            return p[:offset] + self.encrypting.pop(0) + p[offset + 2:]
        if len(self.links) == 1:
            return p[:offset] + struct.pack("<H", *self.links) + p[offset + 2:]
        return p

    # the air -------------------------------------------------------------------

    def report(self, kind, other, data):
        own, address = other.address()
        self.to_host(event(LE_META, bytes([REPORT, 1, kind, own]) + address + bytes([len(data)]) + data
                           + struct.pack("b", RSSI)))

    def hear(self, other):
        self.report(other.adv_kind if other.adv_kind != 4 else 1, other, other.advert)
        if self.active and other.adv_kind not in NOT_SCANNABLE:
            self.report(SCAN_RSP, other, with_uuid_list(other.response, other.advert))

    def lose_links(self):
        """End all links the way silence does: at both ends, by timeout."""
        for handle, peer in list(self.links.items()):
            self.end(handle)
            self.expect(lambda e: e[1] == STATUS and e[5:7] == struct.pack("<H", DISCONNECT))
            self.to_btvirt(struct.pack("<BHBHB", COMMAND, DISCONNECT, 3, handle, USER_ENDED))
            for other in [h for h, p in peer.links.items() if p is self] if peer else []:
                peer.end(other)

    def end(self, handle):
        del self.links[handle]
        self.held.pop(handle, None)
        done = struct.pack("<BH", 0, handle)
        self.expect(lambda e: e[1] == DISCONNECTED and e[3:6] == done)
        self.to_host(event(DISCONNECTED, done + bytes([TIMEOUT])))


class Air:
    def __init__(self, number):
        self.selector = selectors.DefaultSelector()
        self.controllers = []
        for n in range(number):
            c = Controller(self, "hci%d" % n)
            self.controllers.append(c)
            self.selector.register(c.sock, selectors.EVENT_READ, c.from_btvirt)
        os.mkfifo(FIFO)
        self.fifo = os.open(FIFO, os.O_RDWR | os.O_NONBLOCK)
        self.selector.register(self.fifo, selectors.EVENT_READ, self.orders)

    def find(self, kind, address):
        for c in self.controllers:
            if address == (c.random if kind else c.public):
                return c
        return None

    def partner(self, central, create):
        """The controller that a create-connection command reaches now, or None."""
        peer = self.find(create[9] & 1, create[10:16])
        return peer if peer and peer.connectable() and not central.away else None

    def try_pending(self):
        for c in self.controllers:
            if c.pending and self.partner(c, c.pending):
                c.connect_pending()

    def orders(self):
        for line in os.read(self.fifo, 4096).decode().splitlines():
            what, *names = line.split() or [""]
            for c in self.controllers:
                if not names or c.name in names:
                    self.order(c, what)

    def order(self, c, what):
        if what in ("loss", "away"):
            c.away = True
            c.lose_at = time.monotonic() + SUPERVISION
            c.back_after = what == "loss"
        elif what == "back":
            c.away, c.lose_at = False, None
            self.try_pending()
        elif what == "state":
            print("radio: %s: %s; links %s" % (c.name, ", ".join(
                word for word, so in (("advertising", c.advertising), ("scanning", c.scanning), ("away", c.away),
                                      ("connecting", c.pending)) if so) or "silent",
                {handle: peer.name if peer else None for handle, peer in c.links.items()}), flush=True)
        elif what in ("deaf", "numb", "hears"):
            c.deaf, c.numb = what != "hears", what == "numb"
        elif what in ("old", "modern"):
            c.old = what == "old"
        elif what == "unplug":
            c.unplug()
        elif what == "plug":
            c.plug()
        else:
            print("radio: no such order:", what, flush=True)

    def pass_time(self, now):
        for c in self.controllers:
            if c.lose_at and now >= c.lose_at:
                c.lose_links()
                c.lose_at = None
                if c.back_after:
                    c.away = False
        self.try_pending()

    def advertise(self):
        for c in self.controllers:
            if c.scanning and not c.away and not c.deaf:
                for other in self.controllers:
                    if other is not c and other.advertising and not other.away:
                        c.hear(other)

    def wait(self, next_report):
        """Seconds until there is something to do, or None."""
        due = [c.lose_at for c in self.controllers if c.lose_at]
        if any(c.scanning and not c.deaf for c in self.controllers) and any(c.advertising for c in self.controllers):
            due.append(next_report)
        return max(0.0, min(due) - time.monotonic()) if due else None

    def run(self):
        next_report = 0.0
        while True:
            now = time.monotonic()
            self.pass_time(now)
            if now >= next_report:
                next_report = now + PERIOD
                self.advertise()
            for key, _ in self.selector.select(self.wait(next_report)):
                key.data()


if __name__ == "__main__":
    Air(int(sys.argv[1])).run()
