"""Gives public names of a linked image words that every MicroPython carries in ROM anyway.

On the device a name costs about six bytes and its letters, however often it is used: hundreds of names are thousands
of bytes. MicroPython's own words (`isspace`, `log10`, `EPERM` ...) cost nothing. In a linked image nobody outside sees
our names, so that each public one (`Source`, `set_w`, `limit_ma`) may become such a word, the same one everywhere.

A name stays what it is

* when it is MicroPython's too, or of a library: `read` of our object may be `read` of a file somewhere (FOREIGN);
* when a file that imports hardware (a board's drivers) uses it, unless the board interface defines it;
* when it occurs as a word in a string: settings, readings, `getattr`; `"op_"` keeps all that begins so;
* when it names a module, or is an attribute of a class in OPEN, whose attributes outsiders name.

`shorten.py` does the rest: parameters, and private names, which get some of these words in every module anew. The
source stays as it is; `names.json` in the image tells which word is which name, for reading a device's traceback.
"""

import array
import ast
import asyncio
import binascii
import builtins
import collections
import errno
import gc
import hashlib
import io
import json
import os
import random
import re
import select
import socket
import ssl
import struct
import sys
import time

import cold

# Of classes that are filled in by name from outside: a simulator's or a person's.
OPEN = ("Ratings",)
PRIVATE = 64  # words kept for private names
HARDWARE = ("machine", "network", "esp32", "neopixel")
INTERFACE = "wallbox.board"

_LIBRARIES = (array, asyncio, asyncio.StreamReader, asyncio.StreamWriter, asyncio.Task, asyncio.Event, asyncio.Lock,
              array.array, binascii, builtins, collections, collections.deque, errno, gc, hashlib, hashlib.sha256(),
              io, io.FileIO, io.BytesIO, io.StringIO, json, os, os.stat_result, random, re, re.compile(""),
              re.match("", ""), select, select.poll(),
              socket, socket.socket, ssl, ssl.SSLContext, ssl.SSLSocket, struct, sys, time,
              str, bytes, bytearray, memoryview, int, list, tuple, dict, set, range, slice, BaseException, OSError,
              (lambda: (yield))())
_MICROPYTHON = """
    cb_soft const const_ heap_lock heap_unlock heap_locked kbd_intr mem_alloc mem_current mem_free mem_info
    mem_peak mem_total micropython native opt_level qstr_info ringio RingIO schedule stack_use threshold
    viper asm_thumb asm_xtensa core stream funcs event lock _io_queue queue_read queue_write cur_task
    get_event_loop new_event_loop run_until_complete call_exception_handler default_exception_handler
    set_exception_handler current_task sleep_ms wait_for_ms ThreadSafeFlag StreamReader StreamWriter aclose
    awrite awritestr open_connection start_server wait_closed get_extra_info ipoll modify register
    unregister poll readinto readline readlines readexactly drain write close ticks_add ticks_cpu ticks_diff
    ticks_ms ticks_us sleep_us time_ns gmtime localtime mktime print_exception exc_info implementation
    platform version version_info modules path argv maxsize settrace sockaddr makefile setsockopt sendto
    recvfrom accept listen bind connect getaddrinfo getpeercert cipher set_ciphers get_ciphers
    load_cert_chain load_verify_locations verify_mode verify_callback wrap_socket server_side
    server_hostname do_handshake_on_connect ilistdir statvfs umount mount sync urandom dupterm ptr ptr8
    ptr16 ptr32 unhexlify hexlify method raw push put fill SHORT host addressof bytearray_at bytes_at sizeof
    calcsize DeflateIO install crc32 decompress digest hexdigest update aes encrypt decrypt
""".split()
FOREIGN = frozenset(_MICROPYTHON).union(*(dir(each) for each in _LIBRARIES))

