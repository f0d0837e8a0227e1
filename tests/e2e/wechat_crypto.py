"""WeChat's signature and encryption, written for the tests from the published
description and not from the C code: what one seals the other must open. AES
comes from OpenSSL's library through ctypes."""

import base64
import ctypes
import ctypes.util
import hashlib
import os
import struct

_LIB = ctypes.CDLL(ctypes.util.find_library("crypto"))
for _name in ("EVP_CIPHER_CTX_new", "EVP_aes_256_cbc"):
    getattr(_LIB, _name).restype = ctypes.c_void_p
BLOCK = 32


def _cbc(key, data, encrypting):
    ctx = ctypes.c_void_p(_LIB.EVP_CIPHER_CTX_new())
    cipher = ctypes.c_void_p(_LIB.EVP_aes_256_cbc())
    out = ctypes.create_string_buffer(len(data) + BLOCK)
    size = ctypes.c_int(0)
    try:
        if _LIB.EVP_CipherInit_ex(ctx, cipher, None, key, key[:16],
                                  1 if encrypting else 0) != 1 or \
                _LIB.EVP_CIPHER_CTX_set_padding(ctx, 0) != 1 or \
                _LIB.EVP_CipherUpdate(ctx, out, ctypes.byref(size), data,
                                      len(data)) != 1:
            raise ValueError("OpenSSL refused")
    finally:
        _LIB.EVP_CIPHER_CTX_free(ctx)
    return out.raw[:size.value]


def aes_key(text):
    """The 32 bytes of an EncodingAESKey."""
    return base64.b64decode(text + "=")


def sign(*parts):
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()


def encrypt(key_text, app_id, message, random=None):
    """Base64 of the sealed message (bytes)."""
    plain = (random or os.urandom(16)) + struct.pack(">I", len(message)) + \
        message + app_id.encode()
    pad = BLOCK - len(plain) % BLOCK
    return base64.b64encode(
        _cbc(aes_key(key_text), plain + bytes([pad]) * pad, True)).decode()


def decrypt(key_text, app_id, text):
    """The message (bytes); ValueError when it is not for app_id."""
    plain = _cbc(aes_key(key_text), base64.b64decode(text), False)
    plain = plain[:-plain[-1]]
    size = struct.unpack(">I", plain[16:20])[0]
    if plain[20 + size:] != app_id.encode():
        raise ValueError("of another app id")
    return plain[20:20 + size]
