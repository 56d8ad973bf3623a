"""The status page: what the box does and why, for people in the house; it reads and changes nothing.

    server.py     who may ask and how often: connections, password, answers
    request.py    the head of an HTTP request, bounded whatever a peer sends
    status.py     what is told, piece by piece
    page.html     the page; an image carries it compressed, it goes from flash to the socket
"""