# In ROM of every MicroPython with the extra features: where one is missing it costs what any name does.
WORDS = """
    acos acosh asin asinh atan atan2 atanh ceil copysign cosh degrees erf erfc expm1 fabs floor fmod frexp
    gamma isfinite isinf isnan ldexp lgamma log10 log2 modf radians sinh tanh trunc sin cos tan exp sqrt pow
    pi isalpha isdigit islower isspace isupper rpartition partition rsplit rindex rfind splitlines center
    lstrip rstrip intersection intersection_update difference difference_update isdisjoint issubset issuperset
    symmetric_difference symmetric_difference_update union fromkeys setdefault popitem discard from_bytes
    heapify heappop heappush namedtuple OrderedDict getrandbits randint uniform choice seed mem8 mem16 mem32
    mem_current mem_peak mem_total qstr_info opt_level stack_use kbd_intr framebuf fill_rect hline vline pixel
    scroll MONO_HLSB MONO_HMSB MONO_VLSB GS2_HMSB GS4_HMSB GS8 RGB565 FrameBuffer1 BFINT16 BFINT32 BFINT8
    BFUINT16 BFUINT32 BFUINT8 BF_LEN BF_POS BIG_ENDIAN LITTLE_ENDIAN NATIVE FLOAT32 FLOAT64 INT16 INT32 INT64
    INT8 UINT16 UINT32 UINT64 UINT8 VOID PTR ARRAY EACCES EADDRINUSE EAGAIN EALREADY EBADF ECONNABORTED
    ECONNREFUSED ECONNRESET EEXIST EHOSTUNREACH EINPROGRESS EINVAL EIO EISDIR ENOBUFS ENODEV ENOENT ENOMEM
    ENOTCONN EOPNOTSUPP EPERM ETIMEDOUT TextIOWrapper StringIO DeflateIO ZLIB GZIP a2b_base64 b2a_base64
    gmtime localtime mktime time_ns ticks_cpu ticks_add sleep_us utime ps1 ps2 byteorder version_info maxsize
    implementation AF_INET6 SOCK_RAW POLLERR ArithmeticError AssertionError AttributeError EOFError
    GeneratorExit ImportError IndentationError IndexError LookupError NameError NotImplementedError
    OverflowError StopAsyncIteration StopIteration SyntaxError UnicodeError ViperTypeError ZeroDivisionError
    BaseException Ellipsis NotImplemented NoneType FileIO IOQueue SingletonGenerator TaskQueue Loop Server
    LONG LONGLONG ULONG ULONGLONG USHORT UINT INT MBEDTLS_VERSION PROTOCOL_DTLS_CLIENT PROTOCOL_DTLS_SERVER
    PROTOCOL_TLS_CLIENT MVLSB POLLHUP POLLIN POLLOUT PinBase Signal VfsFat VfsLfs1 VfsLfs2 VfsRom
    allocate_lock appendleft popleft blit ellipse poly bound_method closure classmethod compile complex
    dict_view enumerate frozenset globals locals execfile factorial isclose get_ident ph_key pend_throw
    progsize lookahead readblocks writeblocks mkfs staticmethod start_new_thread stack_size soft_reset
    time_pulse_us unsetenv putenv usys uname polar real imag tau wait_io_event randrange bytecode
    Authorization Connection DELETE GET HEAD Host LockType PATCH POST PUT Response Stream abs_tol backlog
    binascii buffering builtins chunked cmath collections content coro cryptolib deflate delete deleter dest
    doc exc exc_type future generator get_exception_handler getter hashes hashlib heapq idx ioctl iterable
    iterator json keepends latest main_task mpy newline out_buf package_json_url parse_headers peek peername
    poller post readsize rel_tol req requesting requests return_exceptions run_forever runq_len separators
    setter short_hash ssl status_code stream_awrite struct sz tb uctypes uint urls waiter waiting waitq_len
    websocket CancelledError IOBase KeyError KeyboardInterrupt MSG_DONTROUTE MSG_DONTWAIT RingIO RuntimeError
    SO_ERROR SO_KEEPALIVE SO_LINGER SSLSocket StreamReader StreamWriter SystemExit ThreadSafeFlag aclose
    acquire addressof args argv awritestr call_exception_handler callable chdir clear cur_task current_task
    decrypt default_exception_handler delattr deque digest disable do_handshake_on_connect dumps enable
    encrypt errorcode exec executable fileno fill flags format fromhex funcs gather get_ciphers get_event_loop
    get_extra_info getcwd getenv getvalue group heap_lock heap_unlock help ilistdir indices inet_ntop
    inet_pton input isenabled issubclass load load_verify_locations loads locked makefile map match md5
    mem_info modules new_event_loop next oct open_connection pack_into platform poll print_exception property
    ptr ptr16 ptr32 queue_read queue_write readexactly readlines recv recv_into reversed rmdir round
    run_until_complete schedule seek send sendall server_hostname server_side set_exception_handler settimeout
    sha256 sizeof slice sorted start_server statvfs stderr stdin stdout sum system threshold ticks_us to_bytes
    umount unhexlify unpack_from unregister verify_callback version viper wait_closed wait_for wait_for_ms
    wrap_socket
""".split()


