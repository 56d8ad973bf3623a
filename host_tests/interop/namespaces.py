"""Several hosts on one machine: network namespaces joined by a bridge, alive as long as the process that holds them.

    with Network(("dev", "ctl")) as network:
        subprocess.Popen(network.command("dev", ["some", "program"]))      # its address: network.address("dev")

Works as root, or without privileges where the kernel allows user namespaces; else `Network` raises `Unavailable`.
Everything (interfaces, namespaces, the mount under /run) is private to the holder and is gone with it.
`python3 namespaces.py` says whether this machine can.
"""

import os
import subprocess

_SUBNET = "10.63.80."

_SET_UP = """
set -e
mount -t tmpfs none /run
ip netns add sw
ip -n sw link add br0 type bridge mcast_snooping 0
ip -n sw link set br0 up
i=1
for n in $HOSTS; do
  ip netns add $n
  ip link add v-$n netns sw type veth peer name eth0 netns $n
  ip -n sw link set v-$n master br0 up
  ip -n $n link set lo up
  ip -n $n link set eth0 up
  ip -n $n addr add ${SUBNET}$i/24 dev eth0
  ip -n $n route add 224.0.0.0/4 dev eth0
  i=$((i+1))
done
echo ready
exec cat
"""


class Unavailable(Exception):
    """This machine cannot make network namespaces; the text says why."""


def _environment(**more):
    return dict(os.environ, PATH=os.environ.get("PATH", "") + ":/usr/sbin:/sbin", **more)


class Network:
    """Hosts by name, at most 7 letters each, that hear each other's unicast and multicast. A context manager."""

    def __init__(self, hosts):
        self._hosts = tuple(hosts)
        environment = _environment(HOSTS=" ".join(hosts), SUBNET=_SUBNET)
        why = []
        for flags, enter in self._ways():
            try:
                holder = subprocess.Popen(["unshare"] + flags + ["sh", "-c", _SET_UP], env=environment,
                                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                          universal_newlines=True)
            except OSError as error:
                raise Unavailable(str(error))
            if holder.stdout.readline() == "ready\n":
                self._holder = holder
                self._enter = ["nsenter", "-t", str(holder.pid)] + enter
                return
            why.append(holder.communicate()[1].strip())
        raise Unavailable("; ".join(why))

    @staticmethod
    def _ways():
        # Which flags unshare needs, and those with which nsenter gets to the same place.
        mapped = (["-rnm"], ["-U", "-m", "-n", "--preserve-credentials"])
        return ((["-nm"], ["-m", "-n"]), mapped) if os.geteuid() == 0 else (mapped,)

    def address(self, host):
        """The IPv4 address of `host`."""
        return _SUBNET + str(self._hosts.index(host) + 1)

    def command(self, host, command):
        """`command`, a list, as it has to be started to run on `host`."""
        return self._enter + ["nsenter", "--net=/run/netns/" + host] + command

    def link(self, host, up):
        """Pull the network cable of `host`, or plug it in again (its routes included)."""
        steps = [["link", "set", "eth0", "up" if up else "down"]]
        if up:
            steps.append(["route", "replace", "224.0.0.0/4", "dev", "eth0"])
        for step in steps:
            subprocess.run(self.command(host, ["ip"] + step), check=True, env=_environment())

    def close(self):
        """Let go of the namespaces; what still runs in them loses its network only when it ends."""
        self._holder.stdin.close()
        self._holder.wait()
        self._holder.stdout.close()
        self._holder.stderr.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


if __name__ == "__main__":
    with Network(("a", "b")) as _network:
        subprocess.run(_network.command("a", ["ip", "addr"]), check=True)
