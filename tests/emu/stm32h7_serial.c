/* stm32h7_serial.c - USART1 and the DMA behind it: bytes in their time, FIFO,
 * overrun, idle line, wrong rates, circular reception.
 */
#include "stm32h7_rig.h"

#include <string.h>

enum { CR1 = 0, CR3 = 8, ISR = 0x1C, ICR = 0x20, RDR = 0x24, TDR = 0x28 };
enum { FIFOEN = 1 << 29, IDLEIE = 1 << 4, RXNEIE = 1 << 5 };
enum { ORE = 1 << 3, FE = 1 << 1, IDLE = 1 << 4, RXNE = 1 << 5, TC = 1 << 6, TXE = 1 << 7 };

static void test_receive(void **state)
{
	rig *r = rig_new();

	(void)state;
	rig_usart(r, 921600, RXNEIE, 0);
	assert_int_equal(vf_stm32h7_feed(&r->soc, (const uint8_t *)"ab", 2, 921600), 2);
	rig_run(r, 10000);
	assert_int_equal(rd(r, USART1 + ISR) & RXNE, 0); /* a byte takes 10.9 us */
	assert_false(r->irq[0][37]);
	rig_run(r, 1500);
	assert_int_equal(rd(r, USART1 + ISR) & RXNE, RXNE);
	assert_true(r->irq[0][37] && r->irq[1][37]);
	assert_int_equal(rd(r, USART1 + RDR), 'a');
	assert_false(r->irq[0][37]);
	rig_run(r, 11000);
	assert_int_equal(rd(r, USART1 + RDR), 'b');
	assert_int_equal(rd(r, USART1 + ISR) & IDLE, 0);
	rig_run(r, 22000);
	assert_int_equal(rd(r, USART1 + ISR) & IDLE, IDLE);
	wr(r, USART1 + ICR, IDLE);
	rig_run(r, 100000);
	assert_int_equal(rd(r, USART1 + ISR) & IDLE, 0);
	rig_free(r);
}

static void test_overrun(void **state)
{
	static const unsigned holds[2] = {1, 16};
	static const uint8_t data[20] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};

	(void)state;
	for (unsigned fifo = 0; fifo < 2; fifo++) {
		rig *r = rig_new();

		rig_usart(r, 115200, fifo != 0 ? FIFOEN : 0, 0);
		(void)vf_stm32h7_feed(&r->soc, data, holds[fifo], 115200);
		rig_run(r, 2000000);
		assert_int_equal(rd(r, USART1 + ISR) & ORE, 0);
		(void)vf_stm32h7_feed(&r->soc, data, 1, 115200);
		rig_run(r, 200000);
		assert_int_equal(rd(r, USART1 + ISR) & ORE, ORE);
		assert_int_equal(r->soc.usart1.overruns, 1);
		for (unsigned i = 0; i < holds[fifo]; i++)
			assert_int_equal(rd(r, USART1 + RDR), data[i]);
		assert_int_equal(rd(r, USART1 + ISR) & RXNE, 0);
		wr(r, USART1 + ICR, ORE);
		assert_int_equal(rd(r, USART1 + ISR) & ORE, 0);
		rig_free(r);
	}
}

static void test_transmit(void **state)
{
	rig *r = rig_new();

	(void)state;
	rig_usart(r, 1000000, FIFOEN, 0);
	wr(r, USART1 + ICR, TC);
	assert_int_equal(rd(r, USART1 + ISR) & TC, 0);
	rig_run(r, 10000); /* TE sends an idle frame first, and TC tells its end */
	assert_int_equal(rd(r, USART1 + ISR) & TC, TC);
	assert_int_equal(r->sent_len, 0);
	for (unsigned i = 0; i < 17; i++) /* one in the shift register, 16 wait */
		wr(r, USART1 + TDR, 'A' + i);
	assert_int_equal(rd(r, USART1 + ISR) & (TXE | TC), 0);
	wr(r, USART1 + TDR, 0);
	assert_stop(r, "USART1: TDR written while full: a byte is lost");
	rig_run(r, 95000);
	assert_int_equal(r->sent_len, 9);
	rig_run(r, 80000);
	assert_memory_equal(r->sent, "ABCDEFGHIJKLMNOPQ", 17);
	assert_int_equal(r->sent_len, 17);
	assert_int_equal(r->sent_baud, 1000000);
	assert_int_equal(rd(r, USART1 + ISR) & (TXE | TC), TXE | TC);
	rig_free(r);
}

static void test_wrong_rate(void **state)
{
	static const uint8_t data[] = {0x55, 0x00, 0xA3, 0x00, 0x0F, 0x80};
	rig *r = rig_new();
	unsigned wrong = 0;

	(void)state;
	rig_usart(r, 921600, FIFOEN, 0);
	(void)vf_stm32h7_feed(&r->soc, data, sizeof data, 460800);
	rig_run(r, 1000000);
	for (unsigned i = 0; i < sizeof data; i++)
		wrong += rd(r, USART1 + RDR) != data[i];
	assert_in_range(wrong, 4, 6);
	assert_int_equal(rd(r, USART1 + ISR) & FE, FE);
	(void)vf_stm32h7_feed(&r->soc, data, sizeof data, 930000); /* one percent */
	rig_run(r, 1000000);
	for (unsigned i = 0; i < sizeof data; i++)
		assert_int_equal(rd(r, USART1 + RDR), data[i]);
	rig_free(r);
}