def rename(sources, first=(), outside=()):
    """The modules of an image, {dotted name: source}, with public names replaced; {new name: old name}; spare words.

    The names of the modules `first` are served first, should the words run out. The sources `outside` are not
    changed: what they name stays."""
    trees = {name: ast.parse(source) for name, source in sources.items()}
    defined, stays, present = {}, set(FOREIGN) | set(cold.OURS), set()
    for source in outside:
        stays.update(name for node in ast.walk(ast.parse(source)) for name in _names(node))
    starts = []
    for module in sorted(trees, key=lambda name: (name not in first, _served(name), name)):
        tree = trees[module]
        names = _defined(tree)
        for name in names:
            defined.setdefault(name)
        stays.update(module.split("."))
        used = {name for node in ast.walk(tree) for name in _names(node)}
        present |= used
        if any(name.split(".")[0] in HARDWARE for name in _imported(tree)):
            stays |= used - set(_defined(trees.get(INTERFACE, ast.Module([], []))))
        documentation = _docstrings(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and node not in documentation:
                stays.update(_words(node.value))
            elif isinstance(node, ast.BinOp) and isinstance(node.left, ast.Constant):
                starts += [word for word in _words(node.left.value) if word.endswith("_")]
            elif isinstance(node, ast.ClassDef) and node.name in OPEN:
                stays.update(_defined(node))
            elif isinstance(node, ast.ImportFrom) and node.module.split(".")[0] not in _tops(trees):
                stays.update(each.name for each in node.names)
                stays.update(each.asname for each in node.names if each.asname)
            elif isinstance(node, ast.Import):
                stays.update((each.asname or each.name).split(".")[0] for each in node.names)
    free = sorted((word for word in WORDS if word not in present and word not in stays - FOREIGN), key=len)
    spare = free[:PRIVATE]
    short = (a + b for a in "qxyzjkvw" for b in "abcdefghijklmnopqrstuvwxyz")
    words = iter(free[PRIVATE:] + [word for word in short if word not in present and word not in stays])
    new, often = {}, {}
    for tree in trees.values():
        for node in ast.walk(tree):
            for name in _names(node):
                often[name] = often.get(name, 0) + 1
    # The shorter words for what is used more: every function on flash spells them out.
    for name in sorted(defined, key=lambda name: -often.get(name, 0)):
        if name not in stays and not name.startswith("_") and len(name) > 2 and not name.startswith(tuple(starts)):
            word = next(words, None)
            if word is None:
                break
            new[name] = word
    for tree in trees.values():
        for node in ast.walk(tree):
            _apply(node, new)
    texts = {name: ast.unparse(tree) for name, tree in trees.items()}
    return texts, {word: name for name, word in new.items()}, spare


def _served(module):
    """The later, the less it is loaded: the firmware, the libraries, what lies beside a simulated board's link."""
    return 2 if module.startswith("boards.") and module.count(".") > 1 else module.split(".")[0] != "wallbox"


def _tops(trees):
    return {name.split(".")[0] for name in trees}


def _words(value):
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    return re.findall(r"[A-Za-z_]\w*", value, re.ASCII) if isinstance(value, str) else ()


def _docstrings(tree):
    lone = [node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)]
    return {value for value in lone if isinstance(value, ast.Constant)}


def _imported(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def _defined(tree):
    """Names that a module gives to things of its own, in order: functions, classes, attributes, module-level names."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found[node.name] = None
            if isinstance(node, ast.ClassDef):
                found.update((name, None) for each in node.body for name in _stored(each))
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            found[node.attr] = None
        elif isinstance(node, ast.Module):
            found.update((name, None) for each in node.body for name in _stored(each))
        elif isinstance(node, ast.Global):
            found.update((name, None) for name in node.names)
    return found


def _stored(statement):
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def _names(node):
    for field in ("id", "attr", "arg", "name", "asname"):
        value = getattr(node, field, None)
        if isinstance(value, str):
            yield value
    if isinstance(node, (ast.Global, ast.Nonlocal)):
        yield from node.names


def _apply(node, new):
    if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "__future__":
        return
    for field in ("id", "attr", "arg", "name", "asname"):
        value = getattr(node, field, None)
        if isinstance(value, str) and value in new:
            setattr(node, field, new[value])
    if isinstance(node, (ast.Global, ast.Nonlocal)):
        node.names = [new.get(name, name) for name in node.names]
