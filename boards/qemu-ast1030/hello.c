/* An application for the loader to start: it runs where it was programmed, in the
 * memory-mapped flash, and prints a line each tenth of a second. That line tells whether
 * the way into it was right: where the code runs, whether initialised data arrived,
 * whether interrupts come through its own vector table.
 */
#include "cortexm.h"
#include "uart.h"

__attribute__((section(".vectors"), used)) static const vf_vector vectors[16] = {VF_VECTORS_CORE};

static uint32_t lines = 41; /* in .data; the first line says 42 */

static char *put_text(char *to, const char *text)
{
	while (*text != '\0')
		*to++ = *text++;
	return to;
}

static char *put_hex(char *to, uint32_t value)
{
	for (int shift = 28; shift >= 0; shift -= 4)
		*to++ = "0123456789abcdef"[value >> shift & 15];
	return to;
}

static char *put_number(char *to, uint32_t value)
{
	char digits[10];
	unsigned n = 0;

	do
		digits[n++] = (char)('0' + value % 10);
	while ((value /= 10) != 0);
	while (n > 0)
		*to++ = digits[--n];
	return to;
}

void board_main(void)
{
	uart port;
	char line[80];

	uart_init(&port, 0);
	vf_clock_init(200000000);
	for (;;) {
		char *end = put_hex(put_text(line, "\r\nhello from 0x"),
				    (uint32_t)(uintptr_t)board_main & ~(uint32_t)0xFFFF);
		end = put_text(put_number(put_text(end, ", line "), ++lines), "\r\n");
		uart_send(&port, (const uint8_t *)line, (size_t)(end - line));
		for (uint32_t since = vf_clock_us();
		     uart_sending(&port) || vf_clock_us() - since < 100000;)
			;
	}
}
