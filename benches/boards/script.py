"""What a course builds: serial lines to MQTT and back, and a rule."""

import sys
import threading

import paho.mqtt.client as mqtt
import serial

port = int(sys.argv[1])
lines = {f"b{number}": serial.Serial(path, 115200) for number, path in enumerate(sys.argv[2:])}


def connected(make):
    try:
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    except AttributeError:
        client = mqtt.Client()
    client.on_message = make
    client.connect("127.0.0.1", port)
    client.loop_start()
    return client


def to_board(client, data, message):
    _, board, thing, _ = message.topic.split("/")
    lines[board].write(f"{thing} {message.payload.decode()}\n".encode())


last = {}


def rule(client, data, message):
    board = message.topic.split("/")[1]
    to = "on" if float(message.payload) > 50 else "off"
    if last.get(board) != to:
        last[board] = to
        client.publish(f"home/{board}/pump/set", to)


bridge = connected(to_board)
bridge.subscribe("home/+/+/set")
rules = connected(rule)
rules.subscribe("home/+/level")


def from_board(board, line):
    while True:
        name, value = line.readline().decode().strip().split(":")
        bridge.publish(f"home/{board}/{name}", value, retain=True)


threads = [threading.Thread(target=from_board, args=one) for one in lines.items()]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
