#!/bin/sh
# Records meetings.pcapng and its evidence: the four meetings of client and server families on loopback, live, in a
# network namespace of their own. As root, from the top of the repo: sh captures/record.sh
set -eu
here=$(dirname "$0")
correlator=$(command -v "${CORRELATOR:-.venv/bin/correlator}")
exec unshare --net sh -eu -c '
ip link set lo up
"$1" live -i lo -w "$2/meetings" --force --quiet --all-packets --count 4 --duration 20 &
sleep 2
python3 - <<PYTHON
import socket, time

def meet(server_family, bind_to, client_family, connect_to, port):
    server = socket.socket(server_family)
    if server_family == socket.AF_INET6:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    server.bind((bind_to, port))
    server.listen()
    client = socket.socket(client_family)
    client.connect((connect_to, port))
    accepted, _ = server.accept()
    client.sendall(b"hello")
    accepted.recv(5)
    return server, client, accepted

four, six = socket.AF_INET, socket.AF_INET6
met = [
    meet(four, "127.0.0.1", four, "127.0.0.1", 7001),
    meet(six, "::", four, "127.0.0.1", 7002),
    meet(four, "127.0.0.1", six, "::ffff:127.0.0.1", 7003),
]
time.sleep(0.5)
for _server, client, _accepted in met:
    client.close()
for _server, _client, accepted in met:
    accepted.close()
last = meet(six, "::", six, "::1", 7004)
time.sleep(1)
PYTHON
wait
rm -f "$2/meetings.csv" "$2/meetings.jsonl" "$2/meetings.txt"
chmod 644 "$2"/meetings.*
' record "$correlator" "$here"
