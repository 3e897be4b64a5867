"""Drives con with Python's own client and its defaults: from a Confile to a running container and its usage.

Usage: journey.py URL, with user and token in it. Prints what it read as JSON.
"""
import json
import sys
import time
import xmlrpc.client

con = xmlrpc.client.ServerProxy(sys.argv[1])
template = {"name": "python", "version": "1"}


def until(state, read):
    for _ in range(600):
        found = read()
        if found["state"] == state:
            return found
        if found["state"] == "failed":
            sys.exit("failed: " + found.get("reason", "?"))
        time.sleep(0.05)
    sys.exit("it never became " + state)


def container():
    return con.containers.get({"id": "by-python"})["container"]


try:
    con.containers.get({"id": "none"})
    sys.exit("a container that is none was found")
except xmlrpc.client.Fault as fault:
    missing = [fault.faultCode, fault.faultString]

con.templates.build({**template, "confile": "FROM debian:bookworm\nRUN true\nEXPOSE 80\n"})
until("ready", lambda: con.templates.get(template)["template"])
limits = {"memoryBytes": str(3 * 1024**3), "cpuMillis": 500, "pids": 100}
con.containers.create({"id": "by-python", "name": "by-python", "owner": "p", "template": template, "limits": limits})
until("stopped", container)
con.containers.start({"id": "by-python"})
running = until("running", container)

print(json.dumps({
    "missing": missing,
    "running": running,
    "usage": con.usage.read({"cut": True}),
    "methods": con.system.listMethods(),
    "help": con.system.methodHelp("containers.start"),
    "info": con.host.info(),
}))
