/* greet.c - the line that a person gets who opened the port in a terminal and
 * pressed Return: what this is, and which command speaks to it.
 */
#include <string.h>

#include "engine.h"

typedef struct text {
	char *at;
	char *end;
} text;

static void put(text *x, const char *s)
{
	while (*s != '\0' && x->at < x->end)
		*x->at++ = *s++;
}

static void put_decimal(text *x, uint32_t v)
{
	char digits[11];
	char *d = &digits[sizeof digits - 1];
	*d = '\0';
	do {
		*--d = (char)('0' + v % 10);
		v /= 10;
	} while (v != 0);
	put(x, d);
}

static void put_hex(text *x, uint32_t v)
{
	char digits[9];
	for (unsigned i = 0; i < 8; i++)
		digits[i] = "0123456789ABCDEF"[v >> (28 - 4 * i) & 15];
	digits[8] = '\0';
	put(x, digits);
}

static void put_size(text *x, uint32_t size)
{
	if (size % (1u << 20) == 0) {
		put_decimal(x, size >> 20);
		put(x, " MB");
	} else {
		put_decimal(x, size >> 10);
		put(x, " KB");
	}
}

uint32_t vf_t_greeting(const vf_target *t, uint8_t *out)
{
	const vf_memory *info = vf_t_info(t, 0);
	text x = {(char *)out, (char *)out + VF_TARGET_TX_MIN};
	put(&x, "\r\n");
	put(&x, t->config.name);
	put(&x, ": vcpflash loader, protocol ");
	put_decimal(&x, VF_WIRE_VERSION);
	put(&x, "; ");
	put(&x, info->name);
	if ((info->flags & VF_MEMORY_READ) != 0) { /* or its size means nothing */
		put(&x, ", ");
		put_size(&x, info->size);
	}
	put(&x, " at 0x");
	put_hex(&x, info->base);
	put(&x, ". Close this terminal and type on the host: vcpflash program FILE\r\n");
	return (uint32_t)((uint8_t *)x.at - out);
}
