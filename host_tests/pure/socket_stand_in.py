"""What stands in the place of the module socket, and of the one socket that it makes."""


class SocketStandIn:
    """A subclass says what becomes of what is sent."""

    AF_INET = SOCK_DGRAM = SOL_SOCKET = SO_REUSEADDR = 0

    def socket(self, *_):
        return self

    def getaddrinfo(self, host, port):
        return (((host, port),),)

    def setblocking(self, _):
        pass
