/* stm32h7_gpio.c - GPIOA to GPIOK: modes, outputs, inputs, alternate functions.
 *
 * Offsets: stm32h747xx.h (GPIO_TypeDef). Use: stm32h7xx_hal_gpio.c. A pin reads as
 * what the board drives, else as its own output, else as its pull; a floating one
 * reads 0. Reset values (PA13 to PA15 and PB3, PB4 serve the debugger, the rest is
 * analog) are unsourced. Locking (LCKR) is kept but not enforced.
 */
#include "stm32h7.h"

enum { MODER = 0x00, PUPDR = 0x0C, IDR = 0x10, ODR = 0x14, BSRR = 0x18, AFRL = 0x20 };
enum { INPUT, OUTPUT, ALTERNATE, ANALOG };

static const vf_h7_register map[] = {
	{MODER, "MODER", UINT32_MAX, UINT32_MAX},
	{0x04, "OTYPER", 0, 0xFFFF},
	{0x08, "OSPEEDR", 0, UINT32_MAX},
	{PUPDR, "PUPDR", 0, UINT32_MAX},
	{IDR, "IDR", 0, 0},
	{ODR, "ODR", 0, 0xFFFF},
	{BSRR, "BSRR", 0, 0},
	{0x1C, "LCKR", 0, 0x1FFFF},
	{AFRL, "AFRL", 0, UINT32_MAX},
	{0x24, "AFRH", 0, UINT32_MAX},
};

static unsigned mode(const vf_h7_gpio *gpio, unsigned pin)
{
	return gpio->value[MODER / 4] >> (2 * pin) & 3;
}

bool vf_h7_pin_is(const vf_stm32h7 *soc, unsigned port, unsigned pin, unsigned af)
{
	const vf_h7_gpio *gpio = &soc->gpio[port];

	return mode(gpio, pin) == ALTERNATE &&
	       (gpio->value[AFRL / 4 + pin / 8] >> (4 * (pin & 7)) & 15) == af;
}

static uint32_t input(const vf_h7_gpio *gpio)
{
	uint32_t value = 0;

	for (unsigned pin = 0; pin < 16; pin++) {
		const uint32_t bit = 1u << pin;
		const unsigned m = mode(gpio, pin);
		bool high = (gpio->value[PUPDR / 4] >> (2 * pin) & 3) == 1;

		if ((gpio->driven & bit) != 0)
			high = (gpio->level & bit) != 0;
		else if (m == OUTPUT)
			high = (gpio->value[ODR / 4] & bit) != 0;
		if (m != ANALOG && high)
			value |= bit;
	}
	return value;
}

/* Half words and bytes are allowed, as ST's headers use them for BSRR. */
static uint32_t read_register(void *state, uint32_t offset, unsigned size)
{
	vf_h7_gpio *gpio = state;
	const uint32_t at = offset & ~3u;
	uint32_t value = vf_h7_load(&gpio->unit, at, 4);

	if (at == IDR)
		value = input(gpio);
	value >>= 8 * (offset & 3);
	return size == 4 ? value : value & ((1u << 8 * size) - 1);
}

static void write_register(void *state, uint32_t offset, unsigned size, uint32_t value)
{
	vf_h7_gpio *gpio = state;
	const uint32_t at = offset & ~3u;
	const unsigned shift = 8 * (offset & 3);
	const uint32_t mask = size == 4 ? UINT32_MAX : ((1u << 8 * size) - 1) << shift;

	value <<= shift;
	if (at != BSRR) { /* the other bytes stay */
		const uint32_t old = at < sizeof gpio->value ? gpio->value[at / 4] : 0;

		(void)vf_h7_store(&gpio->unit, at, 4, (value & mask) | (old & ~mask));
	} else if (vf_h7_store(&gpio->unit, at, 4, value)) { /* setting wins */
		gpio->value[ODR / 4] &= ~(value >> 16);
		gpio->value[ODR / 4] |= value & 0xFFFF;
	}
}

static void reset(void *state, enum vf_emu_reset cause)
{
	vf_h7_gpio *gpio = state;

	(void)cause;
	vf_h7_defaults(&gpio->unit);
	if (gpio->unit.gate_bit == 0) {
		gpio->value[MODER / 4] = 0xABFFFFFF;
		gpio->value[PUPDR / 4] = 0x64000000;
	} else if (gpio->unit.gate_bit == 1) {
		gpio->value[MODER / 4] = 0xFFFFFEBF;
		gpio->value[PUPDR / 4] = 0x00000100;
	}
}

void vf_stm32h7_button(vf_stm32h7 *soc, bool pressed)
{
	vf_h7_gpio *c = &soc->gpio[2];

	c->driven |= 1u << 13;
	c->level = (uint16_t)((c->level & ~(1u << 13)) | (pressed ? 1u << 13 : 0));
}

unsigned vf_h7_gpio_init(vf_stm32h7 *soc, vf_emu_device *device)
{
	static const char *const name[VF_H7_PORTS] = {"GPIOA", "GPIOB", "GPIOC", "GPIOD",
						      "GPIOE", "GPIOF", "GPIOG", "GPIOH",
						      "GPIOI", "GPIOJ", "GPIOK"};

	for (unsigned i = 0; i < VF_H7_PORTS; i++) {
		vf_h7_gpio *gpio = &soc->gpio[i];

		gpio->unit = (vf_h7_unit){.soc = soc,
					  .name = name[i],
					  .map = map,
					  .registers = sizeof map / sizeof *map,
					  .value = gpio->value,
					  .gate = VF_H7_AHB4,
					  .gate_bit = (uint8_t)i};
		device[i] = (vf_emu_device){.name = name[i],
					    .base = 0x58020000 + 0x400 * i,
					    .size = 0x400,
					    .state = gpio,
					    .read = read_register,
					    .write = write_register,
					    .reset = reset};
	}
	vf_stm32h7_button(soc, false);
	return VF_H7_PORTS;
}