static void test_pins_and_rules(void **state)
{
	rig *r = rig_new();

	(void)state;
	rig_usart(r, 115200, FIFOEN, 0);
	rig_pin(r, 0, 10, 8);
	(void)vf_stm32h7_feed(&r->soc, (const uint8_t *)"a", 1, 115200);
	rig_run(r, 200000);
	assert_int_equal(r->soc.usart1.lost, 1);
	wr(r, USART1 + 0x0C, 100);
	assert_stop(r, "USART1: register at 0Ch reconfigured while UE is set");
	clear(r, USART1, 1);
	wr(r, USART1 + 0x0C, 15);
	set(r, USART1, 1);
	assert_stop(r, "UE set with BRR 15, below 16");
	clear(r, USART1, 1);
	wr(r, USART1 + 0x0C, 100);
	set(r, USART1, 1 << 10);
	set(r, USART1, 1);
	assert_stop(r, "a mode or frame that the model has not");
	rig_free(r);
}

static void circular(rig *r, uint32_t buffer, uint32_t size)
{
	set(r, RCC + 0xD8, 1);
	wr(r, DMAMUX1, 41);
	wr(r, DMA1 + 0x14, size);
	wr(r, DMA1 + 0x18, USART1 + RDR);
	wr(r, DMA1 + 0x1C, buffer);
	wr(r, DMA1 + 0x10, 1 << 10 | 1 << 8 | 1 << 4 | 1 << 3 | 1 << 20);
	set(r, DMA1 + 0x10, 1);
}

static void test_circular_dma(void **state)
{
	rig *r = rig_new();
	uint8_t data[40];

	(void)state;
	for (unsigned i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)(i + 1);
	rig_usart(r, 921600, FIFOEN | IDLEIE, 1 << 6);
	circular(r, RIG_SRAM + 16, 32);
	(void)vf_stm32h7_feed(&r->soc, data, 15, 921600);
	rig_run(r, 163500);
	assert_false(r->irq[0][11]);
	(void)vf_stm32h7_feed(&r->soc, data + 15, 1, 921600);
	rig_run(r, 12000);
	assert_true(r->irq[0][11]);
	assert_int_equal(rd(r, DMA1), 1u << 4); /* HTIF0 */
	assert_int_equal(rd(r, DMA1 + 0x14), 16);
	wr(r, DMA1 + 8, 1u << 4);
	assert_false(r->irq[0][11]);
	(void)vf_stm32h7_feed(&r->soc, data + 16, 24, 921600);
	rig_run(r, 275000);
	assert_int_equal(rd(r, DMA1), 1u << 5); /* TCIF0 */
	assert_int_equal(rd(r, DMA1 + 0x14), 24);
	assert_memory_equal(r->sram + 16, data + 32, 8);
	assert_memory_equal(r->sram + 24, data + 8, 24);
	assert_int_equal(r->soc.usart1.overruns, 0);
	assert_true(r->irq[0][37]); /* the line went idle */
	rig_free(r);
}

static void test_dma_transmit(void **state)
{
	rig *r = rig_new();

	(void)state;
	memcpy(r->sram, "twenty-five bytes are one", 25);
	rig_usart(r, 1000000, FIFOEN, 1 << 7);
	set(r, RCC + 0xD8, 1);
	wr(r, DMAMUX1 + 4, 42);
	wr(r, DMA1 + 0x2C, 25);
	wr(r, DMA1 + 0x30, USART1 + TDR);
	wr(r, DMA1 + 0x34, RIG_SRAM);
	wr(r, DMA1 + 0x28, 1 << 10 | 1 << 6 | 1);
	rig_run(r, 100000);
	assert_int_equal(rd(r, DMA1) & 1u << 11, 1u << 11); /* TCIF1: all in the FIFO */
	assert_int_equal(rd(r, DMA1 + 0x28) & 1, 0);
	rig_run(r, 160000);
	assert_int_equal(r->sent_len, 25);
	assert_memory_equal(r->sent, r->sram, 25);
	rig_free(r);
}

static void test_dma_rules(void **state)
{
	rig *r = rig_new();

	(void)state;
	rig_usart(r, 1000000, FIFOEN, 1 << 6);
	circular(r, RIG_DTCM, 32);
	(void)vf_stm32h7_feed(&r->soc, (const uint8_t *)"a", 1, 1000000);
	rig_run(r, 20000);
	assert_stop(r, "DMA1: stream 0 cannot reach 20000000h");
	assert_int_equal(rd(r, DMA1), 1u << 3); /* TEIF0 */
	set(r, DMA1 + 0x10, 1);
	assert_stop(r, "stream 0 enabled with event flags still set");
	wr(r, DMA1 + 0x10, 0);
	wr(r, DMA1 + 8, 0x3D);
	circular(r, RIG_SRAM, 32);
	wr(r, DMA1 + 0x14, 16);
	assert_stop(r, "stream 0 configured while it is enabled");
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_receive),        cmocka_unit_test(test_overrun),
		cmocka_unit_test(test_transmit),       cmocka_unit_test(test_wrong_rate),
		cmocka_unit_test(test_pins_and_rules), cmocka_unit_test(test_circular_dma),
		cmocka_unit_test(test_dma_transmit),   cmocka_unit_test(test_dma_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
