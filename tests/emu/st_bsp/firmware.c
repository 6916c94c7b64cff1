/* firmware.c - ST's own QSPI driver put through its paces: clocks and a console by
 * ST's HAL, then BSP_QSPI_Init, erase, write, read and memory-mapped reads in the
 * mode that MODE and RATE name, and what came back in lines on USART1.
 *
 * Only this file is ours; script/st-bsp builds it with ST's sources.
 */
#include <stdio.h>
#include <string.h>

#include "stm32h747i_discovery_qspi.h"

enum { AT = 0x10000, LEN = 4096, STORY_AT = 1 << 20, STORY = 64 << 10 };

static UART_HandleTypeDef console;
static uint8_t sent[LEN], got[LEN];
static uint32_t seed = 1;

static void say(const char *what, long value)
{
	char line[80];
	const int len = snprintf(line, sizeof line, "%s %ld\r\n", what, value);

	(void)HAL_UART_Transmit(&console, (uint8_t *)line, (uint16_t)len, 1000);
}

void SysTick_Handler(void)
{
	HAL_IncTick();
}

static void clocks(void)
{
	RCC_OscInitTypeDef osc = {
		.OscillatorType = RCC_OSCILLATORTYPE_HSE,
		.HSEState = RCC_HSE_ON,
		.PLL = {.PLLState = RCC_PLL_ON,
			.PLLSource = RCC_PLLSOURCE_HSE,
			.PLLM = 5,
			.PLLN = 160,
			.PLLP = 2,
			.PLLQ = 4,
			.PLLR = 2,
			.PLLRGE = RCC_PLL1VCIRANGE_2,
			.PLLVCOSEL = RCC_PLL1VCOWIDE},
	};
	RCC_ClkInitTypeDef clk = {
		.ClockType = RCC_CLOCKTYPE_SYSCLK | RCC_CLOCKTYPE_HCLK | RCC_CLOCKTYPE_D1PCLK1 |
			     RCC_CLOCKTYPE_PCLK1 | RCC_CLOCKTYPE_PCLK2 | RCC_CLOCKTYPE_D3PCLK1,
		.SYSCLKSource = RCC_SYSCLKSOURCE_PLLCLK,
		.SYSCLKDivider = RCC_SYSCLK_DIV1,
		.AHBCLKDivider = RCC_HCLK_DIV2,
		.APB3CLKDivider = RCC_APB3_DIV2,
		.APB1CLKDivider = RCC_APB1_DIV2,
		.APB2CLKDivider = RCC_APB2_DIV2,
		.APB4CLKDivider = RCC_APB4_DIV2,
	};

	__HAL_RCC_SYSCFG_CLK_ENABLE(); /* the voltage macro reaches there */
	(void)HAL_PWREx_ConfigSupply(PWR_DIRECT_SMPS_SUPPLY);
	__HAL_PWR_VOLTAGESCALING_CONFIG(PWR_REGULATOR_VOLTAGE_SCALE1);
	while (!__HAL_PWR_GET_FLAG(PWR_FLAG_VOSRDY))
		;
	(void)HAL_RCC_OscConfig(&osc);
	(void)HAL_RCC_ClockConfig(&clk, FLASH_LATENCY_4);
}

void HAL_UART_MspInit(UART_HandleTypeDef *uart)
{
	GPIO_InitTypeDef pins = {.Pin = GPIO_PIN_9 | GPIO_PIN_10,
				 .Mode = GPIO_MODE_AF_PP,
				 .Alternate = GPIO_AF7_USART1};

	(void)uart;
	__HAL_RCC_GPIOA_CLK_ENABLE();
	__HAL_RCC_USART1_CLK_ENABLE();
	HAL_GPIO_Init(GPIOA, &pins);
}

static void open_console(void)
{
	console.Instance = USART1;
	console.Init.BaudRate = 921600;
	console.Init.WordLength = UART_WORDLENGTH_8B;
	console.Init.StopBits = UART_STOPBITS_1;
	console.Init.Parity = UART_PARITY_NONE;
	console.Init.Mode = UART_MODE_TX_RX;
	(void)HAL_UART_Init(&console);
}

static long right(void)
{
	long n = 0;

	for (unsigned i = 0; i < LEN; i++)
		n += got[i] == sent[i];
	return n;
}

