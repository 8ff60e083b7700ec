# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""A pen over org.bluez alone, without the daemon and without the library: what WIRE.md says, byte by byte.

The same in the fake world and in the lab; there what the stack hides is looked at, too, over a bare socket.
"""
import os
import struct
import sys
import unittest

import dbus
import dbus.bus
import dbus.mainloop.glib
import dbus.service
from gi.repository import GLib

from world import Timeout, World

LAB = os.environ.get("STIPPLE_WORLD") == "lab"
if LAB:
    sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lab"))
    import att

(FEATURES, LOG_CONTROL, LOG_DATA, LIVE, EVENT, PEN_CONTROL, CARTRIDGE, CONFIGURATION, DIAGNOSTICS) = (
    "0910%04x-bb54-4852-bc64-5a6d759c3f7d" % n for n in range(1, 10))
ELAPSED_TIME = "00002bf2-0000-1000-8000-00805f9b34fb"
HELLO, GET_STATE, ACK, ERASE_PREPARE, ERASE, SLOTS = 0x10, 0x11, 0x17, 0x18, 0x19, 0x1A
SELF_TEST_PREPARE, SELF_TEST_RUN, CONFIG_GET, CONFIG_SET = 0x21, 0x22, 0x24, 0x23
SUCCESS, NO_RECORDS, NOT_CONFIRMED, NOT_ACKNOWLEDGED = 1, 6, 0x49, 0x48
COLLECTOR = b"over-dbus"[:8]
PROPERTIES = "org.freedesktop.DBus.Properties"
CHARACTERISTIC = "org.bluez.GattCharacteristic1"

dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)


def options(**values):
    return dbus.Dictionary({key: dbus.String(value, variant_level=1) for key, value in values.items()},
                           signature="sv")


class Agent(dbus.service.Object):
    """A person who reads the code off the pen."""

    def __init__(self, bus, pens):
        super().__init__(bus, "/test/agent")
        self.pens = pens

    @dbus.service.method("org.bluez.Agent1", in_signature="o", out_signature="u")
    def RequestPasskey(self, device):
        shown = self.pens.wait_event(lambda e: isinstance(e, dict) and e.get("event") == "passkey")
        return dbus.UInt32(int(shown["passkey"]))

    @dbus.service.method("org.bluez.Agent1")
    def Cancel(self):
        pass


class Advertisement(dbus.service.Object):
    def __init__(self, bus, path, discoverable):
        super().__init__(bus, path)
        self.discoverable = discoverable

    @dbus.service.method(PROPERTIES, in_signature="s", out_signature="a{sv}")
    def GetAll(self, interface):
        return {"Type": dbus.String("peripheral"), "ServiceUUIDs": dbus.Array([FEATURES], signature="s"),
                "Discoverable": dbus.Boolean(self.discoverable)}

    @dbus.service.method("org.bluez.LEAdvertisement1")
    def Release(self):
        pass


class Central:
    """A host that is nothing but calls of org.bluez."""

    def __init__(self, world, pens, pen):
        self.bus = dbus.bus.BusConnection(world.env.get("DBUS_SYSTEM_BUS_ADDRESS",
                                                        "unix:path=/run/dbus/system_bus_socket"))
        self.pens, self.token, self.heard = pens, 0, {}
        self.path = "/org/bluez/hci0/dev_" + pen["address"].replace(":", "_")
        self.adapter = self.object("/org/bluez/hci0", "org.bluez.Adapter1")
        self.device = self.object(self.path, "org.bluez.Device1")
        self.bus.add_signal_receiver(self.changed, "PropertiesChanged", PROPERTIES, path_keyword="path")

    def object(self, path, interface):
        return dbus.Interface(self.bus.get_object("org.bluez", path, introspect=False), interface)

    def changed(self, interface, properties, gone, path=None):
        if interface == CHARACTERISTIC and "Value" in properties:
            self.heard.setdefault(path, []).append(bytes(properties["Value"]))

    def wait(self, what, text, seconds=40):
        """Until what() gives something; every event and every tenth of a second is a reason to look."""
        context, over = GLib.MainContext.default(), []
        ticks = GLib.timeout_add(100, lambda: True)
        limit = GLib.timeout_add_seconds(seconds, lambda: over.append(True) or False)
        try:
            while True:
                found = what()
                if found:
                    return found
                if over:
                    raise Timeout("%s: not within %d s" % (text, seconds))
                context.iteration(True)
        finally:
            GLib.source_remove(ticks)
            if not over:
                GLib.source_remove(limit)

    def property(self, name):
        return self.object(self.path, PROPERTIES).Get("org.bluez.Device1", name)

    def objects(self):
        return self.object("/", "org.freedesktop.DBus.ObjectManager").GetManagedObjects()

    def address(self):
        return str(self.object("/org/bluez/hci0", PROPERTIES).Get("org.bluez.Adapter1", "Address"))

    def discover(self):
        self.object("/org/bluez/hci0", PROPERTIES).Set("org.bluez.Adapter1", "Powered",
                                                             dbus.Boolean(True, variant_level=1))
        self.adapter.SetDiscoveryFilter(options(Transport="le"))
        self.adapter.StartDiscovery()
        self.wait(lambda: self.path in self.objects(), "the pen is seen")
        self.adapter.StopDiscovery()

    def pair(self):
        """Pair() is not always answered; the bond is what counts."""
        self.agent = Agent(self.bus, self.pens)
        manager = self.object("/org/bluez", "org.bluez.AgentManager1")
        manager.RegisterAgent(dbus.ObjectPath("/test/agent"), "KeyboardDisplay")
        failed = []
        self.device.Connect(timeout=60)
        self.wait(lambda: self.property("ServicesResolved"), "the services are known")
        self.device.Pair(reply_handler=lambda: None, error_handler=failed.append, timeout=60)
        self.wait(lambda: failed or self.property("Bonded"), "the bond")
        if failed:
            raise failed[0]

    def characteristic(self, uuid):
        def find():
            for path, interfaces in self.objects().items():
                if path.startswith(self.path) and interfaces.get(CHARACTERISTIC, {}).get("UUID") == uuid:
                    return path
            return None
        return self.wait(find, uuid)

    def read(self, uuid):
        path = self.characteristic(uuid)
        return bytes(self.object(path, CHARACTERISTIC).ReadValue(options(), byte_arrays=True))

    def write(self, uuid, value):
        path = self.characteristic(uuid)
        self.object(path, CHARACTERISTIC).WriteValue(dbus.ByteArray(value), options(type="request"))

    def subscribe(self, uuid):
        self.object(self.characteristic(uuid), CHARACTERISTIC).StartNotify()

    def hear(self, uuid, wanted=lambda value: True):
        path = self.characteristic(uuid)

        def next_value():
            values = self.heard.get(path, [])
            while values:
                value = values.pop(0)
                if wanted(value):
                    return value
            return None
        return self.wait(next_value, "a value of " + uuid)

    def ask(self, uuid, op, fields=b""):
        """Status and the rest of the answer."""
        self.token = self.token % 15 + 1
        self.write(uuid, bytes([op, self.token]) + fields)
        answer = self.hear(uuid, lambda value: value[:2] == bytes([op | 0x80, self.token]))
        return answer[2], answer[3:]


def whole_configuration(value):
    """Its settings by tag, and the revision."""
    settings, at = {}, 2
    while at < len(value):
        settings[value[at]] = value[at + 2:at + 2 + value[at + 1]]
        at += 2 + value[at + 1]
    assert at == len(value)
    return settings, struct.unpack_from("<H", value)[0]


class Pen(unittest.TestCase):
    def look_at_values(self, read):
        """The long values, by whatever way."""
        cartridge = read(CARTRIDGE)
        self.assertGreater(len(cartridge), 22)
        self.assertEqual(cartridge[0], 1)
        uid = cartridge[8]
        self.assertEqual(len(cartridge), 9 + uid + 1 + cartridge[9 + uid])
        configuration = read(CONFIGURATION)
        self.assertGreater(len(configuration), 22)
        self.assertIn(1, whole_configuration(configuration)[0])
        diagnostics = read(DIAGNOSTICS)
        self.assertGreater(len(diagnostics), 22)
        self.assertEqual(diagnostics[0], 1)
        self.assertEqual(len(diagnostics), 2 + 5 * diagnostics[1])
        return cartridge, configuration, diagnostics

    def self_test(self, central):
        central.subscribe(EVENT)
        status, nonce = central.ask(PEN_CONTROL, SELF_TEST_PREPARE)
        self.assertEqual(status, SUCCESS)
        self.assertEqual(central.ask(PEN_CONTROL, SELF_TEST_RUN, nonce)[0], NOT_CONFIRMED)
        central.pens.wait_event(lambda e: isinstance(e, dict) and e.get("event") == "button")
        self.assertEqual(central.ask(PEN_CONTROL, SELF_TEST_RUN, nonce)[0], SUCCESS)
        event = central.hear(EVENT)
        self.assertEqual(len(event), 20)
        self.assertEqual(struct.unpack_from("<HI", event, 12), (20, 0))

    def erase(self, central):
        central.subscribe(LOG_CONTROL)
        self.assertEqual(central.ask(LOG_CONTROL, SLOTS, b"\x00")[0], NO_RECORDS)
        self.assertEqual(central.ask(LOG_CONTROL, HELLO, COLLECTOR)[0], SUCCESS)
        status, slot = central.ask(LOG_CONTROL, SLOTS, b"\x00")
        self.assertEqual((status, slot[:4]), (SUCCESS, COLLECTOR[:4]))
        epoch, oldest, newest = struct.unpack_from("<III", central.ask(LOG_CONTROL, GET_STATE)[1])
        self.assertEqual(oldest, 1)
        up_to = struct.pack("<II", epoch, newest)
        self.assertEqual(central.ask(LOG_CONTROL, ERASE_PREPARE, up_to)[0], NOT_ACKNOWLEDGED)
        self.assertEqual(central.ask(LOG_CONTROL, ACK, struct.pack("<BIII", 0, epoch, 1, newest))[0], SUCCESS)
        status, nonce = central.ask(LOG_CONTROL, ERASE_PREPARE, up_to)
        self.assertEqual(status, SUCCESS)
        while True:     # ends with the preparation at the latest: stale is neither
            status = central.ask(LOG_CONTROL, ERASE, up_to + nonce)[0]
            if status != NOT_CONFIRMED:
                break
        self.assertEqual(status, SUCCESS)
        central.pens.wait_event(lambda e: isinstance(e, dict) and e.get("event") == "erased" and
                                e.get("up-to") == newest)
        after = struct.unpack_from("<III", central.ask(LOG_CONTROL, GET_STATE)[1])
        self.assertEqual(after, (epoch, newest + 1, newest))

    def stranger(self, central, pen):
        """What BlueZ answers when nothing is encrypted; it asks for encryption where the table asks for it."""
        link = att.Att(central.address(), pen["address"])
        link.explore()
        self.assertEqual(len(link.read(FEATURES)), 20)
        for uuid in (CONFIGURATION, DIAGNOSTICS, ELAPSED_TIME):
            self.refused(0x05, link.read, uuid)
        self.refused(0x0F, link.read, CARTRIDGE)
        for uuid in (LOG_CONTROL, PEN_CONTROL):
            self.refused(0x05, link.write, link.handles[uuid], bytes([GET_STATE, 1]))
            self.refused(0x05, link.subscribe, uuid, True)
        self.refused(0x05, link.subscribe, LOG_DATA, False)
        self.refused(0x05, link.subscribe, CONFIGURATION, True)
        self.refused(0x0F, link.subscribe, LIVE, False)
        self.refused(0x0F, link.subscribe, EVENT, True)
        self.refused(0x0F, link.subscribe, CARTRIDGE, True)
        link.close()

    def refused(self, code, call, *args):
        with self.assertRaises(att.AttError) as caught:
            call(*args)
        self.assertEqual(caught.exception.code, code, args)

    def narrow(self, central, pen, values):
        """All of it at an MTU of 23, with the bond that bluetoothd made."""
        link = att.Att(central.address(), pen["address"], att.SECURITY_HIGH)
        link.explore()
        for uuid, value in zip((CARTRIDGE, CONFIGURATION, DIAGNOSTICS), values):
            read, requests = link.read_long(uuid)
            self.assertEqual(read, value)
            self.assertEqual(requests, len(value) // 22 + 1)
        link.subscribe(LIVE, False)
        # As "multiple handle value notification", which bluetoothd 5.66 takes for this, there is room for 18 bytes.
        self.assertIn(len(link.wait_value(link.handles[LIVE])), (18, 20))
        link.subscribe(PEN_CONTROL, True)
        link.write(link.handles[PEN_CONTROL], bytes([CONFIG_GET, 1, 1]))
        answer = link.wait_value(link.handles[PEN_CONTROL])
        settings, revision = whole_configuration(values[1])
        self.assertEqual(answer, bytes([CONFIG_GET | 0x80, 1, SUCCESS]) + struct.pack("<H", revision) + settings[1])
        link.close()

    def test_everything_a_pen_has(self):
        with World(adapters=2) as world:
            pens = world.start_pens(1, "--sessions", "1", "--samples", "100", "--attended")
            pen = world.pens_of(pens)[0]
            central = Central(world, pens, pen)
            if LAB:
                self.stranger(central, pen)
                pens.wait_event(lambda e: isinstance(e, dict) and e.get("event") == "disconnected")
            central.discover()
            central.pair()
            values = self.look_at_values(central.read)
            central.subscribe(LIVE)
            self.assertEqual(len(central.hear(LIVE)), 20)
            central.subscribe(PEN_CONTROL)
            self.self_test(central)
            self.erase(central)
            said = len(pens.drain())
            central.device.Disconnect()
            pens.wait_event(lambda e: isinstance(e, dict) and e.get("event") == "disconnected", since=said)
            central.wait(lambda: not central.property("Connected"), "the end of the link")
            if LAB:
                self.narrow(central, pen, values)

    @unittest.skipUnless(LAB, "the real stack alone knows")
    def test_without_a_filter_only_the_discoverable_are_seen(self):
        # Not hci1, whose bond would make it known.
        with World(adapters=4) as world:
            central = Central(world, None, {"address": "00:00:00:00:00:00"})
            adverts, devices = [], []
            for name, discoverable in (("hci2", False), ("hci3", True)):
                path = "/org/bluez/" + name
                advert = Advertisement(central.bus, "/test/" + name, discoverable)
                adverts.append(advert)
                central.object(path, PROPERTIES).Set("org.bluez.Adapter1", "Powered",
                                                     dbus.Boolean(True, variant_level=1))
                done = []
                central.object(path, "org.bluez.LEAdvertisingManager1").RegisterAdvertisement(
                    dbus.ObjectPath("/test/" + name), options(), reply_handler=lambda: done.append(None),
                    error_handler=done.append)
                central.wait(lambda: done, "the advertisement of " + name)
                self.assertEqual(done, [None])
                address = str(central.object(path, PROPERTIES).Get("org.bluez.Adapter1", "Address"))
                devices.append("/org/bluez/hci0/dev_" + address.replace(":", "_"))
            self.look_for(central, options(Transport="le"), devices)
            for device in devices:
                central.adapter.RemoveDevice(dbus.ObjectPath(device))
            # Three scans without a filter, each until one of the two is found: the other never is.
            for _ in range(3):
                self.look_for(central, options(), devices[1:])
                self.assertFalse(devices[0] in central.objects(), "seen without being discoverable")
                central.adapter.RemoveDevice(dbus.ObjectPath(devices[1]))

    def look_for(self, central, discovery_filter, devices):
        central.adapter.SetDiscoveryFilter(discovery_filter)
        central.adapter.StartDiscovery()
        central.wait(lambda: all(device in central.objects() for device in devices), "a device")
        central.adapter.StopDiscovery()


if __name__ == "__main__":
    unittest.main()
