// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is read of TLS, DTLS, certificates, HTTP heads and QUIC. Input: a byte that says which, then
 * the bytes.
 */
#include "harness.h"
#include "proto/certificate.h"
#include "proto/dtls.h"
#include "proto/hello.h"
#include "proto/hostname.h"
#include "proto/http_head.h"
#include "proto/ja4.h"
#include "proto/quic.h"

#define ENOUGH 512

int LLVMFuzzerInitialize(int *argc, char ***argv);

static const uint8_t *begin, *end;

/* A piece lies within the input, and every byte of it can be read. */
static void check_piece(struct bytes b)
{
	static volatile uint8_t sum;

	check(b.len == 0 || (b.at >= begin && b.at + b.len <= end));
	for (size_t i = 0; i < b.len; i++)
		sum ^= b.at[i];
}

static void read_client(const uint8_t *data, size_t len, bool datagram)
{
	struct client_hello hello;
	struct bytes list, name;
	char ja4[JA4_BYTES] = "";
	int rc = hello_read_client(data, len, datagram, &hello);

	check_piece(hello.name);
	check_piece(hello.ciphers);
	check_piece(hello.extensions);
	check_piece(hello.signatures);
	list = hello.protocols;
	while (hello_next_protocol(&list, &name))
		check_piece(name);
	if (ja4_make(&hello, datagram ? 'd' : 't', ja4))
		check(strlen(ja4) == JA4_BYTES - 1);
	/* More bytes behind a whole message change nothing. */
	if (rc == 1 && len)
		check(hello_read_client(data, len, datagram, &hello) == 1);
}

static void read_certificate(struct bytes der)
{
	char name[256] = "";

	if (certificate_name(der, name, sizeof(name)))
		check(strlen(name) > 0 && strlen(name) < sizeof(name));
}

static void read_server(const uint8_t *data, size_t len)
{
	struct bytes der = {0};
	uint16_t version = 0;

	hello_read_server(data, len, &version);
	if (hello_find_certificate(data, len, &der) != 0) {
		check_piece(der);
		read_certificate(der);
	}
}

/* The record that the rules see is one record, of what the hello's records carry. */
static void unite_records(const uint8_t *data, size_t len, bool complete)
{
	uint8_t record[HELLO_RECORD_MAX], again[HELLO_RECORD_MAX];
	ssize_t n = hello_unite_records(data, len, complete, record);

	check(n == 0 || n == -EAGAIN || (n > 5 && (size_t)n <= len + 5));
	if (n <= 0)
		return;
	check(record[0] == 22 && (size_t)n <= 5 + bytes_number(record + 3, 2));
	check(hello_unite_records(record, (size_t)n, complete, again) == 0);
}

static void read_records(const uint8_t *data, size_t len)
{
	uint8_t hello[HELLO_MAX];
	char name[HOSTNAME_BYTES];
	bool open;
	ssize_t used = hello_join_records(data, len, hello, sizeof(hello), &open);

	check(used <= (ssize_t)len);
	unite_records(data, len, false);
	unite_records(data, len, true);
	if (hostname_from_tls(data, len, name, sizeof(name)) == 1)
		check(strlen(name) > 0);
}

static void see_fragment(void *arg, const struct dtls_fragment *f)
{
	check_piece((struct bytes){f->data, f->len, false});
	check(f->offset + f->len <= f->total);
}

static void read_head(const uint8_t *data, size_t len)
{
	char name[HTTP_HOSTNAME_BYTES];
	char texts[HTTP_HEAD_BYTES];
	struct http_head head;

	if (http_head_parse(data, len, texts, &head) == 0)
		return;
	for (unsigned int i = 0; i < HTTP_TEXT_COUNT; i++) {
		size_t n;
		const char *text = http_head_text(&head, i, &n);

		check(n == 0 || (text >= texts && text + n <= texts + sizeof(texts)));
	}
	if (http_head_hostname(&head, name, NULL))
		check(head.request && strlen(name) > 0);
	if (http_head_file_name(&head, &head, name))
		check(strlen(name) > 0 && !strchr(name, '/'));
}

static bool see_crypto(void *arg, uint32_t offset, const uint8_t *data, size_t len)
{
	size_t *total = arg;

	for (size_t i = 0; i < len; i++)
		*total += data[i] != 0;
	return *total < ENOUGH;
}

static void read_quic(const uint8_t *data, size_t len)
{
	struct quic_connection c = {0}, again = {0};
	struct secret *secret = secret_new();
	char name[HOSTNAME_BYTES];
	size_t total = 0, twice = 0;
	unsigned int count;

	if (!secret)
		return;
	count = quic_read_initials(secret, data, len, &c, see_crypto, &total);
	check(c.id_len <= QUIC_ID_MAX && c.known == (count > 0));
	/* The context remembers keys, which changes nothing. */
	check(quic_read_initials(secret, data, len, &again, see_crypto, &twice) == count);
	check(twice == total && again.derived == c.derived);
	quic_read_initials(secret, data, len, &c, see_crypto, &total);
	secret_free(secret);
	hostname_from_chlo(data, len, name, sizeof(name));
}

/* JA4 hashes, for which the library has to be started. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	secret_free(secret_new());
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len = size ? size - 1 : 0;
	uint8_t *copy = exact_copy(data + 1, len);

	begin = copy;
	end = copy + len;
	switch (size ? data[0] & 7 : 0) {
	case 0:
		read_client(copy, len, false);
		break;
	case 1:
		read_client(copy, len, true);
		break;
	case 2:
		read_server(copy, len);
		break;
	case 3:
		read_certificate((struct bytes){copy, len, data[0] & 8});
		break;
	case 4:
		read_records(copy, len);
		break;
	case 5:
		dtls_read_handshake(copy, len, see_fragment, NULL);
		break;
	case 6:
		read_head(copy, len);
		break;
	default:
		read_quic(copy, len);
	}
	free(copy);
	return 0;
}
