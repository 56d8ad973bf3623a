"""Words of MicroPython: those that our names may become, and those that others' things are called (rom_names.py)."""

import array
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
    calcsize DeflateIO install crc32 decompress digest hexdigest update aes encrypt decrypt task port value
    data _serve _build text request clock state head Connection key file line on function
""".split()
_CPYTHON = """
    change closed errors events new readable sample string tasks warnings writable
""".split()  # what no thing of MicroPython is called
FOREIGN = frozenset(_MICROPYTHON).union(*(dir(each) for each in _LIBRARIES)).difference(_CPYTHON)

# In ROM of every MicroPython with the extra features: where one is missing it costs what any name does. NUMBERED are
# numbers in a .mpy file, the others are spelled out there.
NUMBERED = """
    pow isalpha isdigit islower isspace isupper rsplit rindex rfind lstrip rstrip setdefault popitem from_bytes
    ArithmeticError AssertionError AttributeError EOFError GeneratorExit ImportError IndentationError IndexError
    LookupError NameError NotImplementedError OverflowError StopIteration SyntaxError ZeroDivisionError
    BaseException Ellipsis NoneType classmethod globals locals staticmethod builtins KeyError KeyboardInterrupt
    RuntimeError SystemExit callable clear exec format issubclass map next round send sorted sum to_bytes
""".split()
WORDS = NUMBERED + """
    pi sz tb EIO GET GS8 INT PTR PUT cos doc erf exc exp idx md5 mpy oct ps1 ps2 req sin ssl tan tau GZIP HEAD Host
    INT8 LONG Loop POST UINT VOID ZLIB acos argv asin atan blit ceil coro cosh dest erfc fabs fill fmod help imag
    json load log2 mem8 mkfs modf peek poll poly post real recv seed seek sinh sqrt tanh urls usys ARRAY EBADF EPERM
    INT16 INT32 INT64 MVLSB PATCH UINT8 ULONG acosh asinh atan2 atanh chdir cmath deque dumps expm1 flags floor
    frexp funcs gamma group heapq hline input ioctl isinf isnan ldexp loads log10 match mem16 mem32 pixel polar
    rmdir slice stdin trunc union vline BFINT8 BF_LEN BF_POS DELETE EACCES EAGAIN EEXIST EINVAL EISDIR ENODEV ENOENT
    ENOMEM FileIO IOBase NATIVE POLLIN RGB565 RingIO Server Signal Stream UINT16 UINT32 UINT64 USHORT VfsFat VfsRom
    aclose center choice delete digest enable fileno future gather getcwd getenv getter gmtime hashes latest lgamma
    locked mktime ph_key poller putenv scroll setter sha256 sizeof stderr stdout struct system umount waiter BFINT16
    BFINT32 BFUINT8 ENOBUFS FLOAT32 FLOAT64 IOQueue POLLERR POLLHUP POLLOUT PinBase VfsLfs1 VfsLfs2 abs_tol acquire
    backlog chunked closure compile complex content decrypt deflate degrees delattr deleter disable discard ellipse
    encrypt fromhex hashlib heapify heappop indices isclose maxsize modules newline out_buf popleft radians randint
    rel_tol sendall statvfs time_ns uctypes uniform version waiting AF_INET6 BFUINT16 BFUINT32 EALREADY ENOTCONN
    GS2_HMSB GS4_HMSB LONGLONG LockType Response SOCK_RAW SO_ERROR StringIO binascii copysign cur_task exc_type
    execfile framebuf fromkeys getvalue heappush ilistdir isfinite issubset iterable iterator kbd_intr keepends
    makefile mem_info mem_peak peername platform progsize property readsize requests reversed runq_len schedule
    sleep_us ticks_us unsetenv wait_for DeflateIO ETIMEDOUT MONO_HLSB MONO_HMSB MONO_VLSB SO_LINGER SSLSocket
    TaskQueue ULONGLONG addressof awritestr buffering byteorder cryptolib dict_view enumerate errorcode factorial
    fill_rect frozenset generator get_ident heap_lock inet_ntop inet_pton isenabled localtime lookahead main_task
    mem_total opt_level pack_into partition qstr_info randrange readlines recv_into stack_use threshold ticks_add
    ticks_cpu unhexlify waitq_len websocket BIG_ENDIAN Connection EADDRINUSE ECONNRESET EOPNOTSUPP a2b_base64
    appendleft b2a_base64 difference executable isdisjoint issuperset namedtuple pend_throw queue_read readblocks
    requesting rpartition separators settimeout short_hash soft_reset splitlines stack_size unregister EINPROGRESS
    OrderedDict collections get_ciphers getrandbits heap_unlock mem_current queue_write readexactly run_forever
    server_side status_code unpack_from wait_closed wait_for_ms wrap_socket writeblocks ECONNABORTED ECONNREFUSED
    EHOSTUNREACH FrameBuffer1 MSG_DONTWAIT SO_KEEPALIVE StreamReader StreamWriter UnicodeError bound_method
    current_task intersection start_server version_info Authorization LITTLE_ENDIAN MSG_DONTROUTE TextIOWrapper
    allocate_lock parse_headers stream_awrite time_pulse_us wait_io_event CancelledError NotImplemented
    ThreadSafeFlag ViperTypeError get_event_loop get_extra_info implementation new_event_loop MBEDTLS_VERSION
    open_connection print_exception server_hostname verify_callback package_json_url start_new_thread
    difference_update return_exceptions SingletonGenerator StopAsyncIteration run_until_complete PROTOCOL_TLS_CLIENT
    intersection_update PROTOCOL_DTLS_CLIENT PROTOCOL_DTLS_SERVER symmetric_difference get_exception_handler
    load_verify_locations set_exception_handler call_exception_handler do_handshake_on_connect
    default_exception_handler symmetric_difference_update
""".split()
