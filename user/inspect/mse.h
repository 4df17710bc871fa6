/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Message Stream Encryption (also Protocol Encryption) over TCP, the obfuscation that BitTorrent
 * clients put around the peer protocol; specified by the Azureus/Vuze and uTorrent projects:
 *
 *   1  A to B  96 bytes Diffie-Hellman public key, 0 to 512 bytes of random padding
 *   2  B to A  the same
 *   3  A to B  two hashes (20 each), encrypted: 8 zeros, methods (4), length of PadC (2), PadC
 *              (0 to 512), length of IA (2), IA: nothing, or the handshake of BEP 3 (68)
 *   4  B to A  encrypted: 8 zeros, method (4), length of PadD (2), PadD (0 to 512), then its stream
 *   5  A to B  its stream, which begins with the handshake (68) unless IA was that
 *
 * Without the torrent's infohash every byte looks random, so that only lengths can be compared. The
 * 68 bytes of the handshake are the only constant.
 */
#ifndef WEIR_INSPECT_MSE_H
#define WEIR_INSPECT_MSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inspect/flights.h"

#define MSE_APPLICATION "bittorrent"
#define MSE_KEY_BYTES	96

/*
 * Confidence that a flow's first flights are MSE, 0 to 100. 100: a known public key (see
 * mse_key_is_known()). 85: the shape, with the handshake's 68 bytes in their place; one in 10,000
 * flows of protocols that exchange random bytes in messages of random lengths has it. 40: the shape
 * alone, which one in 20 of such flows has: a guess, which evidence about the hosts may raise.
 * docs/encrypted.md derives the numbers.
 */
unsigned int mse_confidence(const struct flights *f);

/* mse_keys.c: whether this is one of the predictable public keys of a client that does not seed its
 * random number generator. */
bool mse_key_is_known(const uint8_t key[MSE_KEY_BYTES]);

#endif
