#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Print the table of user/inspect/mse_keys.c: the public keys that clients with libgmp's unseeded
generator send in the order of their handshakes (aria2: gmp_randinit_default, no seed, 160 bits).

usage: mse_keys.py [COUNT]
"""
import ctypes
import sys

# The prime of Message Stream Encryption; the generator is 2.
PRIME = int('FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A0879'
            '8E3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A63A3621'
            '0000000000090563', 16)
PRIVATE_BITS = 160


class Integer(ctypes.Structure):
    _fields_ = [('alloc', ctypes.c_int), ('size', ctypes.c_int), ('limbs', ctypes.c_void_p)]


def private_keys(count):
    gmp = ctypes.CDLL('libgmp.so.10')
    text = gmp['__gmpz_get_str']
    text.restype = ctypes.c_char_p
    state = ctypes.create_string_buffer(256)
    number = Integer()
    gmp['__gmp_randinit_default'](state)
    gmp['__gmpz_init'](ctypes.byref(number))
    for _ in range(count):
        gmp['__gmpz_urandomb'](ctypes.byref(number), state, ctypes.c_ulong(PRIVATE_BITS))
        yield int(text(None, 16, ctypes.byref(number)), 16)


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 512
    heads = sorted(pow(2, x, PRIME) >> (768 - 64) for x in private_keys(count))
    for at in range(0, count, 4):
        print('\t' + ' '.join(f'0x{head:016x},' for head in heads[at:at + 4]))


main()