/* Calls a function of instance 0 with a pattern in r4, which it has to give back,
 * and returns what r4 holds then: two bytes read into a local of one overwrite the
 * register's place on the stack where the local lies last. */
__attribute__((naked)) static uint32_t watched(int32_t (*function)(uint32_t)
						       __attribute__((unused)))
{
	__asm__ volatile("push {r4, r5, r6, lr}\n"
			 "mov r3, r0\n"
			 "movw r4, #0x4444\n"
			 "movt r4, #0x4444\n"
			 "movs r0, #0\n"
			 "blx r3\n"
			 "mov r0, r4\n"
			 "pop {r4, r5, r6, pc}\n");
}

static long wait_ready(void)
{
	const uint32_t start = HAL_GetTick();

	while (BSP_QSPI_GetStatus(0) == BSP_ERROR_BUSY)
		if (HAL_GetTick() - start > 3000)
			return -1;
	return (long)(HAL_GetTick() - start);
}

static void mapped(void)
{
	say("mapped", BSP_QSPI_EnableMemoryMappedMode(0));
	memcpy(got, (const void *)(0x90000000u + AT), LEN);
	say("mapped right", right());
	say("r4 of who calls DisableMemoryMappedMode is kept",
	    watched(BSP_QSPI_DisableMemoryMappedMode) == 0x44444444);
	say("r4 of who calls GetStatus is kept", watched(BSP_QSPI_GetStatus) == 0x44444444);
}

static void fill(uint32_t turn)
{
	for (unsigned i = 0; i < LEN; i++)
		sent[i] = (uint8_t)((seed = seed * 1664525 + 1013904223 + turn) >> 24);
}

static volatile uint32_t turn;

/* What a receive callback does that takes a packet and writes it, as it stands. */
void EXTI0_IRQHandler(void)
{
	seed = turn;
	for (uint32_t at = 0; at < STORY; at += LEN) {
		fill(turn);
		if (BSP_QSPI_Write(0, sent, STORY_AT + at, LEN) != BSP_ERROR_NONE)
			return;
	}
}

static long what_arrived(void)
{
	long good = 0;

	HAL_Delay(20); /* whatever still runs in the chips is over */
	seed = turn;
	for (uint32_t at = 0; at < STORY; at += LEN) {
		fill(turn);
		(void)BSP_QSPI_Read(0, got, STORY_AT + at, LEN);
		good += right();
	}
	return good * 100 / STORY;
}

/* In an interrupt, above SysTick: on the blank chip, then over what is there. */
static void story(void)
{
	HAL_NVIC_SetPriority(EXTI0_IRQn, 5, 0);
	HAL_NVIC_EnableIRQ(EXTI0_IRQn);
	for (turn = 1; turn <= 2; turn++) {
		HAL_NVIC_SetPendingIRQ(EXTI0_IRQn);
		say(turn == 1 ? "written in an interrupt, blank chip, percent right"
			      : "the same over old bytes, percent right",
		    what_arrived());
	}
}

static void exercise(void)
{
	BSP_QSPI_Init_t init = {.InterfaceMode = MODE, .TransferRate = RATE}; /* dual in any case */
	uint8_t id[6] = {0};

	const int32_t status = BSP_QSPI_Init(0, &init);

	say("init", status);
	if (status != BSP_ERROR_NONE)
		return;
	say("read id", BSP_QSPI_ReadID(0, id));
	say("id", id[0] << 16 | id[1] << 8 | id[2]);
	say("erase", BSP_QSPI_EraseBlock(0, AT, MT25TL01G_ERASE_4K));
	say("erase ms", wait_ready());
	for (unsigned i = 0; i < LEN; i++)
		sent[i] = (uint8_t)(i * 7 + i / 256 + 1);
	say("write", BSP_QSPI_Write(0, sent, AT, LEN));
	HAL_Delay(20);
	memset(got, 0, LEN);
	say("read", BSP_QSPI_Read(0, got, AT, LEN));
	say("read right", right());
	mapped();
	story();
}

int main(void)
{
	(void)HAL_Init();
	clocks();
	open_console();
	exercise();
	say("done", 0);
	for (;;)
		__WFI();
}
